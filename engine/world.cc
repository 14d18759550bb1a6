// Clusters, workspaces, workloads: who is there.
#include <algorithm>
#include <set>

#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

void AddCluster(Lowering& l, const dsl::ClusterDecl* decl, const KubeCluster* found) {
  Cluster cluster;
  cluster.name = decl != nullptr ? decl->header.name.value : found->name;
  cluster.discovered = found != nullptr;
  if (decl != nullptr) cluster.span = decl->header.span;
  const auto pick = [&](const auto& declared, const std::string& discovered) {
    if (declared) return declared->value;
    return discovered.empty() ? cluster.name : discovered;
  };
  const std::optional<dsl::Str> none;
  cluster.trust_domain =
      pick(decl != nullptr ? decl->trust : none, found ? found->trust_domain : "");
  cluster.trust_assumed =
      (decl == nullptr || !decl->trust) && (found == nullptr || found->trust_domain.empty());
  cluster.network = pick(decl != nullptr ? decl->network : none, found ? found->network : "");
  if (found != nullptr) cluster.locality = found->locality;
  if (decl != nullptr) {
    if (decl->domain) cluster.domain = decl->domain->value;
    if (decl->region) cluster.locality.region = decl->region->value;
    if (decl->zone) cluster.locality.zone = decl->zone->value;
  }
  // A cluster whose place nobody knows is near to nothing but itself.
  if (cluster.locality.region.empty()) cluster.locality.region = cluster.name;
  l.model.clusters.push_back(std::move(cluster));
}

bool IsGateway(const dsl::EastWest& item, const Labels& labels, const KubeService& service) {
  if (item.in_namespace && item.in_namespace->value != service.ns) return false;
  if (item.gateway_name) return item.gateway_name->value == service.name;
  return Selects(labels, service.labels);
}

// Addresses of the cluster's east-west gateway: given, else those of the Service with the labels.
void AddEastWest(Lowering& l, const dsl::EastWest& item) {
  const std::vector<ClusterId> only = l.Clusters(item.clusters);
  Labels labels = ToLabels(item.gateway);
  if (labels.empty()) labels = {{"istio", "eastwestgateway"}};
  for (std::uint32_t i = 0; i < l.model.clusters.size(); ++i) {
    if (!only.empty() && std::find(only.begin(), only.end(), ClusterId{i}) == only.end()) continue;
    Cluster& cluster = l.model.clusters[i];
    cluster.east_west_selector = labels;
    for (const dsl::EastWestAddress& given : item.addresses) {
      const std::optional<dsl::Port>& port = given.port ? given.port : item.port;
      cluster.east_west.push_back({given.address.value, port ? port->value : std::uint16_t{15443}});
    }
    if (!item.addresses.empty()) continue;
    const KubeCluster* found = l.inventory.Find(cluster.name);
    if (found == nullptr) continue;
    for (const KubeService& service : found->services) {
      if (!IsGateway(item, labels, service)) continue;
      std::uint16_t port = item.port ? item.port->value : std::uint16_t{15443};
      for (const KubePort& candidate : service.ports) {
        if (!item.port && (candidate.name == "tls" || candidate.name == "https")) {
          port = candidate.number;
        }
      }
      if (!service.ingress.empty()) cluster.east_west_ns = service.ns;
      for (const std::string& address : service.ingress) {
        cluster.east_west.push_back({address, port});
      }
    }
  }
}

// Namespaces of one clause in one cluster.
std::vector<std::string> Select(Lowering& l, const dsl::NamespaceClause& clause,
                                const Cluster& cluster) {
  const KubeCluster* found = l.inventory.Find(cluster.name);
  std::set<std::string> names;
  const Labels labels = ToLabels(clause.labels);
  if (found != nullptr) {
    for (const KubeNamespace& ns : found->namespaces) {
      const bool named =
          clause.names.empty() ||
          std::any_of(clause.names.begin(), clause.names.end(),
                      [&](const dsl::Str& glob) { return GlobMatches(glob.value, ns.name); });
      if (named && Selects(labels, ns.labels)) names.insert(ns.name);
    }
  }
  for (const dsl::Str& name : clause.names) {
    if (name.value.find('*') != std::string::npos || !labels.empty()) continue;
    if (names.insert(name.value).second && found != nullptr) {
      Diagnostic& d = l.diagnostics.Warning(codes::kUnknownNamespace, name.span,
                                            "namespace `" + name.value + "` is not discovered");
      d.clusters = {cluster.name};
    }
  }
  return {names.begin(), names.end()};
}

