#include "emit/istio/filters.h"

#include <algorithm>
#include <set>

#include "emit/codes.h"
#include "emit/istio/envoy_filter.h"
#include "engine/match.h"

namespace weft::emit::istio {
namespace {

constexpr const char* kCsrf = "envoy.filters.http.csrf";
constexpr const char* kBuffer = "envoy.filters.http.buffer";
constexpr const char* kLua = "envoy.filters.http.lua";

Value Typed(const std::string& type) {
  Value value;
  value["@type"] = "type.googleapis.com/" + type;
  return value;
}

// envoy.config.core.v3.RuntimeFractionalPercent, in millionths.
Value Fraction(const char* key, double percent) {
  return {{"runtime_key", key},
          {"default_value",
           {{"numerator", static_cast<std::int64_t>(percent * 10'000 + 0.5)},
            {"denominator", "MILLION"}}}};
}

// envoy.type.v3.Percent.
Value Percent(double percent) { return {{"value", percent}}; }

Value CsrfPolicy(const engine::Csrf& csrf) {
  Value policy = Typed("envoy.extensions.filters.http.csrf.v3.CsrfPolicy");
  policy["filter_enabled"] = Fraction("weft.csrf", csrf.shadow ? 0 : csrf.share);
  if (csrf.shadow) policy["shadow_enabled"] = Fraction("weft.csrf.shadow", csrf.share);
  for (const Pattern& origin : csrf.origins) {
    policy["additional_origins"].push_back({{"safe_regex", {{"regex", engine::ToRegex(origin)}}}});
  }
  return policy;
}

Value LuaSource(const std::string& text) { return {{"inline_string", text}}; }

// A filter that does nothing but where a route says otherwise.
Value Idle(const std::string& name) {
  if (name == kCsrf) {
    Value policy = Typed("envoy.extensions.filters.http.csrf.v3.CsrfPolicy");
    policy["filter_enabled"] = Fraction("weft.csrf", 0);
    return policy;
  }
  if (name == kBuffer) {
    Value buffer = Typed("envoy.extensions.filters.http.buffer.v3.Buffer");
    buffer["max_request_bytes"] = 4294967295;
    return buffer;
  }
  return Typed("envoy.extensions.filters.http.lua.v3.Lua");
}

// ---- servers and gateways

void EmitCode(Emitter& e, const engine::Guard& guard, const Attachment& attachment) {
  const bool gateway = std::holds_alternative<engine::GatewayId>(guard.target);
  const PatchContext context = gateway ? PatchContext::kGateway : PatchContext::kInbound;
  Value patches = Value::array();
  for (std::size_t i = 0; i < guard.code.size(); ++i) {
    Value lua = Typed("envoy.extensions.filters.http.lua.v3.Lua");
    lua["default_source_code"] = LuaSource(guard.code[i].text);
    patches.push_back(InsertFilter(context, guard.code[i].before,
                                   "weft.lua." + std::to_string(i + 1), std::move(lua)));
  }
  AddEnvoyFilter(e, attachment, "-lua", guard.code.front().span, std::move(patches));
}

// https://www.envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/adaptive_concurrency
Value Adaptive(const engine::AdaptConcurrency& adapt) {
  Value config = Typed("envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency");
  Value& gradient = config["gradient_controller_config"];
  if (adapt.percentile) gradient["sample_aggregate_percentile"] = Percent(*adapt.percentile);
  Value& limit = gradient["concurrency_limit_params"];
  if (adapt.at_most) limit["max_concurrency_limit"] = *adapt.at_most;
  limit["concurrency_update_interval"] = DurationText(adapt.update_every);
  Value& round_trip = gradient["min_rtt_calc_params"];
  round_trip["interval"] = DurationText(adapt.measure_every);
  if (adapt.requests) round_trip["request_count"] = *adapt.requests;
  if (adapt.jitter) round_trip["jitter"] = Percent(*adapt.jitter);
  if (adapt.floor) round_trip["min_concurrency"] = *adapt.floor;
  if (adapt.slack) round_trip["buffer"] = Percent(*adapt.slack);
  if (adapt.status) config["concurrency_limit_exceeded_status"] = {{"code", *adapt.status}};
  return config;
}

void EmitAdaptive(Emitter& e, const engine::Service& service) {
  const engine::ServiceInstance* instance = service.In(e.cluster);
  if (!service.policy.adapt || instance == nullptr || instance->selector.empty()) return;
  const Attachment attachment{service.ns, service.name, instance->selector, service.workspace,
                              instance->ports};
  AddEnvoyFilter(e, attachment, "-adaptive-concurrency", service.policy.adapt->span,
                 Value::array({InsertFilter(PatchContext::kInbound, false,
                                            "envoy.filters.http.adaptive_concurrency",
                                            Adaptive(*service.policy.adapt))}));
}

// ---- health checks

Value StatusRanges(const engine::HealthCheck& check) {
  Value ranges = Value::array();
  for (const auto& [first, last] : check.statuses) {
    ranges.push_back({{"start", first}, {"end", last + 1}});
  }
  return ranges;
}

Value HttpCheck(const engine::HealthCheck& check) {
  Value http;
  http["path"] = check.path;
  http["method"] = check.method;
  if (!check.host.empty()) http["host"] = check.host;
  for (const auto& [name, value] : check.headers) {
    http["request_headers_to_add"].push_back({{"header", {{"key", name}, {"value", value}}}});
  }
  if (!check.statuses.empty()) http["expected_statuses"] = StatusRanges(check);
  if (check.http2) http["codec_client_type"] = "HTTP2";
  if (!check.expects.empty()) http["service_name_matcher"]["prefix"] = check.expects;
  return http;
}

Value Payload(const std::string& hex) { return {{"text", hex}}; }

Value TcpCheck(const engine::HealthCheck& check) {
  Value tcp = Value::object();
  if (!check.send.empty()) tcp["send"] = Payload(check.send);
  for (const std::string& hex : check.receive) tcp["receive"].push_back(Payload(hex));
  return tcp;
}

void Kind(const engine::HealthCheck& check, Value& value) {
  switch (check.kind) {
    case engine::HealthCheck::Kind::kHttp:
      value["http_health_check"] = HttpCheck(check);
      break;
    case engine::HealthCheck::Kind::kTcp:
      value["tcp_health_check"] = TcpCheck(check);
      break;
    case engine::HealthCheck::Kind::kGrpc:
      value["grpc_health_check"] = Value::object();
      if (!check.service.empty()) value["grpc_health_check"]["service_name"] = check.service;
      if (!check.host.empty()) value["grpc_health_check"]["authority"] = check.host;
      break;
  }
}

Value Check(const engine::HealthCheck& check) {
  Value value;
  value["timeout"] = DurationText(check.within);
  value["interval"] = DurationText(check.every);
  value["healthy_threshold"] = check.healthy_after;
  value["unhealthy_threshold"] = check.unhealthy_after;
  const auto time = [&](const char* field, const std::optional<engine::Millis>& given) {
    if (given) value[field] = DurationText(*given);
  };
  time("initial_jitter", check.initial_jitter);
  time("interval_jitter", check.jitter);
  time("no_traffic_interval", check.idle_every);
  time("no_traffic_healthy_interval", check.idle_healthy_every);
  time("unhealthy_interval", check.unhealthy_every);
  time("unhealthy_edge_interval", check.first_unhealthy_every);
  time("healthy_edge_interval", check.first_healthy_every);
  if (check.jitter_share) {
    value["interval_jitter_percent"] = static_cast<std::int64_t>(*check.jitter_share + 0.5);
  }
  if (check.new_connections) value["reuse_connection"] = false;
  if (!check.log.empty()) value["event_log_path"] = check.log;
  if (check.log_all) value["always_log_health_check_failures"] = true;
  Kind(check, value);
  return value;
}

// Clusters of the host in every proxy of the mesh, which only the root namespace can speak to.
void EmitCheck(Emitter& e, const engine::DestinationPolicy& policy, const std::string& name,
               const std::string& host, engine::WorkspaceId workspace) {
  if (!policy.health_check) return;
  Value patch;
  patch["applyTo"] = "CLUSTER";
  patch["match"]["context"] = "ANY";
  patch["match"]["cluster"]["service"] = host;
  patch["patch"]["operation"] = "MERGE";
  patch["patch"]["value"]["health_checks"].push_back(Check(*policy.health_check));
  Object& object = e.Add("networking.istio.io/v1alpha3", "EnvoyFilter", e.model.root_namespace,
                         name + "-health", workspace, policy.health_check->span);
  object.spec["configPatches"].push_back(std::move(patch));
}

// ---- listeners of gateways

Value ListenerPatch(const engine::ListenerSettings& settings, std::uint16_t port) {
  Value patch;
  patch["applyTo"] = "LISTENER";
  patch["match"]["context"] = "GATEWAY";
  patch["match"]["listener"]["portNumber"] = port;
  patch["patch"]["operation"] = "MERGE";
  Value& value = patch["patch"]["value"];
  value = Value::object();
  if (settings.buffer_bytes) value["per_connection_buffer_limit_bytes"] = *settings.buffer_bytes;
  // SOL_SOCKET SO_KEEPALIVE, then TCP_KEEPIDLE, TCP_KEEPINTVL and TCP_KEEPCNT of Linux.
  const auto option = [&](int level, int name, std::int64_t number, const char* what) {
    value["socket_options"].push_back({{"description", what},
                                       {"level", level},
                                       {"name", name},
                                       {"int_value", number},
                                       {"state", "STATE_PREBIND"}});
  };
  if (settings.keepalive) {
    option(1, 9, 1, "keepalive");
    option(6, 4, settings.keepalive->count() / 1000, "keepalive time");
  }
  if (settings.keepalive_interval) {
    option(6, 5, settings.keepalive_interval->count() / 1000, "keepalive interval");
  }
  if (settings.keepalive_probes) option(6, 6, *settings.keepalive_probes, "keepalive probes");
  return patch;
}

Value ProxyProtocolPatch(std::uint16_t port) {
  Value patch;
  patch["applyTo"] = "LISTENER_FILTER";
  patch["match"]["context"] = "GATEWAY";
  patch["match"]["listener"]["portNumber"] = port;
  patch["patch"]["operation"] = "INSERT_FIRST";
  patch["patch"]["value"]["name"] = "envoy.filters.listener.proxy_protocol";
  patch["patch"]["value"]["typed_config"] =
      Typed("envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol");
  return patch;
}

// The port the gateway's pods listen on, behind that of its Service.
std::uint16_t TargetPort(const Attachment& attachment, std::uint16_t port) {
  for (const engine::ServicePort& p : attachment.ports) {
    if (p.number == port) return p.target;
  }
  return port;
}

void EmitListeners(Emitter& e, engine::GatewayId id) {
  const engine::Gateway& gateway = e.model[id];
  const auto& here = gateway.clusters;
  if (gateway.settings.empty() || std::find(here.begin(), here.end(), e.cluster) == here.end()) {
    return;
  }
  engine::Guard guard{.target = id, .cluster = e.cluster};
  const std::optional<Attachment> attachment = AttachmentOf(e, guard);
  if (!attachment) return;
  Value patches = Value::array();
  for (const engine::ListenerSettings& settings : gateway.settings) {
    for (const engine::Listener& listener : gateway.listeners) {
      if (settings.port && *settings.port != listener.port) continue;
      const std::uint16_t port = TargetPort(*attachment, listener.port);
      Value patch = ListenerPatch(settings, port);
      if (!patch["patch"]["value"].empty()) patches.push_back(std::move(patch));
      if (settings.proxy_protocol == true) patches.push_back(ProxyProtocolPatch(port));
    }
  }
  if (patches.empty()) return;
  AddEnvoyFilter(e, *attachment, "-listeners", gateway.settings.front().span, std::move(patches));
}

// ---- access logs

// A Common Expression Language text, as Istio's Telemetry filters access logs.
std::string LogExpression(const engine::AccessLog& log) {
  std::string any;
  for (const auto& condition : log.any_of) {
    std::string one;
    if (condition.compare) {
      static constexpr const char* kOperators[] = {" == ", " >= ", " <= "};
      one = "response.code" +
            std::string(kOperators[static_cast<std::size_t>(*condition.compare)]) +
            std::to_string(condition.status);
    } else {
      const std::string value = "request.headers['" + condition.header + "']";
      std::string regex;
      for (const Pattern& pattern : condition.patterns) {
        regex += (regex.empty() ? "" : "|") + ("(?:" + engine::ToRegex(pattern) + ")");
      }
      one = "('" + condition.header + "' in request.headers && " + value + ".matches(" +
            Value("^(?:" + regex + ")$").dump() + "))";
      if (condition.negated) one = "!" + one;
    }
    any += (any.empty() ? "" : " || ") + one;
  }
  return any;
}

// telemetry.istio.io/v1 Telemetry; istio/api telemetry/v1alpha1/telemetry.proto. One for the pods
// with the labels of each selected workload.
void EmitLog(Emitter& e, const engine::AccessLog& log) {
  const bool more = !log.request_headers.empty() || !log.response_headers.empty() ||
                    !log.response_trailers.empty() || !log.filter_state.empty();
  if (more) {
    e.Refuse(codes::kInexpressible, log.span,
             "Istio's Telemetry chooses which requests are logged, not what is logged of them; the "
             "format stands in MeshConfig. Drop `with …`");
    return;
  }
  std::set<std::pair<std::string, engine::Labels>> seen;
  for (const engine::WorkloadId id : log.workloads) {
    const engine::Workload& workload = e.model[id];
    if (workload.cluster != e.cluster || workload.labels.empty()) continue;
    if (!seen.insert({workload.ns, workload.labels}).second) continue;
    Object& object = e.Add("telemetry.istio.io/v1", "Telemetry", workload.ns,
                           log.name + "-" + workload.name, workload.workspace, log.span);
    object.spec["selector"]["matchLabels"] = workload.labels;
    Value logging;
    logging["providers"].push_back({{"name", "envoy"}});
    const std::string expression = LogExpression(log);
    if (!expression.empty()) logging["filter"]["expression"] = expression;
    object.spec["accessLogging"].push_back(std::move(logging));
  }
}

}  // namespace

void AddContentFilters(Emitter& e, const engine::RouteRule& rule, Value& per_filter) {
  const engine::RouteModifiers& m = rule.modifiers;
  if (m.csrf) per_filter[kCsrf] = CsrfPolicy(*m.csrf);
  if (m.body_limit) {
    Value buffer = Typed("envoy.extensions.filters.http.buffer.v3.BufferPerRoute");
    buffer["buffer"]["max_request_bytes"] = m.body_limit->bytes;
    per_filter[kBuffer] = std::move(buffer);
  }
  if (m.code.empty()) return;
  if (m.code.size() > 1) {
    e.Refuse(codes::kInexpressible, m.code[1].span, "a route of Envoy runs one piece of Lua");
  }
  Value lua = Typed("envoy.extensions.filters.http.lua.v3.LuaPerRoute");
  lua["source_code"] = LuaSource(m.code.front().text);
  per_filter[kLua] = std::move(lua);
}

std::map<std::string, Value> BaseFilters(const Value& per_filter) {
  std::map<std::string, Value> filters;
  for (const char* name : {kCsrf, kBuffer, kLua}) {
    if (per_filter.contains(name)) filters[name] = Idle(name);
  }
  return filters;
}

void EmitFilters(Emitter& e) {
  for (const engine::Guard& guard : e.model.guards) {
    if (guard.code.empty()) continue;
    if (const auto attachment = AttachmentOf(e, guard)) EmitCode(e, guard, *attachment);
  }
  for (std::uint32_t i = 0; i < e.model.services.size(); ++i) {
    const engine::Service& service = e.model.services[i];
    EmitAdaptive(e, service);
    if (service.In(e.cluster) == nullptr) continue;
    EmitCheck(e, service.policy, service.ns + "-" + service.name, e.HostOf(engine::ServiceId{i}),
              service.workspace);
  }
  for (const engine::Destination& d : e.model.destinations) {
    if (d.policy.adapt) {
      e.Refuse(codes::kInexpressible, d.policy.adapt->span,
               "requests are held back where they arrive; say `adapt concurrency` at the service");
    }
    if (d.hosts.empty()) continue;
    EmitCheck(e, d.policy, d.name, d.hosts.front(), d.workspace);
  }
  for (std::uint32_t g = 0; g < e.model.gateways.size(); ++g) EmitListeners(e, {g});
  for (const engine::AccessLog& log : e.model.logs) EmitLog(e, log);
}

}  // namespace weft::emit::istio
