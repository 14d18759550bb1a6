// networking.istio.io/v1 DestinationRule; istio/api networking/v1/destination_rule.proto
#include <algorithm>
#include <cmath>
#include <set>

#include "emit/codes.h"
#include "emit/istio/egress.h"
#include "emit/istio/emitter.h"

namespace weft::emit::istio {
namespace {

using engine::Failover;
using Step = engine::Failover::Step;

Value ConnectionPool(const engine::ConnectionPool& pool) {
  Value value = Value::object();
  Value tcp = Value::object();
  Value http = Value::object();
  if (pool.max_connections) tcp["maxConnections"] = *pool.max_connections;
  if (pool.connect_timeout) tcp["connectTimeout"] = DurationText(*pool.connect_timeout);
  if (pool.keepalive) tcp["tcpKeepalive"]["time"] = DurationText(*pool.keepalive);
  if (pool.keepalive_interval) {
    tcp["tcpKeepalive"]["interval"] = DurationText(*pool.keepalive_interval);
  }
  if (pool.keepalive_probes) tcp["tcpKeepalive"]["probes"] = *pool.keepalive_probes;
  if (pool.max_pending) http["http1MaxPendingRequests"] = *pool.max_pending;
  if (pool.max_requests) http["http2MaxRequests"] = *pool.max_requests;
  if (pool.requests_per_connection) {
    http["maxRequestsPerConnection"] = *pool.requests_per_connection;
  }
  if (pool.max_retries) http["maxRetries"] = *pool.max_retries;
  if (pool.idle_timeout) http["idleTimeout"] = DurationText(*pool.idle_timeout);
  if (!tcp.empty()) value["tcp"] = tcp;
  if (!http.empty()) value["http"] = http;
  return value;
}

Value OutlierDetection(const engine::Outlier& outlier) {
  Value value;
  const char* field = outlier.gateway_errors ? "consecutiveGatewayErrors" : "consecutive5xxErrors";
  value[field] = outlier.errors;
  if (outlier.or_gateway_errors) value["consecutiveGatewayErrors"] = *outlier.or_gateway_errors;
  value["interval"] = DurationText(outlier.interval);
  value["baseEjectionTime"] = DurationText(outlier.base_time);
  value["maxEjectionPercent"] = static_cast<int>(std::lround(outlier.max_share));
  return value;
}

Value Hash(const engine::LoadBalance& balance) {
  Value hash;
  switch (balance.kind) {
    case engine::LoadBalance::Kind::kHashHeader:
      hash["httpHeaderName"] = balance.key;
      break;
    case engine::LoadBalance::Kind::kHashCookie:
      hash["httpCookie"]["name"] = balance.key;
      if (!balance.cookie_path.empty()) hash["httpCookie"]["path"] = balance.cookie_path;
      hash["httpCookie"]["ttl"] = DurationText(balance.ttl.value_or(engine::Millis{0}));
      break;
    case engine::LoadBalance::Kind::kHashQuery:
      hash["httpQueryParameterName"] = balance.key;
      break;
    case engine::LoadBalance::Kind::kHashSourceIp:
    case engine::LoadBalance::Kind::kRoundRobin:
    case engine::LoadBalance::Kind::kLeastRequest:
    case engine::LoadBalance::Kind::kRandom:
    case engine::LoadBalance::Kind::kPassthrough:
    case engine::LoadBalance::Kind::kDefault:
      hash["useSourceIp"] = true;
      break;
  }
  return hash;
}

void Balance(const engine::LoadBalance& balance, Value& value) {
  switch (balance.kind) {
    case engine::LoadBalance::Kind::kRoundRobin:
      value["simple"] = "ROUND_ROBIN";
      break;
    case engine::LoadBalance::Kind::kLeastRequest:
      value["simple"] = "LEAST_REQUEST";
      break;
    case engine::LoadBalance::Kind::kRandom:
      value["simple"] = "RANDOM";
      break;
    case engine::LoadBalance::Kind::kPassthrough:
      value["simple"] = "PASSTHROUGH";
      break;
    case engine::LoadBalance::Kind::kHashHeader:
    case engine::LoadBalance::Kind::kHashCookie:
    case engine::LoadBalance::Kind::kHashSourceIp:
    case engine::LoadBalance::Kind::kHashQuery:
      value["consistentHash"] = Hash(balance);
      break;
    case engine::LoadBalance::Kind::kDefault:
      break;
  }
  if (balance.warm_up) value["warmup"]["duration"] = DurationText(*balance.warm_up);
}

const char* LabelOf(Step step) {
  switch (step) {
    case Step::kSameZone:
      return "topology.kubernetes.io/zone";
    case Step::kSameRegion:
      return "topology.kubernetes.io/region";
    case Step::kSameCluster:
      return "topology.istio.io/cluster";
    case Step::kSameNetwork:
      return "topology.istio.io/network";
    case Step::kAny:
      return nullptr;
  }
  return nullptr;
}

// failoverPriority counts leading labels that agree, so it can only say orders in which each step
// contains the one before: zone in region, or a single step before `any`.
bool Nested(const std::vector<Step>& order) {
  std::vector<Step> steps;
  for (const Step step : order) {
    if (step != Step::kAny) steps.push_back(step);
  }
  if (steps.size() <= 1) return true;
  return steps == std::vector<Step>{Step::kSameZone, Step::kSameRegion};
}

Value Weighted(const Failover& failover) {
  std::map<std::string, Value> from;
  for (const Failover::Mapping& m : failover.mappings) {
    if (!m.weight) continue;
    from[m.from + "/*"][m.to + "/*"] = static_cast<int>(std::lround(*m.weight));
  }
  Value distribute = Value::array();
  for (auto& [region, to] : from) distribute.push_back({{"from", region}, {"to", to}});
  return distribute;
}

Value Locality(Emitter& e, const Failover& failover) {
  Value value;
  value["enabled"] = true;
  if (!failover.mappings.empty()) {
    const Value distribute = Weighted(failover);
    if (!distribute.empty()) {
      value["distribute"] = distribute;
      return value;
    }
    for (const Failover::Mapping& m : failover.mappings) {
      value["failover"].push_back({{"from", m.from}, {"to", m.to}});
    }
    return value;
  }
  if (!Nested(failover.order)) {
    e.Refuse(codes::kFailoverOrder, failover.span, "Istio cannot order localities like this");
    return value;
  }
  std::vector<std::string> labels;
  for (auto step = failover.order.rbegin(); step != failover.order.rend(); ++step) {
    const char* label = LabelOf(*step);
    if (label == nullptr) continue;
    labels.emplace_back(label);
  }
  if (labels.empty()) {
    value["enabled"] = false;
  } else {
    value["failoverPriority"] = labels;
  }
  return value;
}

Value ClientTls(const engine::ClientTls& tls) {
  Value value;
  switch (tls.mode) {
    case engine::ClientTls::Mode::kOff:
      value["mode"] = "DISABLE";
      return value;
    case engine::ClientTls::Mode::kIstioMutual:
      value["mode"] = "ISTIO_MUTUAL";
      return value;
    case engine::ClientTls::Mode::kSimple:
      value["mode"] = "SIMPLE";
      break;
    case engine::ClientTls::Mode::kMutual:
      value["mode"] = "MUTUAL";
      break;
  }
  if (!tls.certificate_secret.empty()) {
    value["credentialName"] = tls.certificate_secret;
  } else if (!tls.ca_secret.empty()) {
    value["credentialName"] = tls.ca_secret;
  }
  if (!tls.sans.empty()) value["subjectAltNames"] = tls.sans;
  if (!tls.sni.empty()) value["sni"] = tls.sni;
  if (tls.skip_verify) value["insecureSkipVerify"] = true;
  return value;
}

void EmitRule(Emitter& e, const std::string& ns, const std::string& name, const std::string& host,
              engine::WorkspaceId workspace, Span span, Value policy, Value subsets,
              Value export_to) {
  if (policy.empty() && subsets.empty()) return;
  Object& object = e.Add("networking.istio.io/v1", "DestinationRule", ns, name, workspace, span);
  object.spec["host"] = host;
  if (!policy.empty()) object.spec["trafficPolicy"] = std::move(policy);
  if (!subsets.empty()) object.spec["subsets"] = std::move(subsets);
  object.spec["exportTo"] = std::move(export_to);
}

Value Subsets(Emitter& e, const engine::Service& service) {
  Value subsets = Value::array();
  for (const engine::Subset& subset : service.subsets) {
    Value value;
    value["name"] = subset.name;
    value["labels"] = subset.labels;
    Value policy = TrafficPolicy(e, subset.policy);
    if (!policy.empty()) value["trafficPolicy"] = std::move(policy);
    subsets.push_back(std::move(value));
  }
  return subsets;
}

// Workspaces a service's destinations share it with are callers too.
std::vector<engine::Grant> AllGrants(const Emitter& e, engine::ServiceId id) {
  std::vector<engine::Grant> grants = e.model[id].grants;
  for (const engine::Table& table : e.model.tables) {
    for (const engine::GatewayId g : table.gateways) {
      grants.push_back({e.model[g].workspace, {}});
    }
  }
  std::erase_if(grants, [](const engine::Grant& grant) { return grant.to.IsNone(); });
  return grants;
}

// What ports say of TLS stands beside the policy of the external service.
Value ExternalPolicy(Emitter& e, const engine::External& external,
                     const engine::DestinationPolicy& own) {
  const Value base = TrafficPolicy(e, own);
  Value policy = base;
  for (const engine::External::Port& port : external.ports) {
    if (!port.tls) continue;
    // A port's settings replace those above, so they are said again.
    Value setting = base;
    setting["port"]["number"] = port.port.number;
    setting["tls"] = ClientTls(*port.tls);
    policy["portLevelSettings"].push_back(std::move(setting));
  }
  return policy;
}

// A rule in the caller's own namespace goes before that of the host's owner, and replaces it whole.
void EmitInNamespaces(Emitter& e, engine::WorkspaceId workspace, const std::string& name,
                      const std::string& host, Span span, const Value& policy,
                      const Value& subsets) {
  for (const std::string& ns : e.NamespacesOf(workspace)) {
    EmitRule(e, ns, name, host, workspace, span, policy, subsets, Value::array({"."}));
  }
}

void EmitForImporters(Emitter& e,
                      const std::map<engine::WorkspaceId, engine::DestinationPolicy>& importers,
                      const std::string& name, const std::string& host, Span span,
                      const Value& subsets) {
  for (const auto& [workspace, policy] : importers) {
    const Span own = policy.spans.empty() ? span : policy.spans.back();
    EmitInNamespaces(e, workspace, name, host, own, TrafficPolicy(e, policy), subsets);
  }
}

}  // namespace

Value TrafficPolicy(Emitter& e, const engine::DestinationPolicy& policy) {
  Value value = Value::object();
  if (policy.connections) {
    Value pool = ConnectionPool(*policy.connections);
    if (!pool.empty()) value["connectionPool"] = std::move(pool);
  }
  Value balancer = Value::object();
  if (policy.balance) Balance(*policy.balance, balancer);
  if (policy.failover) balancer["localityLbSetting"] = Locality(e, *policy.failover);
  if (!balancer.empty()) value["loadBalancer"] = std::move(balancer);
  if (policy.outlier) value["outlierDetection"] = OutlierDetection(*policy.outlier);
  if (policy.tls) value["tls"] = ClientTls(*policy.tls);
  return value;
}

void EmitDestinationRules(Emitter& e) {
  for (std::uint32_t i = 0; i < e.model.services.size(); ++i) {
    const engine::Service& service = e.model.services[i];
    if (service.In(e.cluster) == nullptr) continue;
    const bool isolated = !service.workspace.IsNone() && e.model[service.workspace].isolated;
    Value subsets = Subsets(e, service);
    const Value out = EgressSubsets(e, {i});
    subsets.insert(subsets.end(), out.begin(), out.end());
    const bool everyone = !isolated || !out.empty();
    EmitRule(e, service.ns, service.name, e.HostOf(engine::ServiceId{i}), service.workspace,
             service.span, TrafficPolicy(e, service.policy), subsets,
             e.ExportTo(service.workspace, AllGrants(e, {i}), everyone));
    EmitForImporters(e, service.importers, service.name, e.HostOf(engine::ServiceId{i}),
                     service.span, subsets);
  }
  for (const engine::Destination& d : e.model.destinations) {
    Value policy = TrafficPolicy(e, d.policy);
    for (std::size_t h = 0; h < d.hosts.size(); ++h) {
      EmitRule(e, e.HomeOf(d.workspace), d.name + (h == 0 ? "" : "-" + std::to_string(h + 1)),
               d.hosts[h], d.workspace, d.span, policy, Value::array(), e.ExportTo(d));
      EmitForImporters(e, d.importers, d.name, d.hosts[h], d.span, Value::array());
    }
  }
  for (const engine::External& x : e.model.externals) {
    const Value policy = ExternalPolicy(e, x, x.policy);
    for (std::size_t h = 0; h < x.hosts.size(); ++h) {
      EmitRule(e, e.HomeOf(x.workspace), x.name + (h == 0 ? "" : "-" + std::to_string(h + 1)),
               x.hosts[h], x.workspace, x.span, policy, Value::array(), e.ExportTo(x));
      for (const auto& [workspace, own] : x.importers) {
        EmitInNamespaces(e, workspace, x.name, x.hosts[h], x.span, ExternalPolicy(e, x, own),
                         Value::array());
      }
    }
  }
}

}  // namespace weft::emit::istio