std::vector<ClusterId> ClustersOf(Lowering& l, const dsl::NamespaceClause& clause) {
  if (!clause.clusters.empty()) return l.Clusters(clause.clusters);
  std::vector<ClusterId> ids;
  const Labels wanted = ToLabels(clause.cluster_labels);
  for (std::uint32_t i = 0; i < l.model.clusters.size(); ++i) {
    Labels labels;
    for (const dsl::ClusterDecl& decl : l.program.clusters) {
      if (decl.header.name.value == l.model.clusters[i].name) labels = ToLabels(decl.header.labels);
    }
    if (wanted.empty() || Selects(wanted, labels)) ids.push_back({i});
  }
  return ids;
}

using NamespaceKey = std::pair<ClusterId, std::string>;

// Who claims a namespace, and whether by its name: a name goes before a pattern, so that a pattern
// that is too wide does not make everything else of the other workspace look wrong.
struct Claim {
  Span span;
  bool by_name = false;
};

// Namespaces that one clause takes from one other workspace.
struct Overlap {
  std::set<std::string> names;
  std::set<std::string> clusters;
  Span other;
};

bool NamesIt(const dsl::NamespaceClause& clause, const std::string& name) {
  return std::any_of(clause.names.begin(), clause.names.end(),
                     [&](const dsl::Str& s) { return s.value == name; });
}

void ReportOverlap(Lowering& l, Span span, const std::string& owner, const std::string& workspace,
                   const Overlap& overlap) {
  constexpr std::size_t kNamed = 3;
  std::string names;
  std::size_t named = 0;
  for (const std::string& name : overlap.names) {
    if (named++ == kNamed) break;
    names += (names.empty() ? "`" : ", `") + name + "`";
  }
  if (overlap.names.size() > kNamed) {
    names += " and " + std::to_string(overlap.names.size() - kNamed) + " more";
  }
  const bool one = overlap.names.size() == 1;
  Diagnostic& d = l.diagnostics.Error(codes::kWorkspaceOverlap, span,
                                      (one ? "namespace " : "namespaces ") + names +
                                          (one ? " belongs" : " belong") + " to both `" + owner +
                                          "` and `" + workspace + "`");
  d.related.push_back({overlap.other, "also claimed here"});
  d.clusters.assign(overlap.clusters.begin(), overlap.clusters.end());
  d.help = "a namespace has one owner: narrow one of the two";
}

void AddNamespaces(Lowering& l, const dsl::WorkspaceDecl& decl, WorkspaceId id,
                   std::map<NamespaceKey, Claim>& claimed) {
  Workspace& workspace = l.model.workspaces[id.index()];
  for (const dsl::NamespaceClause& clause : decl.namespaces) {
    bool any = false;
    std::map<WorkspaceId, Overlap> overlaps;
    for (const ClusterId cluster : ClustersOf(l, clause)) {
      for (std::string& name : Select(l, clause, l.model[cluster])) {
        any = true;
        const NamespaceKey key{cluster, std::move(name)};
        const Claim claim{clause.span, NamesIt(clause, key.second)};
        const auto [owner, fresh] = l.owners.try_emplace(key, id);
        if (!fresh && owner->second != id) {
          Overlap& overlap = overlaps[owner->second];
          overlap.names.insert(key.second);
          overlap.clusters.insert(l.model[cluster].name);
          overlap.other = claimed[key].span;
          if (claimed[key].by_name || !claim.by_name) continue;
          l.model.workspaces[owner->second.index()].namespaces.erase(key);
          owner->second = id;
          claimed[key] = claim;
        }
        claimed.try_emplace(key, claim);
        workspace.namespaces.insert(key);
      }
    }
    for (const auto& [other, overlap] : overlaps) {
      ReportOverlap(l, clause.span, l.NameOf(other), workspace.name, overlap);
    }
    if (!any) {
      l.diagnostics.Warning(codes::kNothingSelected, clause.span,
                            "these namespaces match nothing that is discovered");
    }
  }
}

}  // namespace

