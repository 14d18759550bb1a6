// Services: what Kubernetes discovered, joined with what the policy declares about it.
#include <algorithm>
#include <set>

#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

using Key = std::pair<std::string, std::string>;  // (namespace, name)

std::map<Key, Service> Discovered(Lowering& l) {
  std::map<Key, Service> services;
  for (std::uint32_t c = 0; c < l.model.clusters.size(); ++c) {
    const KubeCluster* found = l.inventory.Find(l.model.clusters[c].name);
    if (found == nullptr) continue;
    for (const KubeService& kube : found->services) {
      Service& service = services[{kube.ns, kube.name}];
      service.ns = kube.ns;
      service.name = kube.name;
      if (!service.span.IsKnown()) service.span = kube.span;
      service.labels.insert(kube.labels.begin(), kube.labels.end());
      if (service.workspace.IsNone()) service.workspace = l.model.OwnerOf({c}, kube.ns);
      ServiceInstance instance{.cluster = {c},
                               .selector = kube.selector,
                               .labels = kube.labels,
                               .ports = {},
                               .workloads = {},
                               .vip = kube.cluster_ip == "None" ? "" : kube.cluster_ip};
      for (const KubePort& port : kube.ports) {
        if (port.protocol == PortProtocol::kUdp) continue;
        instance.ports.push_back({port.name, port.number, port.target, port.protocol});
      }
      std::sort(instance.ports.begin(), instance.ports.end(),
                [](const ServicePort& a, const ServicePort& b) { return a.number < b.number; });
      service.instances.push_back(std::move(instance));
    }
  }
  return services;
}

// Workloads by (cluster, namespace), so that selecting stays linear in a namespace.
// Workloads of a cluster and namespace by each of their labels, in order.
using WorkloadIndex =
    std::map<std::pair<ClusterId, std::string>,
             std::map<std::pair<std::string, std::string>, std::vector<WorkloadId>>>;

WorkloadIndex IndexWorkloads(const Model& model) {
  WorkloadIndex index;
  for (std::uint32_t i = 0; i < model.workloads.size(); ++i) {
    const Workload& workload = model.workloads[i];
    auto& here = index[{workload.cluster, workload.ns}];
    for (const auto& label : workload.labels) here[label].push_back({i});
  }
  return index;
}

// Of the labels of a selector the one that the fewest workloads have is looked up.
void SelectWorkloads(const Model& model, const WorkloadIndex& index, Service& service) {
  static const std::vector<WorkloadId> kNone;
  for (ServiceInstance& instance : service.instances) {
    const auto at = index.find({instance.cluster, service.ns});
    if (instance.selector.empty() || at == index.end()) continue;
    const std::vector<WorkloadId>* fewest = nullptr;
    for (const auto& label : instance.selector) {
      const auto those = at->second.find(label);
      const std::vector<WorkloadId>& found = those == at->second.end() ? kNone : those->second;
      if (fewest == nullptr || found.size() < fewest->size()) fewest = &found;
    }
    for (const WorkloadId id : *fewest) {
      if (Selects(instance.selector, model[id].labels)) instance.workloads.push_back(id);
    }
  }
}

bool SameFamily(PortProtocol a, PortProtocol b) {
  const auto family = [](PortProtocol p) {
    switch (p) {
      case PortProtocol::kHttp:
      case PortProtocol::kHttp2:
      case PortProtocol::kGrpc:
        return 0;
      case PortProtocol::kHttps:
      case PortProtocol::kTls:
        return 1;
      case PortProtocol::kTcp:
      case PortProtocol::kUdp:
      case PortProtocol::kUnknown:
        return 2;
    }
    return 2;
  };
  return family(a) == family(b);
}

void ReportUndiscovered(Lowering& l, const dsl::ServiceDecl& decl,
                        const std::map<Key, Service>& services) {
  const std::string& name = decl.header.name.value;
  std::vector<std::string> near;
  for (const auto& [key, service] : services) {
    if (key.first == decl.in_namespace.value) near.push_back(key.second);
  }
  Diagnostic& d = l.diagnostics.Error(
      codes::kUnknownService, decl.header.name.span,
      "no cluster has a service `" + name + "` in namespace `" + decl.in_namespace.value + "`");
  const std::string best = NearestName(name, near);
  if (!best.empty()) {
    d.help = "did you mean `" + best + "`?";
    d.edit = Edit{decl.header.name.span, best};
  }
}

