// Policies on routes and on destinations that become items.
#include <algorithm>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

using Items = std::vector<dsl::Item>;
using On = dsl::PolicyDecl::On;

dsl::Percent ShareOr(const View& view, std::string_view field, double fallback) {
  return view.Share(field).value_or(dsl::Percent{fallback, view.span()});
}

// ---- items of routes

Items ReadRetryTimeout(Reading& r, const View& config, const Object& object) {
  Items items;
  if (const auto timeout = config.Duration("requestTimeout")) {
    items.push_back({.value = dsl::TimeoutItem{*timeout}, .span = timeout->span});
  }
  const View retries = config["retries"];
  if (retries) {
    dsl::RetriesItem item;
    item.attempts = retries.Int("attempts").value_or(dsl::Number{2, retries.span()});
    item.per_try = retries.Duration("perTryTimeout");
    if (const auto on = retries.String("retryOn")) {
      std::size_t begin = 0;
      while (begin <= on->value.size()) {
        const std::size_t comma = std::min(on->value.find(',', begin), on->value.size());
        std::string word = on->value.substr(begin, comma - begin);
        word.erase(0, word.find_first_not_of(' '));
        word.erase(word.find_last_not_of(' ') + 1);
        if (!word.empty()) item.on.push_back({word, on->span});
        begin = comma + 1;
      }
    }
    item.across_localities = retries.IsTrue("retryRemoteLocalities");
    items.push_back({.value = std::move(item), .span = retries.span()});
  }
  if (items.empty()) {
    r.diagnostics.Error(
        codes::kBadCombination, object.span,
        "RetryTimeoutPolicy `" + object.name + "` sets neither `retries` nor `requestTimeout`");
  }
  return items;
}

Items ReadFault(Reading& r, const View& config, const Object& object) {
  Items items;
  if (const View delay = config["delay"]) {
    const auto fixed = delay.Duration("fixedDelay");
    const dsl::Percent share = ShareOr(delay, "percentage", 100);
    if (fixed) items.push_back({.value = dsl::FaultDelayItem{*fixed, share}, .span = delay.span()});
  }
  if (const View abort = config["abort"]) {
    const auto status = abort.Int("httpStatus");
    const dsl::Percent share = ShareOr(abort, "percentage", 100);
    if (status)
      items.push_back({.value = dsl::FaultAbortItem{*status, share}, .span = abort.span()});
  }
  if (items.empty()) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "FaultInjectionPolicy `" + object.name +
                            "` needs `delay.fixedDelay` or `abort.httpStatus`");
  }
  return items;
}

Items ReadHeaders(Reading& /*r*/, const View& config, const Object& /*object*/) {
  dsl::HeadersItem item;
  using Side = dsl::HeaderOp::Side;
  using Kind = dsl::HeaderOp::Kind;
  for (const dsl::LabelTerm& term : config.LabelsOf("appendRequestHeaders")) {
    item.ops.push_back({Side::kRequest, Kind::kAdd, term.key, term.value});
  }
  for (const dsl::Str& name : config.Strings("removeRequestHeaders")) {
    item.ops.push_back({Side::kRequest, Kind::kRemove, name, {}});
  }
  for (const dsl::LabelTerm& term : config.LabelsOf("appendResponseHeaders")) {
    item.ops.push_back({Side::kResponse, Kind::kAdd, term.key, term.value});
  }
  for (const dsl::Str& name : config.Strings("removeResponseHeaders")) {
    item.ops.push_back({Side::kResponse, Kind::kRemove, name, {}});
  }
  if (item.ops.empty()) return {};
  return {{.value = std::move(item), .span = config.span()}};
}

Items ReadMirror(Reading& r, const View& config, const Object& object) {
  std::optional<dsl::Target> to = r.ReadTarget(config["destination"], object);
  const dsl::Percent share = ShareOr(config, "percentage", 100);
  if (!to) return {};
  return {{.value = dsl::MirrorItem{share, std::move(*to)}, .span = config.span()}};
}

Items ReadCors(Reading& /*r*/, const View& config, const Object& /*object*/) {
  dsl::CorsItem item;
  for (const View& origin : config.List("allowOrigins")) {
    if (std::optional<Spanned<Pattern>> pattern = ReadStringMatch(origin)) {
      item.origins.push_back(std::move(*pattern));
    }
  }
  item.methods = config.Strings("allowMethods");
  item.headers = config.Strings("allowHeaders");
  item.expose = config.Strings("exposeHeaders");
  item.max_age = config.Duration("maxAge");
  item.credentials = config.Bool("allowCredentials");
  return {{.value = std::move(item), .span = config.span()}};
}

// ---- items of destinations

// "a" or "a/b/c" as Istio writes places.
dsl::FailoverItem::Place PlaceOf(const View& locality) {
  return {locality.String("zone"), locality.String("subZone")};
}