void LowerClusters(Lowering& l) {
  std::set<std::string> names;
  for (const dsl::ClusterDecl& decl : l.program.clusters) {
    if (!names.insert(decl.header.name.value).second) continue;
    const KubeCluster* found = l.inventory.Find(decl.header.name.value);
    if (found == nullptr && !l.inventory.clusters.empty()) {
      l.diagnostics.Warning(codes::kUndiscoveredCluster, decl.header.span,
                            "no inventory was given for cluster `" + decl.header.name.value + "`");
    }
    AddCluster(l, &decl, found);
  }
  for (const KubeCluster& found : l.inventory.clusters) {
    if (!names.insert(found.name).second) continue;
    if (!l.program.clusters.empty() && found.name != kManagementCluster) {
      Diagnostic& d = l.diagnostics.Warning(
          codes::kUnknownCluster, l.program.clusters.front().header.span,
          "the inventory has a cluster `" + found.name + "` that is not declared");
      d.help = "declare it: `cluster " + found.name + "`";
    }
    AddCluster(l, nullptr, &found);
  }
  std::sort(l.model.clusters.begin(), l.model.clusters.end(),
            [](const Cluster& a, const Cluster& b) { return a.name < b.name; });
  bool configured = false;
  const auto add = [&](const std::vector<dsl::EastWest>& items) {
    for (const dsl::EastWest& item : items) {
      configured = true;
      AddEastWest(l, item);
    }
  };
  for (const dsl::MeshDecl& mesh : l.program.meshes) add(mesh.east_west);
  for (const dsl::WorkspaceDecl& workspace : l.program.workspaces) add(workspace.east_west);
  if (!configured) AddEastWest(l, {});
}

void LowerWorkspaces(Lowering& l) {
  std::map<std::string, const dsl::WorkspaceDecl*> decls;
  for (const dsl::WorkspaceDecl& decl : l.program.workspaces) {
    decls.try_emplace(decl.header.name.value, &decl);
  }
  for (const auto& [name, decl] : decls) {
    const WorkspaceId id{static_cast<std::uint32_t>(l.model.workspaces.size())};
    l.workspaces[name] = id;
    Workspace workspace;
    workspace.name = name;
    workspace.span = decl->header.span;
    workspace.has_imports = !decl->imports.empty() || decl->imports_nothing;
    std::optional<Spanned<dsl::MtlsMode>> mtls = decl->mtls;
    if (decl->isolate && decl->isolate->off) workspace.open_span = decl->isolate->span;
    if (decl->isolate && !decl->isolate->off) {
      workspace.isolated = true;
      workspace.isolate_span = decl->isolate->span;
      if (decl->isolate->mtls) mtls = decl->isolate->mtls;
      if (decl->isolate->trim) workspace.trim = true;
    }
    if (decl->trim) workspace.trim = true;
    for (const auto& trim : {decl->trim, decl->isolate ? decl->isolate->trim : decl->trim}) {
      if (!trim) continue;
      for (const dsl::QName& to : trim->to) workspace.trim_to.push_back(to.Text());
    }
    if (mtls) {
      workspace.mtls = static_cast<MtlsMode>(mtls->value);
      workspace.mtls_span = mtls->span;
    } else if (decl->isolate && !decl->isolate->off) {
      workspace.mtls = MtlsMode::kStrict;
      workspace.mtls_span = decl->isolate->span;
    }
    l.model.workspaces.push_back(std::move(workspace));
  }
  std::map<NamespaceKey, Claim> claimed;
  for (const auto& [name, decl] : decls) AddNamespaces(l, *decl, l.workspaces[name], claimed);
}

