// Externals and destinations: hosts that are no Kubernetes service.
#include <algorithm>
#include <set>

#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

using On = dsl::PolicyDecl::On;

std::vector<std::string> FoldAll(const std::vector<dsl::Str>& hosts) {
  std::vector<std::string> folded;
  for (const dsl::Str& host : hosts) folded.push_back(Fold(host.value));
  return folded;
}

void AddTarget(Lowering& l, const dsl::Header& header, WorkspaceId workspace, TargetRef target) {
  const auto [at, fresh] = l.targets.try_emplace({workspace, header.name.value}, target);
  if (fresh) return;
  const auto* service = std::get_if<ServiceId>(&at->second);
  if (service != nullptr && l.model[*service].declared_as.empty()) {
    at->second = target;
    return;
  }
  l.diagnostics.Error(codes::kAmbiguous, header.name.span,
                      "`" + header.name.value + "` already names something in this workspace");
}

void AddExternal(Lowering& l, const dsl::ExternalDecl& decl) {
  External external{.name = decl.header.name.value,
                    .workspace = l.Section(decl.header),
                    .hosts = FoldAll(decl.hosts),
                    .addresses = {},
                    .ports = {},
                    .endpoints = {},
                    .via = {},
                    .grants = {},
                    .policy = {},
                    .labels = ToLabels(decl.header.labels),
                    .span = decl.header.span};
  for (const dsl::Str& address : decl.addresses) external.addresses.push_back(address.value);
  for (const dsl::ExternalPort& port : decl.ports) {
    External::Port lowered{.port = {.name = "",
                                    .number = port.number.value,
                                    .target = port.target ? port.target->value : port.number.value,
                                    .protocol = LowerProtocol(port.protocol)},
                           .tls = {}};
    if (port.tls) lowered.tls = LowerClientTls(*port.tls, port.span);
    external.ports.push_back(std::move(lowered));
  }
  std::sort(external.ports.begin(), external.ports.end(),
            [](const auto& a, const auto& b) { return a.port.number < b.port.number; });
  for (const dsl::ExternalEndpoint& endpoint : decl.endpoints) {
    ExternalEndpoint lowered{
        .address = endpoint.address.value, .port = {}, .locality = {}, .span = endpoint.span};
    if (endpoint.port) lowered.port = endpoint.port->value;
    if (endpoint.region) lowered.locality.region = endpoint.region->value;
    if (endpoint.zone) lowered.locality.zone = endpoint.zone->value;
    external.endpoints.push_back(std::move(lowered));
  }
  external.policy = DestinationItems(
      l, On::kExternals, {external.name, external.workspace, "", external.labels}, decl.items);
  const ExternalId id{static_cast<std::uint32_t>(l.model.externals.size())};
  AddTarget(l, decl.header, external.workspace, id);
  l.model.externals.push_back(std::move(external));
}

// Clusters the backing runs in: the listed ones, else all it is discovered in.
void AddBackingService(Lowering& l, const dsl::BackingClause& clause, ServiceId service,
                       std::vector<ClusterId> clusters, Destination& destination) {
  for (const ClusterId cluster : clusters) {
    if (l.model[service].In(cluster) == nullptr) {
      Diagnostic& d = l.diagnostics.Error(
          codes::kUnknownService, clause.span,
          "service `" + l.model[service].name + "` is not discovered in this cluster");
      d.clusters = {l.model[cluster].name};
      continue;
    }
    const auto taken = std::find_if(destination.backings.begin(), destination.backings.end(),
                                    [&](const Backing& b) { return b.cluster == cluster; });
    if (taken != destination.backings.end()) {
      Diagnostic& d =
          l.diagnostics.Error(codes::kBackingConflict, clause.span,
                              "`" + destination.name + "` has two backing services in one cluster");
      d.related.push_back({taken->span, "the other one"});
      d.clusters = {l.model[cluster].name};
      continue;
    }
    destination.backings.push_back({service, cluster, clause.span});
  }
  const auto& marks = l.model[service].residency;
  destination.residency.insert(destination.residency.end(), marks.begin(), marks.end());
}

// Services of the own workspace, unless another is named.
void AddSelectedBackings(Lowering& l, const dsl::BackingClause& clause, Destination& destination) {
  const dsl::Selection& selection = *clause.services;
  const std::vector<ClusterId> only = l.Clusters(selection.clusters);
  bool any = false;
  for (std::uint32_t i = 0; i < l.model.services.size(); ++i) {
    const Service& service = l.model.services[i];
    const WorkspaceId section = selection.workspace ? WorkspaceId{} : destination.workspace;
    if (!Matches(l, selection, section,
                 {service.name, service.workspace, service.ns, service.labels})) {
      continue;
    }
    std::vector<ClusterId> clusters;
    for (const ServiceInstance& instance : service.instances) {
      const bool wanted = selection.clusters.empty() ||
                          std::find(only.begin(), only.end(), instance.cluster) != only.end();
      if (wanted && Selects(ToLabels(selection.labels), instance.labels)) {
        clusters.push_back(instance.cluster);
      }
    }
    any = any || !clusters.empty();
    AddBackingService(l, clause, {i}, std::move(clusters), destination);
  }
  if (any) return;
  l.diagnostics.Warning(codes::kNothingSelected, clause.span,
                        "this selects no discovered service of the workspace");
}

