#include "emit/istio/egress.h"

#include <algorithm>
#include <set>

#include "emit/codes.h"
#include "engine/hosts.h"

namespace weft::emit::istio {
namespace {

using engine::External;
using engine::Gateway;

bool RunsHere(const Emitter& e, const Gateway& gateway) {
  const auto& in = gateway.clusters;
  return std::find(in.begin(), in.end(), e.cluster) != in.end();
}

// The Service in front of the gateway's pods that has the port.
engine::ServiceId ServiceBefore(const Emitter& e, const Gateway& gateway, std::uint16_t port) {
  for (std::uint32_t i = 0; i < e.model.services.size(); ++i) {
    const engine::ServiceInstance* instance = e.model.services[i].In(e.cluster);
    if (instance == nullptr || e.model.services[i].ns != gateway.ns) continue;
    const bool serves = std::any_of(
        instance->workloads.begin(), instance->workloads.end(), [&](engine::WorkloadId w) {
          return std::find(gateway.workloads.begin(), gateway.workloads.end(), w) !=
                 gateway.workloads.end();
        });
    const bool has = std::any_of(instance->ports.begin(), instance->ports.end(),
                                 [&](const auto& p) { return p.number == port; });
    if (serves && has) return {i};
  }
  return {};
}

const External::Port* LedPort(const External& external) {
  const auto at = std::find_if(external.ports.begin(), external.ports.end(),
                               [](const External::Port& p) { return p.via; });
  return at == external.ports.end() ? nullptr : &*at;
}

Value To(const std::string& host, std::uint16_t port, const std::string& subset) {
  Value route;
  route["destination"]["host"] = host;
  if (!subset.empty()) route["destination"]["subset"] = subset;
  route["destination"]["port"]["number"] = port;
  return Value::array({std::move(route)});
}

// Namespaces whose callers have a table for the host: their rules name the gateway themselves.
std::set<std::string> Tabled(const Emitter& e, const std::string& host) {
  std::set<std::string> namespaces;
  for (const engine::Table& table : e.model.tables) {
    if (!table.root || !table.on_sidecars) continue;
    if (std::find(table.hosts.begin(), table.hosts.end(), host) == table.hosts.end()) continue;
    for (const engine::WorkspaceId workspace : table.sidecars_of) {
      for (const std::string& ns : e.NamespacesOf(workspace)) namespaces.insert(ns);
    }
  }
  return namespaces;
}

// Namespaces that may call the external service and have no table for the host.
Value Untabled(const Emitter& e, const External& external, const std::string& host) {
  const Value visible = e.ExportTo(external);
  const std::set<std::string> tabled = Tabled(e, host);
  if (tabled.empty()) return visible;
  std::set<std::string> namespaces;
  if (visible == Value::array({"*"})) {
    for (const engine::Workload& w : e.model.workloads) {
      if (w.cluster == e.cluster) namespaces.insert(w.ns);
    }
  } else {
    for (const Value& ns : visible) namespaces.insert(ns.get<std::string>());
  }
  for (const std::string& ns : tabled) namespaces.erase(ns);
  return Value(std::vector<std::string>(namespaces.begin(), namespaces.end()));
}

Object& AddService(Emitter& e, const std::string& ns, const std::string& name,
                   const External& external, const std::string& host, const std::string& gateway,
                   Value export_to) {
  Object& object = e.Add("networking.istio.io/v1", "VirtualService", ns, name, external.workspace,
                         external.span);
  object.spec["hosts"] = {host};
  object.spec["gateways"] = {gateway};
  object.spec["exportTo"] = std::move(export_to);
  return object;
}

// What Istio cannot lead out, as text; "" when it can.
std::string Obstacle(const Emitter& e, const External& external) {
  const Gateway& gateway = e.model[external.via];
  const engine::Listener& listener = gateway.listeners[external.via_listener];
  if (external.hosts.empty()) return "addresses without a host have no way through a gateway";
  if (std::any_of(external.hosts.begin(), external.hosts.end(),
                  [](const std::string& h) { return h.find('*') != std::string::npos; })) {
    return "a wildcard host has no way through a gateway, which calls it by name";
  }
  const auto led = std::count_if(external.ports.begin(), external.ports.end(),
                                 [](const External::Port& p) { return p.via; });
  if (led > 1) return "requests to two ports would be one at the gateway; say `via … port N`";
  if (!LedPort(external)->port.IsHttp()) return "only HTTP is led through a gateway";
  if (listener.tls != engine::TlsMode::kIstioMutual) {
    return "the gateway's listener has to take the mesh's mutual TLS: `tls istio-mutual`";
  }
  for (const engine::Table& table : e.model.tables) {
    const bool bound = std::find(table.gateways.begin(), table.gateways.end(), external.via) !=
                       table.gateways.end();
    for (const std::string& host : external.hosts) {
      if (bound && engine::BestHost(table.hosts, host)) {
        return "table `" + table.name + "` takes `" + host + "` at the gateway, too";
      }
    }
  }
  return "";
}

bool KeepsHost(const engine::Table& table, const engine::RouteRule& rule,
               const External& external) {
  const auto is = [&](const std::string& host) {
    return std::find(external.hosts.begin(), external.hosts.end(), host) != external.hosts.end();
  };
  const auto& rewrite = rule.modifiers.rewrite;
  if (rewrite && rewrite->host) return is(*rewrite->host);
  return std::all_of(table.hosts.begin(), table.hosts.end(), is);
}

// The gateway chooses by the host, so a rule that leads there has to leave it one it knows.
void RefuseOtherHosts(Emitter& e, const engine::Table& table) {
  for (const engine::RouteRule& rule : table.rules) {
    const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
    if (forwards == nullptr) continue;
    for (const engine::Forward& forward : *forwards) {
      const auto* id = std::get_if<engine::ExternalId>(&forward.target);
      if (id == nullptr || e.model[*id].via.IsNone()) continue;
      const External& external = e.model[*id];
      if (!RunsHere(e, e.model[external.via])) {
        e.Refuse(codes::kNotHere, forward.span,
                 "the egress gateway of external `" + external.name + "` is not in this cluster");
        continue;
      }
      if (!EgressOf(e, *id, forward.port, {})) continue;
      const bool here = std::find(table.gateways.begin(), table.gateways.end(), external.via) !=
                        table.gateways.end();
      if (here || !forward.host.empty() || KeepsHost(table, rule, external)) continue;
      e.Refuse(codes::kInexpressible, forward.span,
               "the egress gateway knows external `" + external.name +
                   "` by its own host; say `rewrite host to target`");
    }
  }
}

// Where the gateway does not run, nothing leads out.
void EmitNoWay(Emitter& e, const External& external) {
  for (std::size_t h = 0; h < external.hosts.size(); ++h) {
    Object& none =
        AddService(e, e.HomeOf(external.workspace),
                   external.name + "-egress" + (h == 0 ? "" : "-" + std::to_string(h + 1)),
                   external, external.hosts[h], "mesh", e.ExportTo(external));
    for (const External::Port& port : external.ports) {
      Value route;
      route["match"] = Value::array({{{"port", port.port.number}}});
      if (port.via) {
        route["directResponse"]["status"] = 503;
      } else {
        route["route"] = To(external.hosts[h], port.port.number, "");
      }
      if (port.port.IsHttp()) none.spec["http"].push_back(std::move(route));
    }
  }
}

void EmitOut(Emitter& e, engine::ExternalId id) {
  const External& external = e.model[id];
  if (external.via.IsNone()) return;
  const Gateway& gateway = e.model[external.via];
  if (!RunsHere(e, gateway)) return EmitNoWay(e, external);
  const std::string obstacle = Obstacle(e, external);
  if (!obstacle.empty()) return e.Refuse(codes::kInexpressible, external.span, obstacle);
  const engine::Listener& listener = gateway.listeners[external.via_listener];
  const External::Port& port = *LedPort(external);
  const std::optional<Egress> egress = EgressOf(e, id, port.port.number, {});
  if (!egress) {
    return e.Refuse(codes::kNotHere, external.span,
                    "no Service in front of gateway `" + gateway.name + "` has port " +
                        std::to_string(listener.port));
  }
  for (std::size_t h = 0; h < external.hosts.size(); ++h) {
    const std::string& host = external.hosts[h];
    const std::string number = h == 0 ? "" : "-" + std::to_string(h + 1);
    Object& out = AddService(e, gateway.ns, external.name + "-" + gateway.name + number, external,
                             host, gateway.ns + "/" + gateway.name, Value::array({"."}));
    out.spec["http"].push_back({{"route", To(host, port.port.number, "")}});
    Value callers = Untabled(e, external, host);
    if (callers.empty()) continue;
    Object& in = AddService(e, e.HomeOf(external.workspace), external.name + "-egress" + number,
                            external, host, "mesh", std::move(callers));
    Value led;
    led["match"] = Value::array({{{"port", port.port.number}}});
    led["route"] = To(e.HostOf(egress->service), listener.port, egress->subset);
    in.spec["http"].push_back(std::move(led));
    for (const External::Port& other : external.ports) {
      if (other.via || !other.port.IsHttp()) continue;
      Value straight;
      straight["match"] = Value::array({{{"port", other.port.number}}});
      straight["route"] = To(host, other.port.number, "");
      in.spec["http"].push_back(std::move(straight));
    }
  }
}

}  // namespace

std::optional<Egress> EgressOf(const Emitter& e, const engine::TargetRef& target,
                               std::uint16_t port, engine::GatewayId at) {
  const auto* id = std::get_if<engine::ExternalId>(&target);
  if (id == nullptr) return std::nullopt;
  const External& external = e.model[*id];
  if (external.via.IsNone() || external.via == at) return std::nullopt;
  const bool led =
      std::any_of(external.ports.begin(), external.ports.end(), [&](const External::Port& p) {
        return p.via && (p.port.number == port || (port == 0 && external.ports.size() == 1));
      });
  if (!led) return std::nullopt;
  const Gateway& gateway = e.model[external.via];
  const engine::Listener& listener = gateway.listeners[external.via_listener];
  const engine::ServiceId service = ServiceBefore(e, gateway, listener.port);
  if (service.IsNone()) return std::nullopt;
  return Egress{external.via, &listener, service, NameOf(external.name)};
}

Value EgressSubsets(const Emitter& e, engine::ServiceId service) {
  Value subsets = Value::array();
  for (std::uint32_t i = 0; i < e.model.externals.size(); ++i) {
    const External& external = e.model.externals[i];
    const External::Port* port = LedPort(external);
    if (port == nullptr || external.hosts.empty()) continue;
    const std::optional<Egress> egress = EgressOf(e, engine::ExternalId{i}, port->port.number, {});
    if (!egress || egress->service != service) continue;
    Value tls;
    tls["port"]["number"] = egress->listener->port;
    tls["tls"] = {{"mode", "ISTIO_MUTUAL"}, {"sni", external.hosts.front()}};
    Value subset;
    subset["name"] = egress->subset;
    subset["trafficPolicy"]["portLevelSettings"] = Value::array({std::move(tls)});
    subsets.push_back(std::move(subset));
  }
  return subsets;
}

void EmitEgress(Emitter& e) {
  for (std::uint32_t i = 0; i < e.model.externals.size(); ++i) EmitOut(e, {i});
  for (const engine::Table& table : e.model.tables) RefuseOtherHosts(e, table);
}

}  // namespace weft::emit::istio
