// Policies on workloads, listeners and connections: access logs, Wasm, trimming, proxy protocol,
// buffers, health checks, adaptive concurrency.
#include <utility>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"
#include "dsl/yaml_json.h"

namespace weft::gloo {
namespace {

using Items = std::vector<dsl::Item>;
using On = dsl::PolicyDecl::On;

// ---- workloads

Items ReadLog(Reading& /*r*/, const View& config, const Object& object) {
  dsl::LogItem log;
  for (const View& filter : config.List("filters")) {
    if (const View status = filter["statusCodeMatcher"]) {
      dsl::LogItem::Status one;
      one.value = status.Int("value").value_or(dsl::Number{0, status.span()});
      const std::string comparator = status.Text("comparator");
      if (comparator == "GE") one.compare = dsl::LogItem::Compare::kAtLeast;
      if (comparator == "LE") one.compare = dsl::LogItem::Compare::kAtMost;
      log.when.emplace_back(one);
    } else if (const View header = filter["headerMatcher"]) {
      const dsl::Condition condition = ReadHeaderMatcher(header);
      const bool negated = condition.kind == dsl::Condition::Kind::kNot;
      const dsl::Condition& plain = negated ? condition.children.front() : condition;
      if (const auto* is = std::get_if<dsl::HeaderIs>(&*plain.matcher)) {
        log.when.emplace_back(dsl::LogItem::Header{negated, *is});
      }
    }
  }
  log.request_headers = config.Strings("includedRequestHeaders");
  log.response_headers = config.Strings("includedResponseHeaders");
  log.response_trailers = config.Strings("includedResponseTrailers");
  log.filter_state = config.Strings("includedFilterStateObjects");
  return {ItemOf(std::move(log), config ? config.span() : object.span)};
}

Items ReadWasm(Reading& r, const View& config, const Object& /*object*/) {
  Items items;
  const std::optional<dsl::Number> weight = config.Int("weight");
  for (const View& filter : config.List("filters")) {
    dsl::WasmItem wasm;
    const View uri = filter["httpUriSource"];
    const View image = filter["wasmImageSource"];
    if (const auto path = filter.String("localPathSource")) {
      wasm.source = {"file://" + path->value, path->span};
    } else if (uri) {
      wasm.source = uri.String("uri").value_or(dsl::Str{"", uri.span()});
      wasm.sha256 = uri.String("sha");
    } else if (image) {
      const dsl::Str tag = image.String("wasmImageTag").value_or(dsl::Str{"", image.span()});
      wasm.source = {"oci://" + tag.value, tag.span};
    } else {
      r.diagnostics.Error(codes::kBadCombination, filter.span(), "this filter has no source");
      continue;
    }
    if (const View settings = filter["staticFilterConfig"]) {
      wasm.config = dsl::Str{yaml::ToJson(*settings.node()), settings.span()};
      settings.TakeAll();
    }
    wasm.root = filter.String("rootId");
    wasm.vm = filter.String("vmId");
    const std::string context = filter.Text("filterContext");
    if (context == "SIDECAR_INBOUND") wasm.place = dsl::WasmItem::Place::kInbound;
    if (context == "SIDECAR_OUTBOUND") wasm.place = dsl::WasmItem::Place::kOutbound;
    if (context == "GATEWAY") wasm.place = dsl::WasmItem::Place::kGateway;
    wasm.before = filter.String("insertBeforeFilter");
    dsl::Item item = ItemOf(std::move(wasm), filter.span());
    item.priority = weight;
    items.push_back(std::move(item));
  }
  return items;
}

// Destinations a trimmed proxy keeps, as shared resources of each kind.
Items ReadTrim(Reading& r, const View& config, const Object& object) {
  dsl::TrimItem trim;
  trim.listed = true;
  for (const View& view : config.List("includedDestinations")) {
    const View selector = view["selector"];
    view["port"].TakeAll();
    dsl::SharedResource resource;
    const std::string kind = view.Text("kind");
    resource.kind = dsl::ResourceKind::kService;
    if (kind == "VIRTUAL_DESTINATION") resource.kind = dsl::ResourceKind::kDestination;
    if (kind == "EXTERNAL_SERVICE") resource.kind = dsl::ResourceKind::kExternal;
    resource.span = view.span();
    resource.selection.span = view.span();
    resource.selection.labels = selector.LabelsOf("labels");
    resource.selection.workspace = selector.String("workspace");
    resource.selection.clusters = Reading::OneName(selector.String("cluster"));
    if (resource.kind == dsl::ResourceKind::kService) {
      resource.selection.in_namespace = selector.String("namespace");
    } else if (const auto ns = selector.String("namespace")) {
      r.places = true;
      resource.selection.labels.push_back({{"weft.dev/namespace", ns->span}, *ns});
    }
    if (const auto name = selector.String("name")) {
      dsl::QName qname;
      qname.parts.push_back({Identifier(name->value), name->span});
      qname.span = name->span;
      resource.selection.names.push_back(std::move(qname));
    }
    resource.selection.all = resource.selection.labels.empty() &&
                             resource.selection.names.empty() && !resource.selection.in_namespace;
    trim.selected.push_back(std::move(resource));
  }
  return {ItemOf(std::move(trim), config ? config.span() : object.span)};
}

void AddWorkloadPolicy(Reading& r, const Object& object, Items items) {
  const auto workloads = ReadWorkloadSelectors(r, r.Spec(object), object, true);
  if (!workloads || items.empty()) return;
  dsl::PolicyDecl policy{.header = r.HeaderOf(object, r.NameOf(object))};
  policy.header.labels.clear();
  policy.on = On::kWorkloads;
  policy.selection = workloads->first;
  policy.more = workloads->more;
  policy.items = std::move(items);
  for (dsl::Item& item : policy.items) {
    if (!item.priority) r.RankByAge(object, item);
  }
  r.program.policies.push_back(std::move(policy));
}

// ---- listeners

Items ReadProxyProtocol(Reading& /*r*/, const View& config, const Object& object) {
  dsl::ProxyProtocolItem item;
  item.off = !config.IsTrue("enableProxyProtocol");
  return {ItemOf(item, config ? config.span() : object.span)};
}

Items ReadListenerConnections(Reading& /*r*/, const View& config, const Object& /*object*/) {
  Items items;
  if (const auto bytes = config.Int("perConnectionBufferLimitBytes")) {
    items.push_back(ItemOf(dsl::BufferItem{*bytes}, bytes->span));
  }
  if (const View keepalive = config["tcpKeepalive"]) {
    dsl::ConnectionsItem item;
    item.keepalive = keepalive.Duration("time");
    item.keepalive_interval = keepalive.Duration("interval");
    item.keepalive_probes = keepalive.Int("probes");
    items.push_back(ItemOf(std::move(item), keepalive.span()));
  }
  return items;
}

// One policy for each selected gateway.
void AddListenerPolicy(Reading& r, const Object& object, const Items& items) {
  const std::vector<View> selectors = r.Spec(object).List("applyToListeners");
  bool first = true;
  for (const View& view : selectors) {
    const View gateway = view["virtualGateway"];
    const std::optional<dsl::Port> port =
        r.ReadPort(view["port"], [](const std::string&, const std::string&, const std::string&,
                                    const DiscoveredService&) { return false; });
    bool any = false;
    for (const Object* candidate : r.OfKind("VirtualGateway")) {
      if (candidate->owner != object.owner || !SelectsObject(gateway, *candidate)) continue;
      any = true;
      for (const std::string& name : r.names[candidate]) {
        dsl::PolicyDecl policy{.header = r.HeaderOf(object, r.NameOf(object))};
        policy.header.labels.clear();
        if (!first) policy.header.name.value = r.Name("policy", object.owner, object.name, name);
        first = false;
        policy.on = On::kGateway;
        policy.selection.names.push_back(r.Named(*candidate, name, object.owner, view.span()));
        policy.selection.span = view.span();
        policy.listener = port;
        policy.items = items;
        for (dsl::Item& item : policy.items) r.RankByAge(object, item);
        r.program.policies.push_back(std::move(policy));
      }
    }
    if (!any) {
      r.diagnostics.Warning(codes::kNoEffect, view.span(),
                            "this selects no VirtualGateway of the workspace");
    }
  }
  if (!selectors.empty()) return;
  r.diagnostics.Warning(codes::kNoEffect, object.span,
                        object.kind->kind + " `" + object.name + "` selects no listener");
}

// ---- health checks

void ReadHttpCheck(const View& http, dsl::HealthCheckItem& item) {
  item.kind = dsl::HealthCheckItem::Kind::kHttp;
  item.host = http.String("host");
  item.path = http.String("path").value_or(dsl::Str{"/", http.span()});
  item.method = http.String("method").value_or(dsl::Str{"GET", http.span()});
  item.http2 = http.Text("codecClientType") == "HTTP2";
  for (const View& added : http.List("requestHeadersToAdd")) {
    const View header = added["header"];
    item.headers.push_back({header.String("key").value_or(dsl::Str{"", header.span()}),
                            header.String("value").value_or(dsl::Str{"", header.span()})});
  }
  for (const View& range : http.List("expectedStatuses")) {
    const dsl::Number start = range.Int("start").value_or(dsl::Number{200, range.span()});
    const dsl::Number end = range.Int("end").value_or(dsl::Number{start.value + 1, range.span()});
    item.statuses.push_back({.first = start, .last = {end.value - 1, end.span}});
  }
  const View matcher = http["serviceNameMatcher"];
  item.expects = matcher.String("prefix");
  if (!item.expects) item.expects = matcher.String("exact");
}

void ReadCheckTimes(const View& check, dsl::HealthCheckItem& item) {
  constexpr std::int64_t kDefaultThreshold = 1;
  item.every = check.Duration("interval").value_or(dsl::Duration{dsl::Millis(5000), check.span()});
  item.within = check.Duration("timeout").value_or(dsl::Duration{dsl::Millis(1000), check.span()});
  item.healthy_after =
      check.Int("healthyThreshold").value_or(dsl::Number{kDefaultThreshold, check.span()});
  item.unhealthy_after =
      check.Int("unhealthyThreshold").value_or(dsl::Number{kDefaultThreshold, check.span()});
  item.initial_jitter = check.Duration("initialJitter");
  item.jitter = check.Duration("intervalJitter");
  item.jitter_share = check.Share("intervalJitterPercent");
  item.idle_every = check.Duration("noTrafficInterval");
  item.idle_healthy_every = check.Duration("noTrafficHealthyInterval");
  item.unhealthy_every = check.Duration("unhealthyInterval");
  item.first_unhealthy_every = check.Duration("unhealthyEdgeInterval");
  item.first_healthy_every = check.Duration("healthyEdgeInterval");
  const auto reuse = check.Bool("reuseConnection");
  item.new_connections = reuse && !reuse->value;
  item.log = check.String("eventLogPath");
  item.log_all = check.IsTrue("alwaysLogHealthCheckFailures");
}

Items ReadHealthCheck(Reading& r, const View& config, const Object& object) {
  const View check = config["healthCheck"];
  dsl::HealthCheckItem item;
  ReadCheckTimes(check, item);
  if (const View http = check["httpHealthCheck"]) {
    ReadHttpCheck(http, item);
  } else if (const View tcp = check["tcpHealthCheck"]) {
    item.kind = dsl::HealthCheckItem::Kind::kTcp;
    item.send = tcp["send"].String("text");
    for (const View& receive : tcp.List("receive")) {
      if (const auto text = receive.String("text")) item.receive.push_back(*text);
    }
  } else if (const View grpc = check["grpcHealthCheck"]) {
    item.kind = dsl::HealthCheckItem::Kind::kGrpc;
    item.service = grpc.String("serviceName");
    item.host = grpc.String("authority");
  } else {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "ActiveHealthCheckPolicy `" + object.name +
                            "` says not how to check: by HTTP, TCP or gRPC");
    return {};
  }
  for (const View& view : config.List("virtualGateways")) {
    const Object* gateway = r.Find("VirtualGateway", r.ReadRef(view, object));
    if (gateway == nullptr) {
      r.diagnostics.Error(codes::kDangling, view.span(),
                          "there is no VirtualGateway `" + view.Text("name") + "`");
      continue;
    }
    item.gateways.push_back(r.Named(*gateway, r.NameOf(*gateway), object.owner, view.span()));
  }
  return {ItemOf(std::move(item), config.span())};
}

std::optional<dsl::Duration> MillisOf(const View& view, std::string_view field) {
  const std::optional<dsl::Number> number = view.Int(field);
  if (!number) return std::nullopt;
  return dsl::Duration{dsl::Millis(number->value), number->span};
}

Items ReadAdaptive(Reading& r, const View& config, const Object& object) {
  dsl::AdaptConcurrencyItem item;
  const View params = config["minRttCalcParams"];
  const auto update = MillisOf(config, "concurrencyUpdateIntervalMillis");
  const auto measure = MillisOf(params, "intervalMillis");
  item.at_most = config.Int("maxConcurrencyLimit");
  item.percentile = config.Share("sampleAggregatePercentile");
  item.requests = params.Int("requestCount");
  item.floor = params.Int("minConcurrency");
  item.jitter = params.Share("jitterPercentile");
  item.slack = params.Share("bufferPercentile");
  item.status = config.Int("concurrencyLimitExceededStatus");
  if (!update || !measure) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "AdaptiveRequestConcurrencyPolicy `" + object.name +
                            "` needs `concurrencyUpdateIntervalMillis` and "
                            "`minRttCalcParams.intervalMillis`");
    return {};
  }
  item.update_every = *update;
  item.measure_every = *measure;
  return {ItemOf(std::move(item), config.span())};
}

}  // namespace

