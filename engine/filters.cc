// Items that become filters of a proxy, and whether a route takes what a request brings.
#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/match.h"
#include "engine/request.h"

namespace weft::engine {
namespace {

template <typename T>
std::optional<decltype(T::value)> ValueOf(const std::optional<T>& given) {
  return given ? std::optional(given->value) : std::nullopt;
}

std::string TextOf(const std::optional<dsl::Str>& given) { return given ? given->value : ""; }

std::vector<std::string> Texts(const std::vector<dsl::Str>& given) {
  std::vector<std::string> texts;
  for (const dsl::Str& text : given) texts.push_back(text.value);
  return texts;
}

// `https://host:8443/path` -> `host:8443`, as Envoy's csrf filter compares origins.
std::string HostAndPort(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t end = std::min(url.find('/', begin), url.size());
  return url.substr(begin, end - begin);
}

bool Changes(const std::string& method) {
  return method == "POST" || method == "PUT" || method == "DELETE" || method == "PATCH";
}

bool ComesFromHere(const Csrf& csrf, const Request& request) {
  std::string origin;
  for (const char* name : {"origin", "referer"}) {
    const auto at = request.headers.find(name);
    if (origin.empty() && at != request.headers.end()) origin = HostAndPort(at->second);
  }
  if (origin.empty()) return false;
  return origin == request.host ||
         std::any_of(csrf.origins.begin(), csrf.origins.end(),
                     [&](const Pattern& pattern) { return Matches(pattern, origin); });
}

// Settings of listeners an item gives; false when it gives none.
bool ApplySetting(const dsl::Item& item, ListenerSettings& settings) {
  settings.span = item.span;
  return std::visit(Overloaded{
                        [&](const dsl::BufferItem& i) {
                          settings.buffer_bytes = i.bytes.value;
                          return true;
                        },
                        [&](const dsl::ProxyProtocolItem& i) {
                          settings.proxy_protocol = !i.off;
                          return true;
                        },
                        [&](const dsl::ConnectionsItem& i) {
                          settings.keepalive = ValueOf(i.keepalive);
                          settings.keepalive_interval = ValueOf(i.keepalive_interval);
                          settings.keepalive_probes = ValueOf(i.keepalive_probes);
                          return true;
                        },
                        [](const auto&) { return false; },
                    },
                    item.value);
}

void AddSettings(const std::vector<dsl::Item>& items, std::optional<std::uint16_t> port,
                 Gateway& gateway) {
  ListenerSettings settings{.port = port};
  bool any = false;
  for (const dsl::Item& item : items) any = ApplySetting(item, settings) || any;
  if (any) gateway.settings.push_back(settings);
}

AccessLog::Condition LowerLogCondition(
    const std::variant<dsl::LogItem::Status, dsl::LogItem::Header>& when) {
  AccessLog::Condition condition;
  std::visit(Overloaded{
                 [&](const dsl::LogItem::Status& s) {
                   condition.compare = static_cast<AccessLog::Condition::Compare>(s.compare);
                   condition.status = s.value.value;
                 },
                 [&](const dsl::LogItem::Header& h) {
                   condition.negated = h.negated;
                   condition.header = Fold(h.match.name.value);
                   for (const auto& p : h.match.patterns) condition.patterns.push_back(p.value);
                 },
             },
             when);
  return condition;
}

void AddLog(Lowering& l, const dsl::PolicyDecl& policy, const dsl::LogItem& item, Span span) {
  AccessLog log{.name = policy.header.name.value,
                .workspace = l.Section(policy.header),
                .workloads = {},
                .any_of = {},
                .request_headers = Texts(item.request_headers),
                .response_headers = Texts(item.response_headers),
                .response_trailers = Texts(item.response_trailers),
                .filter_state = Texts(item.filter_state),
                .span = span};
  for (const auto& when : item.when) log.any_of.push_back(LowerLogCondition(when));
  for (std::uint32_t w = 0; w < l.model.workloads.size(); ++w) {
    const Workload& workload = l.model.workloads[w];
    const bool selected =
        PolicySelects(l, policy, {workload.name, workload.workspace, workload.ns, workload.labels});
    if (!selected) continue;
    log.workloads.push_back({w});
    l.used_policies.insert(&policy);
  }
  l.model.logs.push_back(std::move(log));
}

}  // namespace

void LowerFilters(Lowering& l) {
  for (Gateway& gateway : l.model.gateways) {
    for (const dsl::GatewayDecl& decl : l.program.gateways) {
      if (decl.header.name.value == gateway.name) AddSettings(decl.items, std::nullopt, gateway);
    }
    for (const dsl::PolicyDecl& policy : l.program.policies) {
      if (policy.on != dsl::PolicyDecl::On::kGateway ||
          !PolicySelects(l, policy, {gateway.name, gateway.workspace, gateway.ns, {}})) {
        continue;
      }
      l.used_policies.insert(&policy);
      AddSettings(policy.items, ValueOf(policy.listener), gateway);
    }
  }
  for (const dsl::PolicyDecl& policy : l.program.policies) {
    if (policy.on != dsl::PolicyDecl::On::kWorkloads) continue;
    for (const dsl::Item& item : policy.items) {
      const auto* log = std::get_if<dsl::LogItem>(&item.value);
      if (log != nullptr) AddLog(l, policy, *log, item.span);
    }
  }
}

Csrf LowerCsrf(const dsl::CsrfItem& item, Span span) {
  Csrf csrf{.shadow = item.shadow, .origins = {}, .span = span};
  if (item.share) csrf.share = item.share->value;
  for (const auto& origin : item.origins) csrf.origins.push_back(origin.value);
  return csrf;
}

HealthCheck LowerHealthCheck(const dsl::HealthCheckItem& item, Span span) {
  HealthCheck check{.kind = static_cast<HealthCheck::Kind>(item.kind),
                    .method = item.method.value,
                    .path = item.path.value,
                    .service = TextOf(item.service),
                    .host = TextOf(item.host),
                    .headers = ToLabels(item.headers),
                    .statuses = {},
                    .http2 = item.http2,
                    .send = TextOf(item.send),
                    .receive = Texts(item.receive),
                    .expects = TextOf(item.expects),
                    .every = item.every.value,
                    .within = item.within.value,
                    .healthy_after = item.healthy_after.value,
                    .unhealthy_after = item.unhealthy_after.value,
                    .initial_jitter = ValueOf(item.initial_jitter),
                    .jitter = ValueOf(item.jitter),
                    .idle_every = ValueOf(item.idle_every),
                    .idle_healthy_every = ValueOf(item.idle_healthy_every),
                    .unhealthy_every = ValueOf(item.unhealthy_every),
                    .first_unhealthy_every = ValueOf(item.first_unhealthy_every),
                    .first_healthy_every = ValueOf(item.first_healthy_every),
                    .jitter_share = ValueOf(item.jitter_share),
                    .new_connections = item.new_connections,
                    .log = TextOf(item.log),
                    .log_all = item.log_all,
                    .gateways = {},
                    .span = span};
  for (const auto& range : item.statuses) {
    check.statuses.emplace_back(range.first.value, range.last.value);
  }
  return check;
}

AdaptConcurrency LowerAdapt(const dsl::AdaptConcurrencyItem& item, Span span) {
  return {.update_every = item.update_every.value,
          .measure_every = item.measure_every.value,
          .at_most = ValueOf(item.at_most),
          .requests = ValueOf(item.requests),
          .floor = ValueOf(item.floor),
          .status = ValueOf(item.status),
          .percentile = ValueOf(item.percentile),
          .jitter = ValueOf(item.jitter),
          .slack = ValueOf(item.slack),
          .span = span};
}

LuaCode LowerCode(const dsl::LuaItem& item, Span span) {
  const bool after = item.phase && item.phase->phase == dsl::Phase::kAfterAuthorization;
  return {item.code.value, !after, span};
}

std::optional<Block> CheckContent(const RouteModifiers& route, const Request& request,
                                  std::vector<Span>& rules) {
  if (request.layer != Layer::kHttp) return std::nullopt;
  const bool enforced = route.csrf && !route.csrf->shadow && route.csrf->share >= 100;
  if (enforced && Changes(request.method) && !ComesFromHere(*route.csrf, request)) {
    rules.push_back(route.csrf->span);
    return Block{Stage::kForeignOrigin, 403, {route.csrf->span}};
  }
  if (route.body_limit && request.body_bytes > route.body_limit->bytes) {
    rules.push_back(route.body_limit->span);
    return Block{Stage::kBodyTooLarge, 413, {route.body_limit->span}};
  }
  return std::nullopt;
}

}  // namespace weft::engine