Items ReadFailover(Reading& r, const View& config, const Object& /*object*/) {
  dsl::FailoverItem item;
  const Span span = config.span();
  for (const View& mapping : config.List("localityMappings")) {
    const View from = mapping["from"];
    for (const View& to : mapping.List("to")) {
      dsl::FailoverItem::Mapping one;
      one.from = from.String("region").value_or(dsl::Str{"", mapping.span()});
      one.to = to.String("region").value_or(dsl::Str{"", mapping.span()});
      one.from_place = PlaceOf(from);
      one.to_place = PlaceOf(to);
      if (const auto weight = to.Int("weight")) {
        one.weight = dsl::Percent{static_cast<double>(weight->value), weight->span};
      }
      if (one.from.value.empty() || one.to.value.empty()) {
        r.diagnostics.Error(codes::kBadCombination, mapping.span(),
                            "a locality mapping needs the `region` it leads from and to");
        continue;
      }
      item.mappings.push_back(std::move(one));
    }
  }
  const View labels = config["priorityLabels"];
  const std::vector<dsl::Str> priority = labels.Strings("labels");
  if (!item.mappings.empty() && !priority.empty()) {
    r.diagnostics.Warning(codes::kNoEffect, labels.span(),
                          "`priorityLabels` are not read where `localityMappings` stand");
  } else {
    item.labels = priority;
  }
  if (item.mappings.empty() && item.labels.empty()) {
    using Step = dsl::FailoverItem::Step;
    for (const Step step : {Step::kSameZone, Step::kSameRegion, Step::kAny}) {
      item.order.push_back({step, span});
    }
  }
  return {{.value = std::move(item), .span = span}};
}

Items ReadOutlier(Reading& /*r*/, const View& config, const Object& object) {
  constexpr std::int64_t kDefaultErrors = 5;
  constexpr double kIstioShare = 10;
  dsl::EjectItem item;
  const Span span = config ? config.span() : object.span;
  item.errors = config.Int("consecutiveErrors").value_or(dsl::Number{kDefaultErrors, span});
  const auto gateway = config.Int("consecutiveGatewayErrors");
  if (gateway && gateway->value > 0) {
    item.or_gateway_errors = gateway;
  }
  item.interval = config.Duration("interval");
  item.base_time = config.Duration("baseEjectionTime");
  item.max_share = config.Share("maxEjectionPercent").value_or(dsl::Percent{100, span});
  if (item.max_share->value == 0) item.max_share->value = kIstioShare;
  return {{.value = std::move(item), .span = span}};
}

Items ReadBalance(Reading& /*r*/, const View& config, const Object& /*object*/) {
  using Kind = dsl::BalanceItem::Kind;
  dsl::BalanceItem item;
  item.kind = Kind::kDefault;
  const std::string simple = config.Text("simple");
  if (simple == "RANDOM") item.kind = Kind::kRandom;
  if (simple == "PASSTHROUGH") item.kind = Kind::kPassthrough;
  if (simple == "ROUND_ROBIN") item.kind = Kind::kRoundRobin;
  if (simple == "LEAST_REQUEST") item.kind = Kind::kLeastRequest;
  if (const View hash = config["consistentHash"]) {
    if (const auto header = hash.String("httpHeaderName")) {
      item.kind = Kind::kHashHeader;
      item.key = header;
    } else if (const View cookie = hash["httpCookie"]) {
      item.kind = Kind::kHashCookie;
      item.key = cookie.String("name");
      item.cookie_path = cookie.String("path");
      item.ttl = cookie.Duration("ttl");
    } else if (hash.IsTrue("useSourceIp")) {
      item.kind = Kind::kHashSourceIp;
    } else if (const auto query = hash.String("httpQueryParameterName")) {
      item.kind = Kind::kHashQuery;
      item.key = query;
    }
  }
  item.warm_up = config.Duration("warmupDurationSecs");
  item.panic_below = config.Share("healthyPanicThreshold");
  item.merge_updates = config.Duration("updateMergeWindow");
  return {{.value = std::move(item), .span = config.span()}};
}

Items ReadConnections(Reading& /*r*/, const View& config, const Object& /*object*/) {
  dsl::ConnectionsItem item;
  const View tcp = config["tcp"];
  item.max_connections = tcp.Int("maxConnections");
  item.connect_timeout = tcp.Duration("connectTimeout");
  const View keepalive = tcp["tcpKeepalive"];
  item.keepalive = keepalive.Duration("time");
  item.keepalive_interval = keepalive.Duration("interval");
  item.keepalive_probes = keepalive.Int("probes");
  const View http = config["http"];
  item.requests_per_connection = http.Int("maxRequestsPerConnection");
  item.max_retries = http.Int("maxRetries");
  item.max_requests = http.Int("maxRequests");
  item.max_pending = http.Int("maxPendingRequests");
  item.idle_timeout = http.Duration("idleTimeout");
  return {{.value = std::move(item), .span = config.span()}};
}

