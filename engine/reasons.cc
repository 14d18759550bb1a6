#include "engine/reasons.h"

#include <algorithm>
#include <set>

#include "dsl/diagnostic.h"
#include "engine/delivery.h"
#include "engine/hosts.h"

namespace weft::engine {
namespace {

std::string Quoted(const std::string& name) { return "`" + name + "`"; }

std::string FullName(const Model& model, WorkspaceId owner, const std::string& name) {
  return owner.IsNone() ? name : model[owner].name + "." + name;
}

// Names a caller in the namespace may use.
std::vector<std::string> KnownHosts(const Model& model, const std::string& ns) {
  std::vector<std::string> known;
  for (const Service& service : model.services) {
    if (service.ns == ns || ns.empty()) known.push_back(service.name);
  }
  for (const Service& service : model.services) known.push_back(service.name + "." + service.ns);
  for (const Destination& d : model.destinations) {
    known.insert(known.end(), d.hosts.begin(), d.hosts.end());
  }
  for (const External& e : model.externals) {
    known.insert(known.end(), e.hosts.begin(), e.hosts.end());
  }
  return known;
}

GatewayId ServesHost(const Model& model, const std::string& host) {
  for (std::uint32_t g = 0; g < model.gateways.size(); ++g) {
    if (!TablesAtGateway(model, {g}, host).empty()) return {g};
  }
  return {};
}

// A service of the name that runs in other clusters alone; nullptr.
const Service* Elsewhere(const Model& model, const std::string& host, const std::string& ns) {
  for (const Service& service : model.services) {
    const bool named =
        (service.ns == ns && service.name == host) || service.name + "." + service.ns == host;
    if (named && !service.instances.empty()) return &service;
  }
  return nullptr;
}

Reason WhyHidden(const Model& model, const Request& request) {
  if (!request.gateway.IsNone()) return {};
  const std::string ns = request.source.IsNone() ? "" : model[request.source].ns;
  const std::string cluster = model[request.cluster].name;
  if (ResolveHost(model, request.host, ns, request.cluster)) {
    if (request.source.IsNone() || model[request.source].workspace.IsNone()) return {};
    return {"nobody shares " + Quoted(request.host) + " with workspace " +
                Quoted(model[model[request.source].workspace].name),
            {}};
  }
  if (const Service* service = Elsewhere(model, request.host, ns)) {
    return {Quoted(service->name) + " does not run in cluster " + Quoted(cluster) +
                ", where the caller is; a destination is called from other clusters",
            {}};
  }
  if (const GatewayId gateway = ServesHost(model, request.host); !gateway.IsNone()) {
    return {Quoted(request.host) + " is served at gateway " +
                Quoted(FullName(model, model[gateway].workspace, model[gateway].name)),
            gateway};
  }
  const std::string near = NearestName(request.host, KnownHosts(model, ns));
  return {"no host " + Quoted(request.host) + " is known here" +
              (near.empty() ? "" : "; did you mean " + Quoted(near) + "?"),
          {}};
}

std::string PortsText(const Model& model, const TargetRef& target, ClusterId cluster) {
  std::set<std::uint16_t> ports;
  for (const ServicePort& port : ServicePortsOf(model, target, cluster)) ports.insert(port.number);
  std::string text;
  for (const std::uint16_t port : ports) text += (text.empty() ? "" : ", ") + std::to_string(port);
  return text;
}

// What keeps the backings of a destination from the cluster.
std::string WhyNoBacking(const Model& model, DestinationId id, const Request& request) {
  std::set<std::string> unready;
  std::set<std::string> far;
  for (const Backing& backing : model[id].backings) {
    const Cluster& at = model[backing.cluster];
    if (request.lost_clusters.contains(backing.cluster)) continue;
    const ServiceInstance* instance = model[backing.service].In(backing.cluster);
    const bool ready =
        instance != nullptr && std::any_of(instance->workloads.begin(), instance->workloads.end(),
                                           [&](WorkloadId w) { return model[w].ready > 0; });
    if (!ready) {
      unready.insert(at.name);
    } else if (!IsConnected(model, request.cluster, backing.cluster)) {
      far.insert(at.name);
    }
  }
  const auto list = [](const std::set<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + Quoted(name);
    return text;
  };
  std::string text;
  if (!far.empty()) {
    text = "no east-west gateway is known in " + list(far) + ", which stands in another network";
  }
  if (!unready.empty()) {
    text +=
        (text.empty() ? "" : "; ") + std::string("nothing behind it is ready in ") + list(unready);
  }
  return text.empty() ? "its failover leads to no endpoint that is left" : text;
}

Reason WhyUnavailable(const Model& model, const Request& request, const Outcome& outcome) {
  for (const Branch& branch : outcome.branches) {
    if (!branch.blocked || branch.blocked->stage != Stage::kUnavailable) continue;
    const std::string name =
        Quoted(std::visit([&](auto id) { return model[id].name; }, branch.target));
    if (request.gateway.IsNone() && !HasPort(model, branch.target, request.cluster, request.port)) {
      return {name + " has no port " + std::to_string(request.port) + "; its ports are " +
                  PortsText(model, branch.target, request.cluster),
              {}};
    }
    if (!branch.tiers.empty()) {
      return {"the egress gateway before " + name + " does not run in cluster " +
                  Quoted(model[request.cluster].name),
              {}};
    }
    if (const auto* destination = std::get_if<DestinationId>(&branch.target)) {
      return {name + ": " + WhyNoBacking(model, *destination, request), {}};
    }
    if (std::holds_alternative<ExternalId>(branch.target)) return {};
    return {"no workload of " + name + (branch.subset.empty() ? "" : "." + branch.subset) +
                " is ready in cluster " + Quoted(model[request.cluster].name),
            {}};
  }
  return {};
}

}  // namespace

Reason WhyNowhere(const Model& model, const Request& request, const Outcome& outcome) {
  const Block* block = outcome.FirstBlock();
  if (block == nullptr) return {};
  if (block->stage == Stage::kHidden) return WhyHidden(model, request);
  if (block->stage == Stage::kUnavailable) return WhyUnavailable(model, request, outcome);
  return {};
}

}  // namespace weft::engine