// Declared ports against discovered ones. Istio goes by the port's name, so discovery decides; a
// declaration decides only where the name of the port says nothing.
void ApplyPorts(Lowering& l, const dsl::ServiceDecl& decl, Service& service) {
  for (const dsl::PortDecl& declared : decl.ports) {
    for (ServiceInstance& instance : service.instances) {
      const std::string& cluster = l.model[instance.cluster].name;
      const auto port =
          std::find_if(instance.ports.begin(), instance.ports.end(),
                       [&](const ServicePort& p) { return p.number == declared.number.value; });
      if (port == instance.ports.end()) {
        Diagnostic& d = l.diagnostics.Error(
            codes::kUnknownPort, declared.span,
            "service `" + service.name + "` has no port " + std::to_string(declared.number.value));
        d.clusters = {cluster};
        std::string has;
        for (const ServicePort& p : instance.ports) {
          has += (has.empty() ? "" : ", ") + std::to_string(p.number);
        }
        if (!has.empty()) d.help = "its ports are " + has;
        continue;
      }
      const PortProtocol protocol = LowerProtocol(declared.protocol);
      if (port->protocol == PortProtocol::kUnknown || SameFamily(port->protocol, protocol)) {
        port->protocol = protocol;
        continue;
      }
      Diagnostic& d = l.diagnostics.Warning(
          codes::kProtocolMismatch, declared.span,
          "port " + std::to_string(port->number) + " of `" + service.name +
              "` is spoken otherwise: Istio goes by the port's name `" + port->name + "`");
      d.clusters = {cluster};
    }
  }
}

void AddSubset(Lowering& l, const dsl::SubsetDecl& decl, Service& service) {
  Subset subset{
      .name = decl.name.value, .labels = ToLabels(decl.labels), .policy = {}, .span = decl.span};
  for (const dsl::Item& item : decl.items) ApplyDestinationItem(item, subset.policy);
  std::vector<std::string> empty_in;
  for (const ServiceInstance& instance : service.instances) {
    const bool any =
        std::any_of(instance.workloads.begin(), instance.workloads.end(),
                    [&](WorkloadId id) { return Selects(subset.labels, l.model[id].labels); });
    if (!any) empty_in.push_back(l.model[instance.cluster].name);
  }
  if (!empty_in.empty()) {
    Diagnostic& d = l.diagnostics.Warning(
        codes::kEmptySubset, decl.span,
        "subset `" + subset.name + "` of `" + service.name + "` selects no workload");
    d.clusters = std::move(empty_in);
  }
  service.subsets.push_back(std::move(subset));
}

void CheckOwner(Lowering& l, const dsl::ServiceDecl& decl, WorkspaceId section, Service& service) {
  if (section.IsNone()) return;
  for (const ServiceInstance& instance : service.instances) {
    const WorkspaceId owner = l.model.OwnerOf(instance.cluster, service.ns);
    if (owner == section) continue;
    const std::string whose =
        owner.IsNone() ? "belongs to no workspace" : "belongs to `" + l.NameOf(owner) + "`";
    Diagnostic& d = l.diagnostics.Error(
        codes::kForeignNamespace, decl.in_namespace.span,
        "namespace `" + service.ns + "` " + whose + ", not to `" + l.NameOf(section) + "`");
    d.clusters = {l.model[instance.cluster].name};
  }
  service.workspace = section;
}

