// networking.istio.io/v1 ServiceEntry and WorkloadEntry; istio/api
// networking/v1/service_entry.proto and workload_entry.proto
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "emit/istio/emitter.h"
#include "engine/delivery.h"
#include "engine/ip.h"

namespace weft::emit::istio {
namespace {

const char* ProtocolText(engine::PortProtocol protocol) {
  switch (protocol) {
    case engine::PortProtocol::kHttp:
      return "HTTP";
    case engine::PortProtocol::kHttp2:
      return "HTTP2";
    case engine::PortProtocol::kGrpc:
      return "GRPC";
    case engine::PortProtocol::kHttps:
      return "HTTPS";
    case engine::PortProtocol::kTls:
      return "TLS";
    case engine::PortProtocol::kTcp:
    case engine::PortProtocol::kUdp:
    case engine::PortProtocol::kUnknown:
      return "TCP";
  }
  return "TCP";
}

std::string PortName(const engine::ServicePort& port) {
  std::string name;
  for (const char* c = ProtocolText(port.protocol); *c != '\0'; ++c) {
    name += *c >= 'A' && *c <= 'Z' ? static_cast<char>(*c - 'A' + 'a') : *c;
  }
  return name + "-" + std::to_string(port.number);
}

Value Port(const engine::ServicePort& port) {
  Value value;
  value["number"] = port.number;
  value["name"] = PortName(port);
  value["protocol"] = ProtocolText(port.protocol);
  if (port.target != 0 && port.target != port.number) value["targetPort"] = port.target;
  return value;
}

std::string LocalityText(const engine::Locality& locality) {
  if (locality.region.empty()) return "";
  return locality.region + (locality.zone.empty() ? "" : "/" + locality.zone);
}

// A stable address of 240.240.0.0/16, which is never routed, for every host: TCP and DNS proxying
// need one.
std::string VirtualIp(const engine::Model& model, const std::string& host) {
  std::set<std::string> hosts;
  for (const engine::Destination& d : model.destinations)
    hosts.insert(d.hosts.begin(), d.hosts.end());
  std::set<std::uint32_t> taken;
  for (const std::string& one : hosts) {
    std::uint32_t hash = 2166136261U;
    for (const char c : one) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    std::uint32_t slot = hash % 65024 + 256;
    while (!taken.insert(slot).second) slot = slot == 65279 ? 256 : slot + 1;
    if (one == host) return fmt::format("240.240.{}.{}", slot >> 8, slot & 255);
  }
  return "240.240.0.1";
}

// ---- externals --------------------------------------------------------------------------------

void EmitExternal(Emitter& e, const engine::External& external) {
  Object& object = e.Add("networking.istio.io/v1", "ServiceEntry", e.HomeOf(external.workspace),
                         external.name, external.workspace, external.span);
  Value& spec = object.spec;
  spec["hosts"] = external.hosts;
  if (external.hosts.empty()) spec["hosts"] = {external.name + ".weft.internal"};
  if (!external.addresses.empty()) spec["addresses"] = external.addresses;
  for (const engine::External::Port& port : external.ports)
    spec["ports"].push_back(Port(port.port));
  spec["location"] = "MESH_EXTERNAL";
  const bool wildcard = std::any_of(external.hosts.begin(), external.hosts.end(),
                                    [](const std::string& h) { return h.starts_with("*."); });
  bool all_ips = true;
  for (const engine::ExternalEndpoint& endpoint : external.endpoints) {
    all_ips = all_ips && engine::Ip::Parse(endpoint.address).has_value();
    Value value;
    value["address"] = endpoint.address;
    if (endpoint.port) {
      for (const engine::External::Port& port : external.ports) {
        value["ports"][PortName(port.port)] = *endpoint.port;
      }
    }
    const std::string locality = LocalityText(endpoint.locality);
    if (!locality.empty()) value["locality"] = locality;
    spec["endpoints"].push_back(std::move(value));
  }
  if (!external.endpoints.empty()) {
    spec["resolution"] = all_ips ? "STATIC" : "DNS";
  } else {
    spec["resolution"] = wildcard || !external.addresses.empty() ? "NONE" : "DNS";
  }
  spec["exportTo"] = e.ExportTo(external);
}

// ---- destinations -----------------------------------------------------------------------------

// Identities of the workloads behind a destination, in all clusters: what its certificates may say.
std::vector<std::string> Identities(const Emitter& e, const engine::Destination& destination) {
  std::set<std::string> identities;
  for (const engine::Backing& backing : destination.backings) {
    for (const engine::WorkloadId id : e.model[backing.service].In(backing.cluster)->workloads) {
      const engine::Workload& w = e.model[id];
      identities.insert("spiffe://" + e.model[w.cluster].trust_domain + "/ns/" + w.ns + "/sa/" +
                        w.account);
    }
  }
  return {identities.begin(), identities.end()};
}

struct Endpoint {
  std::string address;
  engine::Locality locality;
  engine::ClusterId cluster;
  std::string account;
  Value ports = Value::object();
  std::string network;  // when it is not that of the cluster the entry is for
};

// Endpoints behind the gateway of another network: one for each of its addresses and localities.
std::vector<Endpoint> BehindGateway(const Emitter& e, const engine::Backing& backing,
                                    const engine::Destination& destination) {
  const engine::Cluster& there = e.model[backing.cluster];
  std::set<engine::Locality> places;
  for (const engine::WorkloadId id : e.model[backing.service].In(backing.cluster)->workloads) {
    const engine::Workload& w = e.model[id];
    if (w.ready <= 0) continue;
    if (w.localities.empty()) places.insert(there.locality);
    places.insert(w.localities.begin(), w.localities.end());
  }
  std::vector<Endpoint> endpoints;
  for (const engine::Locality& place : places) {
    for (const engine::EastWestGateway& gateway : there.east_west) {
      Endpoint endpoint{gateway.address, place,        backing.cluster, "",
                        Value::object(), there.network};
      for (const engine::ServicePort& port : destination.ports) {
        endpoint.ports[PortName(port)] = gateway.port;
      }
      endpoints.push_back(std::move(endpoint));
    }
  }
  return endpoints;
}

// Pods that are reached directly.
std::vector<Endpoint> Direct(const Emitter& e, const engine::Backing& backing,
                             const engine::Destination& destination) {
  std::vector<Endpoint> endpoints;
  const engine::ServiceInstance* instance = e.model[backing.service].In(backing.cluster);
  for (const engine::WorkloadId id : instance->workloads) {
    const engine::Workload& w = e.model[id];
    if (w.ready <= 0) continue;
    const engine::Locality place =
        w.localities.empty() ? e.model[w.cluster].locality : w.localities.front();
    for (const std::string& address : w.addresses) {
      Endpoint endpoint{address, place, backing.cluster, w.account, Value::object(), ""};
      for (const engine::ServicePort& port : destination.ports) {
        const engine::Backend backend{backing.cluster, backing.service, ""};
        const std::uint16_t service_port = engine::BackendPort(
            e.model,
            engine::DestinationId{
                static_cast<std::uint32_t>(&destination - e.model.destinations.data())},
            backend, port.number);
        for (const engine::ServicePort& p : instance->ports) {
          if (p.number == service_port) endpoint.ports[PortName(port)] = p.target;
        }
      }
      endpoints.push_back(std::move(endpoint));
    }
  }
  return endpoints;
}

// Labels by which a ServiceEntry finds its endpoints, weft's own on the entries of other clusters.
engine::Labels EndpointLabels(const Emitter& e, const engine::Destination& destination) {
  for (const engine::Backing& backing : destination.backings) {
    if (backing.cluster == e.cluster) {
      return e.model[backing.service].In(backing.cluster)->selector;
    }
  }
  return {{"weft.dev/destination", NameOf(destination.name)}};
}

std::string NamespaceFor(const Emitter& e, const engine::Destination& destination) {
  for (const engine::Backing& backing : destination.backings) {
    if (backing.cluster == e.cluster) return e.model[backing.service].ns;
  }
  return e.HomeOf(destination.workspace);
}

void EmitEntries(Emitter& e, const engine::Destination& destination, const std::string& ns,
                 const engine::Labels& labels) {
  for (const engine::Backing& backing : destination.backings) {
    if (backing.cluster == e.cluster) continue;  // its pods are selected
    const engine::Cluster& there = e.model[backing.cluster];
    const bool same_network = there.network == e.model[e.cluster].network;
    if (!TakesPart(e, destination.policy, backing.cluster)) continue;
    const std::vector<Endpoint> endpoints =
        same_network ? Direct(e, backing, destination) : BehindGateway(e, backing, destination);
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      const Endpoint& endpoint = endpoints[i];
      Object& object =
          e.Add("networking.istio.io/v1", "WorkloadEntry", ns,
                destination.name + "-" + there.name + (i == 0 ? "" : "-" + std::to_string(i + 1)),
                destination.workspace, backing.span);
      object.spec["address"] = endpoint.address;
      if (!endpoint.ports.empty()) object.spec["ports"] = endpoint.ports;
      Value entry_labels = labels;
      entry_labels["topology.istio.io/cluster"] = there.name;
      entry_labels["security.istio.io/tlsMode"] = "istio";
      object.spec["labels"] = std::move(entry_labels);
      const std::string locality = LocalityText(endpoint.locality);
      // Gateways for other networks see the endpoints of their own: else they would pass requests
      // on to one another.
      if (!endpoint.network.empty()) object.spec["network"] = endpoint.network;
      if (!locality.empty()) object.spec["locality"] = locality;
      if (!endpoint.account.empty()) object.spec["serviceAccount"] = endpoint.account;
    }
  }
}

void EmitDestination(Emitter& e, const engine::Destination& destination) {
  const std::string ns = NamespaceFor(e, destination);
  const engine::Labels labels = EndpointLabels(e, destination);
  for (std::size_t h = 0; h < destination.hosts.size(); ++h) {
    Object& object = e.Add("networking.istio.io/v1", "ServiceEntry", ns,
                           destination.name + (h == 0 ? "" : "-" + std::to_string(h + 1)),
                           destination.workspace, destination.span);
    Value& spec = object.spec;
    spec["hosts"] = {destination.hosts[h]};
    spec["addresses"] = {VirtualIp(e.model, destination.hosts[h])};
    for (const engine::ServicePort& port : destination.ports) {
      engine::ServicePort mapped = port;
      for (const engine::Backing& backing : destination.backings) {
        if (backing.cluster != e.cluster) continue;
        const auto* instance = e.model[backing.service].In(e.cluster);
        const std::uint16_t at = engine::BackendPort(
            e.model,
            engine::DestinationId{
                static_cast<std::uint32_t>(&destination - e.model.destinations.data())},
            {e.cluster, backing.service, ""}, port.number);
        for (const engine::ServicePort& p : instance->ports) {
          if (p.number == at) mapped.target = p.target;
        }
      }
      spec["ports"].push_back(Port(mapped));
    }
    spec["location"] = "MESH_INTERNAL";
    spec["resolution"] = "STATIC";
    spec["workloadSelector"]["labels"] = labels;
    spec["subjectAltNames"] = Identities(e, destination);
    spec["exportTo"] = e.ExportTo(destination);
  }
  EmitEntries(e, destination, ns, labels);
}

}  // namespace

bool TakesPart(const Emitter& e, const engine::DestinationPolicy& policy, engine::ClusterId to) {
  using Step = engine::Failover::Step;
  if (!policy.failover || policy.failover->order.empty()) return true;
  const engine::Cluster& here = e.model[e.cluster];
  const engine::Cluster& there = e.model[to];
  return std::any_of(policy.failover->order.begin(), policy.failover->order.end(), [&](Step step) {
    switch (step) {
      case Step::kSameZone:
        return here.locality == there.locality;
      case Step::kSameRegion:
        return here.locality.region == there.locality.region;
      case Step::kSameCluster:
        return e.cluster == to;
      case Step::kSameNetwork:
        return here.network == there.network;
      case Step::kAny:
        return true;
    }
    return true;
  });
}

void EmitServiceEntries(Emitter& e) {
  for (const engine::External& external : e.model.externals) EmitExternal(e, external);
  for (const engine::Destination& destination : e.model.destinations) {
    EmitDestination(e, destination);
  }
}

}  // namespace weft::emit::istio