void AddBacking(Lowering& l, const dsl::BackingClause& clause, Destination& destination) {
  if (clause.services) {
    AddSelectedBackings(l, clause, destination);
    return;
  }
  const ServiceId service = l.ServiceNamed(clause.service, destination.workspace);
  if (service.IsNone()) return;
  std::vector<ClusterId> clusters = l.Clusters(clause.clusters);
  if (clause.clusters.empty()) {
    for (const ServiceInstance& instance : l.model[service].instances) {
      clusters.push_back(instance.cluster);
    }
  }
  AddBackingService(l, clause, service, std::move(clusters), destination);
}

// Without `port` items a destination has the ports all its backings share.
void AddPorts(Lowering& l, const dsl::DestinationDecl& decl, Destination& destination) {
  for (const dsl::PortDecl& port : decl.ports) {
    destination.ports.push_back({.name = "",
                                 .number = port.number.value,
                                 .target = port.target ? port.target->value : port.number.value,
                                 .protocol = LowerProtocol(port.protocol)});
  }
  if (decl.ports.empty() && !destination.backings.empty()) {
    const Backing& first = destination.backings.front();
    for (const ServicePort& port : l.model[first.service].In(first.cluster)->ports) {
      const bool everywhere = std::all_of(
          destination.backings.begin(), destination.backings.end(), [&](const Backing& backing) {
            const auto& ports = l.model[backing.service].In(backing.cluster)->ports;
            return std::any_of(ports.begin(), ports.end(), [&](const ServicePort& p) {
              return p.number == port.number && p.IsHttp() == port.IsHttp();
            });
          });
      if (everywhere) destination.ports.push_back(port);
    }
    for (ServicePort& port : destination.ports) port.target = port.number;
  } else if (decl.ports.empty()) {
    for (const ExternalId external : destination.externals) {
      for (const External::Port& port : l.model[external].ports) {
        destination.ports.push_back(port.port);
      }
    }
  }
  std::sort(destination.ports.begin(), destination.ports.end(),
            [](const ServicePort& a, const ServicePort& b) { return a.number < b.number; });
  if (destination.ports.empty() && !destination.backings.empty()) {
    l.diagnostics.Error(codes::kBackingConflict, decl.header.span,
                        "the backing services of `" + destination.name + "` share no port");
  }
  for (const ServicePort& port : destination.ports) {
    for (const Backing& backing : destination.backings) {
      const auto& ports = l.model[backing.service].In(backing.cluster)->ports;
      const bool has = std::any_of(ports.begin(), ports.end(), [&](const ServicePort& p) {
        return p.number == port.number || p.number == port.target || p.target == port.target;
      });
      if (has) continue;
      Diagnostic& d = l.diagnostics.Error(
          codes::kUnknownPort, backing.span,
          "service `" + l.model[backing.service].name + "` has nothing behind port " +
              std::to_string(port.number) + " of `" + destination.name + "`");
      d.clusters = {l.model[backing.cluster].name};
    }
  }
}

void AddDestination(Lowering& l, const dsl::DestinationDecl& decl) {
  Destination destination{.name = decl.header.name.value,
                          .workspace = l.Section(decl.header),
                          .hosts = FoldAll(decl.hosts),
                          .backings = {},
                          .externals = {},
                          .ports = {},
                          .grants = {},
                          .residency = {},
                          .policy = {},
                          .labels = ToLabels(decl.header.labels),
                          .span = decl.header.span};
  destination.terminate_tls = decl.client && decl.client->value == dsl::ClientMode::kTlsTermination;
  for (const dsl::BackingClause& clause : decl.backs) AddBacking(l, clause, destination);
  for (const dsl::QName& name : decl.externals) {
    const std::optional<TargetRef> target = l.WholeTarget(name, destination.workspace);
    if (!target) continue;
    if (const auto* external = std::get_if<ExternalId>(&*target)) {
      destination.externals.push_back(*external);
    } else {
      l.diagnostics.Error(codes::kUnknownWorkload, name.span,
                          "`" + name.Text() + "` is no external service");
    }
  }
  std::sort(destination.backings.begin(), destination.backings.end(),
            [](const Backing& a, const Backing& b) {
              return std::tie(a.cluster, a.service) < std::tie(b.cluster, b.service);
            });
  AddPorts(l, decl, destination);
  for (const dsl::ResidencyDecl& mark : decl.residency) {
    Residency residency{.mark = mark.mark.value, .regions = {}, .span = mark.span};
    for (const dsl::Str& region : mark.regions) residency.regions.push_back(region.value);
    destination.residency.push_back(std::move(residency));
  }
  destination.policy = DestinationItems(
      l, On::kDestinations, {destination.name, destination.workspace, "", destination.labels},
      decl.items);
  const DestinationId id{static_cast<std::uint32_t>(l.model.destinations.size())};
  AddTarget(l, decl.header, destination.workspace, id);
  l.model.destinations.push_back(std::move(destination));
}

}  // namespace

void LowerExternals(Lowering& l) {
  for (const dsl::ExternalDecl& decl : l.program.externals) AddExternal(l, decl);
}

void LowerDestinations(Lowering& l) {
  for (const dsl::DestinationDecl& decl : l.program.destinations) AddDestination(l, decl);
  std::map<std::pair<std::string, std::string>, const dsl::ServiceDecl*> decls;
  for (const dsl::ServiceDecl& decl : l.program.services) {
    decls[{decl.in_namespace.value, decl.header.name.value}] = &decl;
  }
  static const std::vector<dsl::Item> kNone;
  for (Service& service : l.model.services) {
    const auto decl = decls.find({service.ns, service.name});
    service.policy = DestinationItems(l, On::kServices,
                                      {service.name, service.workspace, service.ns, service.labels},
                                      decl == decls.end() ? kNone : decl->second->items);
  }
}

}  // namespace weft::engine