void ReadProxyPolicies(Reading& r) {
  const auto config = [&](const Object& object) { return r.Spec(object)["config"]; };
  for (const Object* object : r.OfKind("AccessLogPolicy")) {
    AddWorkloadPolicy(r, *object, ReadLog(r, config(*object), *object));
  }
  for (const Object* object : r.OfKind("WasmDeploymentPolicy")) {
    AddWorkloadPolicy(r, *object, ReadWasm(r, config(*object), *object));
  }
  for (const Object* object : r.OfKind("TrimProxyConfigPolicy")) {
    AddWorkloadPolicy(r, *object, ReadTrim(r, config(*object), *object));
  }
  for (const Object* object : r.OfKind("ProxyProtocolPolicy")) {
    AddListenerPolicy(r, *object, ReadProxyProtocol(r, config(*object), *object));
  }
  for (const Object* object : r.OfKind("ListenerConnectionPolicy")) {
    AddListenerPolicy(r, *object, ReadListenerConnections(r, config(*object), *object));
  }
  const std::set<Kinds> all{Kinds::kServices, Kinds::kDestinations, Kinds::kExternals};
  for (const Object* object : r.OfKind("ActiveHealthCheckPolicy")) {
    AddDestinationPolicy(r, *object, ReadHealthCheck(r, config(*object), *object), all, false);
  }
  for (const Object* object : r.OfKind("AdaptiveRequestConcurrencyPolicy")) {
    AddDestinationPolicy(r, *object, ReadAdaptive(r, config(*object), *object), {Kinds::kServices},
                         true);
  }
}

}  // namespace weft::gloo
