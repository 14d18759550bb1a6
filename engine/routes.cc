// Rules of route tables: references, weights, modifiers. Delegation is in engine/delegation.cc.
#include <algorithm>
#include <cmath>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/made_headers.h"
#include "engine/match.h"
#include "engine/routes.h"
#include "engine/transforms.h"

namespace weft::engine {
namespace {

std::vector<ServicePort> PortsOf(const Model& model, const TargetRef& target) {
  std::vector<ServicePort> ports;
  const auto add = [&](const ServicePort& port) {
    const bool known = std::any_of(ports.begin(), ports.end(),
                                   [&](const ServicePort& p) { return p.number == port.number; });
    if (!known) ports.push_back(port);
  };
  std::visit(Overloaded{
                 [&](ServiceId id) {
                   for (const ServiceInstance& instance : model[id].instances) {
                     for (const ServicePort& port : instance.ports) add(port);
                   }
                 },
                 [&](DestinationId id) {
                   for (const ServicePort& port : model[id].ports) add(port);
                 },
                 [&](ExternalId id) {
                   for (const External::Port& port : model[id].ports) add(port.port);
                 },
             },
             target);
  return ports;
}

// Checks a given port; at gateways, where no port is asked for, a choice must be possible.
void CheckPort(Lowering& l, const dsl::Target& target, const Forward& forward, const Table& table,
               Layer layer) {
  const std::vector<ServicePort> ports = PortsOf(l.model, forward.target);
  if (ports.empty()) return;
  if (target.port) {
    const bool known = std::any_of(ports.begin(), ports.end(), [&](const ServicePort& p) {
      return p.number == target.port->value;
    });
    if (!known) {
      l.diagnostics.Error(
          codes::kUnknownPort, target.port->span,
          "`" + target.name.Text() + "` has no port " + std::to_string(target.port->value));
    }
    return;
  }
  const auto fitting = std::count_if(ports.begin(), ports.end(), [&](const ServicePort& p) {
    return p.IsHttp() == (layer == Layer::kHttp);
  });
  if (ports.size() == 1 || fitting == 1 || (table.gateways.empty() && table.root)) return;
  std::string has;
  for (const ServicePort& p : ports) has += (has.empty() ? "" : ", ") + std::to_string(p.number);
  l.diagnostics
      .Error(codes::kAmbiguousPort, target.span,
             "`" + target.name.Text() + "` has several ports: " + has)
      .help =
      "say which: `" + target.name.Text() + " port " + std::to_string(ports[0].number) + "`";
}

std::optional<Forward> LowerTarget(Lowering& l, const dsl::Target& target, const Table& table,
                                   Layer layer) {
  const std::optional<ResolvedTarget> resolved = l.Target(target.name, table.workspace);
  if (!resolved) return std::nullopt;
  Forward forward{.target = resolved->target,
                  .subset = resolved->subset,
                  .port = target.port ? target.port->value : std::uint16_t{0},
                  .weight = target.weight ? target.weight->value : 100,
                  .span = target.span};
  CheckPort(l, target, forward, table, layer);
  return forward;
}

std::vector<Forward> LowerForwards(Lowering& l, const dsl::ForwardAction& action, Span span,
                                   const Table& table, Layer layer) {
  std::vector<Forward> forwards;
  double sum = 0;
  bool all_weighted = true;
  for (const dsl::Target& target : action.to) {
    sum += target.weight ? target.weight->value : 0;
    all_weighted = all_weighted && target.weight.has_value();
    std::optional<Forward> forward = LowerTarget(l, target, table, layer);
    if (forward) forwards.push_back(std::move(*forward));
  }
  if (action.to.size() > 1 && !all_weighted) {
    l.diagnostics.Error(codes::kBadWeights, span, "several destinations need a share each").help =
        "write it before each: `90% a, 10% b`";
  } else if (all_weighted && std::abs(sum - 100) > 1e-6) {
    std::string text = std::to_string(sum);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    l.diagnostics.Error(codes::kBadWeights, span, "the shares add up to " + text + "%, not 100%");
  }
  return forwards;
}

Redirect LowerRedirect(const dsl::RedirectAction& action) {
  Redirect redirect{.https = action.https,
                    .host = action.host ? action.host->value : "",
                    .path = action.path ? action.path->value : "",
                    .port = {},
                    .code = action.code ? static_cast<int>(action.code->value) : 301};
  if (action.port) redirect.port = action.port->value;
  return redirect;
}

// A TCP or TLS connection has ports, addresses and a peer, nothing else.
void CheckLayer(Lowering& l, const Condition& condition) {
  for (const Condition& child : condition.children) CheckLayer(l, child);
  if (!condition.matcher) return;
  const bool fine = std::visit(Overloaded{
                                   [](const PortMatch&) { return true; },
                                   [](const CallerMatch&) { return true; },
                                   [](const SourceIpMatch&) { return true; },
                                   [](const RemoteIpMatch&) { return true; },
                                   [](const SniMatch&) { return true; },
                                   [](const MtlsMatch&) { return true; },
                                   [](const auto&) { return false; },
                               },
                               *condition.matcher);
  if (fine) return;
  l.diagnostics.Error(codes::kWrongLayer, condition.span,
                      "a TCP or TLS rule cannot look at HTTP requests");
}

void ApplyHeaders(const dsl::HeadersItem& item, RouteModifiers& modifiers) {
  for (const dsl::HeaderOp& op : item.ops) {
    modifiers.headers.push_back({static_cast<HeaderOp::Side>(op.side),
                                 static_cast<HeaderOp::Kind>(op.kind), Fold(op.name.value),
                                 op.value.value});
  }
}

Cors LowerCors(const dsl::CorsItem& item, Span span) {
  Cors cors{.origins = {}, .methods = {}, .headers = {}, .expose = {}, .span = span};
  for (const auto& origin : item.origins) cors.origins.push_back(origin.value);
  for (const dsl::Str& method : item.methods) cors.methods.push_back(method.value);
  for (const dsl::Str& header : item.headers) cors.headers.push_back(Fold(header.value));
  for (const dsl::Str& header : item.expose) cors.expose.push_back(Fold(header.value));
  if (item.max_age) cors.max_age = item.max_age->value;
  if (item.credentials) cors.credentials = item.credentials->value;
  return cors;
}

// `rewrite host to target`: what has a host of its own is called by it. The endpoints of services
// have none, so requests to them keep theirs.
void CallByOwnHost(const Lowering& l, RouteRule& rule) {
  auto* forwards = std::get_if<std::vector<Forward>>(&rule.action);
  if (forwards == nullptr) return;
  for (Forward& forward : *forwards) {
    if (const auto* id = std::get_if<ExternalId>(&forward.target)) {
      const auto& hosts = l.model[*id].hosts;
      if (hosts.size() == 1 && !hosts.front().starts_with("*")) forward.host = hosts.front();
    }
  }
}

void ApplyItem(Lowering& l, const dsl::Item& item, const Table& table, RouteRule& rule) {
  RouteModifiers& m = rule.modifiers;
  const auto text = [](const std::optional<dsl::Str>& s) {
    return s ? std::optional(s->value) : std::nullopt;
  };
  std::visit(Overloaded{
                 [&](const dsl::TimeoutItem& i) {
                   m.timeout = i.value.value;
                   m.timeout_span = item.span;
                 },
                 [&](const dsl::RetriesItem& i) {
                   m.retries = Retries{
                       .attempts = i.attempts.value, .per_try = {}, .on = {}, .span = item.span};
                   if (i.per_try) m.retries->per_try = i.per_try->value;
                   for (const dsl::Name& word : i.on) m.retries->on.push_back(word.value);
                   m.retries->across_localities = i.across_localities;
                 },
                 [&](const dsl::FaultDelayItem& i) {
                   m.delay = FaultDelay{i.delay.value, i.share.value, item.span};
                 },
                 [&](const dsl::FaultAbortItem& i) {
                   m.abort = FaultAbort{static_cast<int>(i.status.value), i.share.value, item.span};
                 },
                 [&](const dsl::MirrorItem& i) {
                   std::optional<Forward> to = LowerTarget(l, i.to, table, Layer::kHttp);
                   if (to) m.mirrors.push_back({std::move(*to), i.share.value, item.span});
                 },
                 [&](const dsl::HeadersItem& i) { ApplyHeaders(i, m); },
                 [&](const dsl::TransformItem& i) {
                   const auto ops = HeadersOf(i);
                   if (ops) m.headers.insert(m.headers.end(), ops->begin(), ops->end());
                 },
                 [&](const dsl::RewriteItem& i) {
                   m.rewrite = Rewrite{text(i.path), text(i.host), text(i.regex), item.span};
                   if (i.host_of_target) CallByOwnHost(l, rule);
                   if (!i.path && !i.host && !i.regex) m.rewrite.reset();
                 },
                 [&](const dsl::CorsItem& i) { m.cors = LowerCors(i, item.span); },
                 [&](const dsl::LimitItem& i) {
                   m.limits.push_back(AddLimit(l, i, item.span, table.workspace, table.name));
                 },
                 [&](const dsl::CountedLimitItem& i) {
                   for (const LimitId id : AddCountedLimits(l, item, i, table.workspace)) {
                     m.limits.push_back(id);
                   }
                 },
                 [&](const dsl::WithoutAuthorizationItem&) { m.without_authorization = true; },
                 [&](const dsl::CsrfItem& i) {
                   if (!i.off) m.csrf = LowerCsrf(i, item.span);
                 },
                 [&](const dsl::BodyLimitItem& i) {
                   m.body_limit = BodyLimit{i.bytes.value, item.span};
                 },
                 [&](const dsl::LuaItem& i) { m.code.push_back(LowerCode(i, item.span)); },
                 [&](const dsl::AuthenticateItem& i) {
                   if (m.authentication) {
                     Diagnostic& d = l.diagnostics.Error(
                         codes::kConflictingPolicies, item.span,
                         "a route checks tokens once; name the providers in one `authenticate`");
                     d.related.push_back({m.authentication->span, "the other one"});
                   } else {
                     m.authentication = LowerRouteAuthentication(l, i, item.span, table.workspace);
                   }
                 },
                 [&](const dsl::AuthorizeItem& i) {
                   auto asked = LowerAuthorization(l, i, item.span, table.workspace);
                   if (asked) m.authorization.push_back(std::move(*asked));
                 },
                 [](const auto&) {},
             },
             item.value);
}

}  // namespace

Condition MatchOf(Lowering& l, const dsl::RouteRule& rule, WorkspaceId scope) {
  std::vector<Condition> parts;
  if (!rule.methods.empty()) {
    MethodMatch match;
    for (const dsl::Str& method : rule.methods) match.any_of.push_back(method.value);
    parts.push_back(
        Condition::Of(std::move(match), Join(rule.methods.front().span, rule.methods.back().span)));
  }
  if (!rule.sni.empty()) {
    SniMatch match;
    for (const auto& sni : rule.sni) match.any_of.push_back(sni.value);
    parts.push_back(
        Condition::Of(std::move(match), Join(rule.sni.front().span, rule.sni.back().span)));
  }
  if (rule.port) parts.push_back(Condition::Of(PortMatch{{rule.port->value}}, rule.port->span));
  if (rule.when) parts.push_back(LowerCondition(l, *rule.when, scope));
  Condition match = Condition::And(std::move(parts));
  if (rule.layer != dsl::RouteRule::Layer::kHttp) CheckLayer(l, match);
  return match;
}

RouteRule LowerRule(Lowering& l, const dsl::RouteRule& decl, const Table& table,
                    const std::vector<RankedItem>& items) {
  RouteRule rule{.layer = static_cast<Layer>(decl.layer),
                 .name = decl.name ? decl.name->value : "",
                 .labels = ToLabels(decl.labels),
                 .match = MatchOf(l, decl, table.workspace),
                 .action = Respond{},
                 .action_span = decl.action_span,
                 .modifiers = {},
                 .from = {},
                 .otherwise = decl.otherwise,
                 .span = decl.span,
                 .via = {}};
  std::visit(
      Overloaded{
          [&](const dsl::ForwardAction& a) {
            rule.action = LowerForwards(l, a, decl.action_span, table, rule.layer);
          },
          [&](const dsl::RedirectAction& a) { rule.action = LowerRedirect(a); },
          [&](const dsl::RespondAction& a) {
            rule.action = Respond{static_cast<int>(a.status.value), a.body ? a.body->value : ""};
          },
          [](const dsl::DelegateAction&) {},
      },
      decl.action);
  if (rule.layer != Layer::kHttp && !std::holds_alternative<std::vector<Forward>>(rule.action)) {
    l.diagnostics.Error(codes::kWrongLayer, decl.action_span,
                        "a TCP or TLS rule can only forward connections");
  }
  const std::vector<const dsl::Item*> chosen = ChooseItems(l, items);
  std::vector<LimitsOfItem> limits;
  for (const dsl::Item* item : chosen) {
    if (rule.layer != Layer::kHttp) {
      l.diagnostics.Error(codes::kWrongLayer, item->span,
                          "this changes HTTP requests; the rule is for TCP or TLS connections");
      continue;
    }
    const auto before = static_cast<std::ptrdiff_t>(rule.modifiers.limits.size());
    ApplyItem(l, *item, table, rule);
    const auto& all = rule.modifiers.limits;
    limits.emplace_back(item, std::vector<LimitId>(all.begin() + before, all.end()));
  }
  FollowTransforms(l, chosen, limits, rule);
  return rule;
}

namespace {

// Whether a request with the path may satisfy the condition, or not satisfy it.
bool May(const Condition& condition, const std::string& path, bool satisfy) {
  const auto may = [&](const Condition& child) { return May(child, path, satisfy); };
  const auto& children = condition.children;
  const bool all = std::all_of(children.begin(), children.end(), may);
  const bool any = std::any_of(children.begin(), children.end(), may);
  switch (condition.kind) {
    case Condition::Kind::kTrue:
      return satisfy;
    case Condition::Kind::kFalse:
      return !satisfy;
    case Condition::Kind::kAnd:
      return satisfy ? all : any;
    case Condition::Kind::kOr:
      return satisfy ? any : all;
    case Condition::Kind::kNot:
      return May(children.front(), path, !satisfy);
    case Condition::Kind::kMatcher:
      break;
  }
  const auto* paths = std::get_if<PathMatch>(&*condition.matcher);
  if (paths == nullptr) return true;
  const bool matches = std::any_of(paths->any_of.begin(), paths->any_of.end(),
                                   [&](const Pattern& p) { return Matches(p, path); });
  return matches == satisfy;
}

bool StaysAt(const Redirect& redirect, const Table& table) {
  if (redirect.https || redirect.port) return false;
  return redirect.host.empty() || (table.hosts.size() == 1 && table.hosts[0] == redirect.host);
}

}  // namespace

void WarnRedirects(Lowering& l, const Table& table) {
  for (auto rule = table.rules.begin(); rule != table.rules.end(); ++rule) {
    const auto* redirect = std::get_if<Redirect>(&rule->action);
    if (redirect == nullptr || rule->layer != Layer::kHttp || !StaysAt(*redirect, table)) continue;
    const auto takes = [&](const RouteRule& r) {
      return r.layer == Layer::kHttp && !r.otherwise && May(r.match, redirect->path, true);
    };
    const auto before = rule->otherwise ? table.rules.end() : rule;
    const bool back = redirect->path.empty() || (May(rule->match, redirect->path, true) &&
                                                 std::none_of(table.rules.begin(), before, takes));
    if (!back) continue;
    l.diagnostics.Warning(codes::kRedirectLoop, rule->action_span,
                          "this redirect leads back to its own rule");
  }
}

}  // namespace weft::engine