void Declare(Lowering& l, const dsl::ServiceDecl& decl, std::map<Key, Service>& services) {
  const auto at = services.find({decl.in_namespace.value, decl.header.name.value});
  if (at == services.end()) {
    ReportUndiscovered(l, decl, services);
    return;
  }
  Service& service = at->second;
  if (!service.declared_as.empty()) return;  // declared twice, which is reported
  service.declared_as = decl.header.name.value;
  service.span = decl.header.span;
  for (const auto& [key, value] : ToLabels(decl.header.labels)) service.labels[key] = value;
  std::string missing;
  for (const ClusterId cluster : l.Clusters(decl.clusters)) {
    if (service.In(cluster) != nullptr) continue;
    missing += (missing.empty() ? "`" : ", `") + l.model[cluster].name + "`";
  }
  if (!missing.empty()) {
    l.diagnostics.Error(codes::kUnknownService, decl.header.span,
                        "service `" + service.name + "` is not discovered in " + missing);
  }
  CheckOwner(l, decl, l.Section(decl.header), service);
  ApplyPorts(l, decl, service);
  for (const dsl::SubsetDecl& subset : decl.subsets) AddSubset(l, subset, service);
  for (const dsl::ResidencyDecl& mark : decl.residency) {
    Residency residency{.mark = mark.mark.value, .regions = {}, .span = mark.span};
    for (const dsl::Str& region : mark.regions) residency.regions.push_back(region.value);
    service.residency.push_back(std::move(residency));
  }
}

// Names under which policies find the services of the model.
void NameServices(Lowering& l) {
  std::set<std::pair<WorkspaceId, std::string>> ambiguous;
  for (const bool declared : {true, false}) {
    for (std::uint32_t i = 0; i < l.model.services.size(); ++i) {
      const Service& service = l.model.services[i];
      if (service.declared_as.empty() == declared) continue;
      const std::pair<WorkspaceId, std::string> key{service.workspace, service.name};
      if (ambiguous.contains(key)) continue;
      const auto [at, fresh] = l.targets.try_emplace(key, ServiceId{i});
      if (fresh || declared) continue;
      const auto* other = std::get_if<ServiceId>(&at->second);
      if (other != nullptr && l.model[*other].declared_as.empty()) {
        l.targets.erase(at);
        ambiguous.insert(key);
      }
    }
  }
  for (std::uint32_t i = 0; i < l.model.services.size(); ++i) {
    l.services[{l.model.services[i].ns, l.model.services[i].name}] = {i};
  }
}

void AddCalls(Lowering& l) {
  for (const dsl::ServiceDecl& decl : l.program.services) {
    const auto at = l.services.find({decl.in_namespace.value, decl.header.name.value});
    if (at == l.services.end()) continue;
    for (const dsl::CallDecl& call : decl.calls) {
      const ServiceId callee = l.ServiceNamed(call.callee, l.model[at->second].workspace);
      if (callee.IsNone()) continue;
      Call lowered{.callee = callee, .within = {}, .span = call.span};
      if (call.within) lowered.within = call.within->value;
      l.model.services[at->second.index()].calls.push_back(lowered);
    }
  }
}

}  // namespace

PortProtocol LowerProtocol(dsl::Protocol protocol) {
  switch (protocol) {
    case dsl::Protocol::kHttp:
      return PortProtocol::kHttp;
    case dsl::Protocol::kHttp2:
      return PortProtocol::kHttp2;
    case dsl::Protocol::kGrpc:
      return PortProtocol::kGrpc;
    case dsl::Protocol::kHttps:
      return PortProtocol::kHttps;
    case dsl::Protocol::kTcp:
      return PortProtocol::kTcp;
    case dsl::Protocol::kTls:
      return PortProtocol::kTls;
  }
  return PortProtocol::kUnknown;
}

void LowerServices(Lowering& l) {
  std::map<Key, Service> services = Discovered(l);
  const WorkloadIndex index = IndexWorkloads(l.model);
  for (auto& [key, service] : services) SelectWorkloads(l.model, index, service);
  for (const dsl::ServiceDecl& decl : l.program.services) Declare(l, decl, services);
  for (auto& [key, service] : services) {
    // A port whose name says nothing is detected per connection; policies see it as HTTP.
    for (ServiceInstance& instance : service.instances) {
      for (ServicePort& port : instance.ports) {
        if (port.protocol == PortProtocol::kUnknown) port.protocol = PortProtocol::kHttp;
      }
    }
    l.model.services.push_back(std::move(service));
  }
  NameServices(l);
  AddCalls(l);
}

}  // namespace weft::engine