// This kind has no `config`; its modes stand in the spec.
Items ReadClientTls(Reading& r, const View& spec, const Object& object) {
  dsl::ClientTlsItem item;
  Span span = object.span;
  int modes = 0;
  for (const std::string_view word : {"disable", "simple", "mutual", "istioMutual"}) {
    if (!spec.Has(word)) continue;
    ++modes;
    const View mode = spec[word];
    span = mode.span();
    const View config = mode["config"];
    item.sni = config.String("sni");
    const std::optional<dsl::Str> secret = config.String("credentialName");
    if (word == "disable") item.mode = dsl::ClientTlsItem::Mode::kOff;
    if (word == "istioMutual") item.mode = dsl::ClientTlsItem::Mode::kIstioMutual;
    if (word == "simple") item.ca_secret = secret;
    if (word == "mutual") {
      item.mode = dsl::ClientTlsItem::Mode::kMutual;
      item.certificate_secret = secret;
    }
    mode.TakeAll();
  }
  if (modes == 1) return {{.value = std::move(item), .span = span}};
  r.diagnostics.Error(codes::kBadCombination, object.span,
                      "ClientTLSPolicy `" + object.name +
                          "` needs one of `disable`, `simple`, `mutual`, `istioMutual`");
  return {};
}

// ---- the policies

using ReadItems = Items (*)(Reading&, const View&, const Object&);

void AddPolicy(Reading& r, const Object& object, On on, const Selections& selections, Items items) {
  if (items.empty()) return;
  dsl::PolicyDecl policy{.header = r.HeaderOf(object, r.NameOf(object))};
  policy.header.labels.clear();
  policy.on = on;
  policy.selection = selections.first;
  policy.more = selections.more;
  policy.items = std::move(items);
  for (dsl::Item& item : policy.items) r.RankByAge(object, item);
  r.program.policies.push_back(std::move(policy));
}

}  // namespace

void AddRoutePolicy(Reading& r, const Object& object, Items items, bool empty_is_all) {
  const auto routes = ReadRouteSelectors(r, r.Spec(object), object, empty_is_all);
  if (routes) AddPolicy(r, object, On::kRoutes, *routes, std::move(items));
}

void AddDestinationPolicy(Reading& r, const Object& object, const Items& items,
                          const std::set<Kinds>& allowed, bool empty_is_all, bool of_callers) {
  DestinationSelections s =
      ReadDestinationSelectors(r, r.Spec(object), object, allowed, empty_is_all, of_callers);
  const int kinds = (s.services ? 1 : 0) + (s.destinations ? 1 : 0) + (s.externals ? 1 : 0);
  const std::string name = r.NameOf(object);
  const auto add = [&](On on, const std::optional<Selections>& selections, const char* suffix) {
    if (!selections) return;
    const std::size_t before = r.program.policies.size();
    AddPolicy(r, object, on, *selections, items);
    if (kinds > 1 && r.program.policies.size() > before) {
      r.program.policies.back().header.name.value =
          r.Name("policy", object.owner, name + "-" + suffix, "");
    }
  };
  add(On::kServices, s.services, "services");
  add(On::kDestinations, s.destinations, "destinations");
  add(On::kExternals, s.externals, "externals");
}

void ReadRoutePolicies(Reading& r) {
  const std::vector<std::pair<std::string_view, ReadItems>> kinds = {
      {"RetryTimeoutPolicy", ReadRetryTimeout},
      {"FaultInjectionPolicy", ReadFault},
      {"HeaderManipulationPolicy", ReadHeaders},
      {"MirrorPolicy", ReadMirror},
      {"CORSPolicy", ReadCors}};
  for (const auto& [kind, read] : kinds) {
    for (const Object* object : r.OfKind(kind)) {
      AddRoutePolicy(r, *object, read(r, r.Spec(*object)["config"], *object), true);
    }
  }
}

void ReadDestinationPolicies(Reading& r) {
  const std::set<Kinds> all{Kinds::kServices, Kinds::kDestinations, Kinds::kExternals};
  struct Kind {
    std::string_view name;
    ReadItems read;
    std::set<Kinds> allowed;
    bool empty_is_all;
    bool of_callers = false;
  };
  const std::vector<Kind> kinds = {
      {"FailoverPolicy", ReadFailover, {Kinds::kDestinations}, true},
      {"OutlierDetectionPolicy", ReadOutlier, {Kinds::kDestinations, Kinds::kExternals}, true},
      {"LoadBalancerPolicy", ReadBalance, all, true, true},
      {"ConnectionPolicy", ReadConnections, all, true, true}};
  for (const Kind& kind : kinds) {
    for (const Object* object : r.OfKind(kind.name)) {
      AddDestinationPolicy(r, *object, kind.read(r, r.Spec(*object)["config"], *object),
                           kind.allowed, kind.empty_is_all, kind.of_callers);
    }
  }
  for (const Object* object : r.OfKind("ClientTLSPolicy")) {
    AddDestinationPolicy(r, *object, ReadClientTls(r, r.Spec(*object), *object), all, false);
  }
}

}  // namespace weft::gloo