void LowerWorkloads(Lowering& l) {
  for (std::uint32_t i = 0; i < l.model.clusters.size(); ++i) {
    const KubeCluster* found = l.inventory.Find(l.model.clusters[i].name);
    if (found == nullptr) continue;
    for (const KubeWorkload& workload : found->workloads) {
      const auto owner = l.owners.find({ClusterId{i}, workload.ns});
      l.model.workloads.push_back(
          {.cluster = {i},
           .workspace = owner == l.owners.end() ? WorkspaceId{} : owner->second,
           .ns = workload.ns,
           .name = workload.name,
           .account = workload.service_account,
           .labels = workload.labels,
           .localities = workload.localities,
           .ready_in = workload.ready_in,
           .addresses = workload.addresses,
           .ready = workload.ready,
           .sidecar = workload.sidecar,
           .span = workload.span});
    }
  }
}

Inventory DeclaredWorld(const dsl::Program& program) {
  Inventory inventory;
  std::vector<std::string> clusters;
  for (const dsl::ClusterDecl& decl : program.clusters) clusters.push_back(decl.header.name.value);
  if (clusters.empty()) clusters.emplace_back("cluster");
  for (const std::string& name : clusters) {
    KubeCluster cluster{.name = name};
    const auto runs_here = [&](const std::vector<dsl::Name>& on) {
      return on.empty() ||
             std::any_of(on.begin(), on.end(), [&](const dsl::Name& n) { return n.value == name; });
    };
    std::set<std::pair<std::string, std::string>> declared;
    for (const dsl::ServiceDecl& decl : program.services) {
      const std::string& service = decl.header.name.value;
      if (!runs_here(decl.clusters) ||
          !declared.insert({decl.in_namespace.value, service}).second) {
        continue;
      }
      KubeService kube{.ns = decl.in_namespace.value, .name = service, .span = decl.header.span};
      kube.selector = {{"app", service}};
      for (const dsl::PortDecl& port : decl.ports) {
        kube.ports.push_back({.name = "",
                              .number = port.number.value,
                              .target = port.target ? port.target->value : port.number.value,
                              .protocol = LowerProtocol(port.protocol)});
      }
      if (kube.ports.empty()) {
        kube.ports.push_back({.number = 80, .target = 80, .protocol = PortProtocol::kHttp});
      }
      const auto add_workload = [&](const std::string& suffix, Labels labels) {
        labels["app"] = service;
        cluster.workloads.push_back({.ns = kube.ns,
                                     .name = service + suffix,
                                     .kind = "Deployment",
                                     .labels = std::move(labels),
                                     .service_account = service,
                                     .span = decl.header.span});
      };
      for (const dsl::SubsetDecl& subset : decl.subsets) {
        add_workload("-" + subset.name.value, ToLabels(subset.labels));
      }
      if (decl.subsets.empty()) add_workload("", {});
      cluster.services.push_back(std::move(kube));
    }
    for (const dsl::GatewayDecl& decl : program.gateways) {
      if (!runs_here(decl.clusters)) continue;
      std::string ns = decl.in_namespace ? decl.in_namespace->value : "";
      for (const dsl::WorkspaceDecl& workspace : program.workspaces) {
        const bool owner = workspace.header.name.value == decl.header.owner;
        if (!ns.empty() || !owner || workspace.namespaces.empty()) continue;
        if (!workspace.namespaces[0].names.empty()) ns = workspace.namespaces[0].names[0].value;
      }
      if (ns.empty()) ns = "istio-ingress";
      cluster.workloads.push_back({.ns = ns,
                                   .name = decl.header.name.value,
                                   .kind = "Deployment",
                                   .labels = ToLabels(decl.select),
                                   .service_account = decl.header.name.value,
                                   .span = decl.header.span});
    }
    inventory.clusters.push_back(std::move(cluster));
  }
  FinishInventory(inventory);
  return inventory;
}

}  // namespace weft::engine
