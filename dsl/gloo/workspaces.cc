// Clusters, workspaces and their settings.
#include <algorithm>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

constexpr std::string_view kGlobal = "global";
constexpr std::string_view kDefaultAdminNamespace = "gloo-mesh";

// Registered clusters the pattern and the labels admit; empty `labels` admit all.
std::set<std::string> ClustersOf(const Reading& r, const std::string& pattern,
                                 const Labels& labels) {
  std::set<std::string> names;
  for (const std::string& name : r.ClusterNames()) {
    const auto registered = r.clusters.find(name);
    const Labels& own = registered == r.clusters.end() ? Labels{} : registered->second;
    if ((pattern.empty() || GlobMatches(pattern, name)) && SelectsLabels(labels, own)) {
      names.insert(name);
    }
  }
  // A name that is no pattern stands for itself, registered or not.
  if (!pattern.empty() && pattern.find('*') == std::string::npos && labels.empty()) {
    names.insert(pattern);
  }
  return names;
}

void AddClauses(Reading& r, const Object& object, WorkspaceInfo& info) {
  for (const View& cluster : r.Spec(object).List("workloadClusters")) {
    const std::string pattern = cluster.Text("name");
    const Labels labels = ToLabels(cluster.LabelsOf("selector"));
    const bool every = labels.empty() && (pattern.empty() || pattern == "*");
    const bool config = cluster.Bool("configEnabled").value_or(Spanned<bool>{true, {}}).value;
    const std::vector<View> namespaces = cluster.List("namespaces");
    if (namespaces.empty()) {
      r.diagnostics.Error(codes::kBadCombination, cluster.span(),
                          "this selects no namespace: without `namespaces` the workspace is empty");
    }
    for (const View& ns : namespaces) {
      WorkspaceClause clause{
          .clusters = every ? std::set<std::string>{} : ClustersOf(r, pattern, labels),
          .every_cluster = every,
          .names = {},
          .labels = ToLabels(ns.LabelsOf("labels")),
          .config = config};
      const std::string name = ns.Text("name");
      if (!name.empty()) clause.names = {name};
      if (const auto own = ns.Bool("configEnabled")) clause.config = own->value && config;
      if (clause.names.empty() && clause.labels.empty()) {
        r.diagnostics.Warning(codes::kNoEffect, ns.span(), "this selects no namespace");
        continue;
      }
      info.clauses.push_back(std::move(clause));
    }
  }
}

bool OfAdministrator(const Object& object) {
  const std::string& kind = object.kind->kind;
  return kind == "Workspace" || kind == "KubernetesCluster" || kind == "RootTrustPolicy" ||
         kind == "IstioLifecycleManager" || kind == "GatewayLifecycleManager";
}

// The settings named `global` beside the workspaces stand for all of them.
bool IsGlobalSettings(const Reading& r, const Object& object) {
  if (object.kind->kind != "WorkspaceSettings" || object.name != kGlobal) return false;
  if (object.ns == kDefaultAdminNamespace) return true;
  return std::any_of(r.workspaces.begin(), r.workspaces.end(),
                     [&](const auto& entry) { return entry.second.object->ns == object.ns; });
}

// ---- workspace declarations

std::vector<dsl::Name> ClusterList(const View& cluster, const Reading& r) {
  std::vector<dsl::Name> names;
  const std::optional<dsl::Str> name = cluster.String("name");
  const Labels labels = ToLabels(cluster.LabelsOf("selector"));
  if (!name || (name->value == "*" && labels.empty())) return names;
  for (const std::string& one : ClustersOf(r, name->value, labels)) {
    names.push_back({one, name->span});
  }
  return names;
}

void AddNamespaces(Reading& r, const Object& object, dsl::WorkspaceDecl& decl) {
  for (const View& cluster : r.Spec(object).List("workloadClusters")) {
    dsl::NamespaceClause plain{.clusters = ClusterList(cluster, r), .span = cluster.span()};
    if (!cluster.Has("name")) plain.cluster_labels = cluster.LabelsOf("selector");
    const bool config = cluster.Bool("configEnabled").value_or(Spanned<bool>{true, {}}).value;
    const bool nowhere =
        cluster.Has("name") && plain.clusters.empty() && cluster.Text("name") != "*";
    if (nowhere) {
      r.diagnostics.Warning(codes::kNoEffect, cluster["name"].span(),
                            "no cluster is called like `" + cluster.Text("name") + "`");
      continue;
    }
    std::map<bool, dsl::NamespaceClause> named;
    for (const View& ns : cluster.List("namespaces")) {
      const bool reads = config && ns.Bool("configEnabled").value_or(Spanned<bool>{true, {}}).value;
      const std::optional<dsl::Str> name = ns.String("name");
      const std::vector<dsl::LabelTerm> labels = ns.LabelsOf("labels");
      if (!name && labels.empty()) continue;
      dsl::NamespaceClause& clause = named.try_emplace(reads, plain).first->second;
      clause.without_policy = !reads;
      if (labels.empty()) {
        if (clause.names.empty()) clause.span = name->span;
        clause.names.push_back(*name);
        continue;
      }
      dsl::NamespaceClause own = plain;
      own.without_policy = !reads;
      own.labels = labels;
      own.span = ns.span();
      if (name) own.names.push_back(*name);
      decl.namespaces.push_back(std::move(own));
    }
    for (auto& [reads, clause] : named) {
      if (!clause.names.empty()) decl.namespaces.push_back(std::move(clause));
    }
  }
}

// Two clauses that differ in their clusters only are said in one.
void MergeNamespaces(std::vector<dsl::NamespaceClause>& clauses) {
  std::vector<dsl::NamespaceClause> merged;
  for (dsl::NamespaceClause& clause : clauses) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const auto& other) {
      const auto values = [](const std::vector<dsl::Str>& list) {
        std::set<std::string> set;
        for (const dsl::Str& s : list) set.insert(s.value);
        return set;
      };
      return values(other.names) == values(clause.names) &&
             ToLabels(other.labels) == ToLabels(clause.labels) && other.cluster_labels.empty() &&
             clause.cluster_labels.empty() && !other.clusters.empty() && !clause.clusters.empty() &&
             other.without_policy == clause.without_policy;
    });
    if (same == merged.end()) {
      merged.push_back(std::move(clause));
    } else {
      for (dsl::Name& name : clause.clusters) same->clusters.push_back(std::move(name));
    }
  }
  clauses = std::move(merged);
}

// ---- settings

std::optional<dsl::Port> GatewayPort(const Reading& r, const View& port, const Labels& labels) {
  return r.ReadPort(port, [&](const std::string&, const std::string&, const std::string&,
                              const DiscoveredService& service) {
    return SelectsLabels(labels, service.labels) || SelectsLabels(labels, service.selector);
  });
}

void ReadEastWest(Reading& r, const View& options, std::vector<dsl::EastWest>& items) {
  for (const View& view : options.List("eastWestGateways")) {
    const View selector = view["selector"];
    dsl::EastWest item{.gateway = selector.LabelsOf("labels"), .span = view.span()};
    item.clusters = Reading::OneName(selector.String("cluster"));
    item.in_namespace = selector.String("namespace");
    item.gateway_name = selector.String("name");
    (void)selector.String("workspace");
    Labels labels = ToLabels(item.gateway);
    if (labels.empty()) labels = {{"istio", "eastwestgateway"}};
    item.port = GatewayPort(r, view["port"], labels);
    item.terminate_on = GatewayPort(r, view["tlsTerminationPort"], labels);
    for (const View& host : view.List("hostInfoOverrides")) {
      const bool terminates = host.Text("portType") == "TLS_TERMINATION";
      const std::optional<dsl::Str> address = host.String("addr");
      const std::optional<dsl::Port> port = host.Port("port");
      if (terminates && port) item.terminate_on = port;
      if (address) item.addresses.push_back({*address, terminates ? std::nullopt : port});
    }
    items.push_back(std::move(item));
  }
}

std::optional<Spanned<dsl::ClientMode>> ReadClientMode(const View& view) {
  if (!view) return std::nullopt;
  dsl::ClientMode mode = dsl::ClientMode::kAuto;
  if (view.Has("sniRouting")) mode = dsl::ClientMode::kSniRouting;
  if (view.Has("tlsTermination")) mode = dsl::ClientMode::kTlsTermination;
  view.TakeAll();
  return Spanned<dsl::ClientMode>{mode, view.span()};
}

void ReadIsolation(Reading& r, const View& isolation, dsl::WorkspaceDecl& decl) {
  if (!isolation) return;
  const bool trims = isolation.IsTrue("trimProxyConfig");
  const View layers = isolation["enforcementLayers"];
  if (layers && layers.Bool("mesh") && !layers.IsTrue("mesh")) {
    r.diagnostics.Error(codes::kRefusedField, layers.span(),
                        "isolation that the mesh does not enforce cannot be kept: weft writes no "
                        "network policies");
  }
  if (!isolation.IsTrue("enabled")) {
    if (trims) {
      r.diagnostics.Warning(codes::kNoEffect, isolation["trimProxyConfig"].span(),
                            "proxies are trimmed only where service isolation is on");
    }
    return;
  }
  decl.isolate =
      dsl::IsolateItem{.mtls = Spanned<dsl::MtlsMode>{dsl::MtlsMode::kStrict, isolation.span()},
                       .trim = {},
                       .span = isolation.span()};
  if (trims) decl.isolate->trim = dsl::TrimItem{};
}

// `options` of the workspace under those of `global`, which win field by field.
View Option(const View& global, const View& own, std::string_view field) {
  const View from_global = global[field];
  const View from_own = own[field];
  if (from_global) {
    from_own.TakeAll();
    return from_global;
  }
  return from_own;
}

void ReadFederation(Reading& r, const View& federation, const std::string& workspace);

void ApplyOptions(Reading& r, const View& global, const View& own, dsl::WorkspaceDecl& decl) {
  ReadIsolation(r, Option(global, own, "serviceIsolation"), decl);
  const View trim = Option(global, own, "trimAllProxyConfig");
  if (trim && trim.node()->AsBool().value_or(false)) {
    dsl::TrimItem nothing;
    nothing.listed = true;
    decl.trim = std::move(nothing);
  }
  if (!global.Has("eastWestGateways")) ReadEastWest(r, own, decl.east_west);
  (void)own.List("eastWestGateways");
  ReadFederation(r, Option(global, own, "federation"), decl.header.name.value);
  const auto mode = ReadClientMode(Option(global, own, "virtualDestClientMode"));
  if (mode) r.client_modes[decl.header.name.value] = *mode;
}

// A destination at a generated host for each federated service, so that routes may lead to other
// clusters.
void FederateService(Reading& r, const View& federation, const std::string& workspace,
                     const std::string& cluster, const std::pair<std::string, std::string>& key,
                     const DiscoveredService& service) {
  const std::string suffix =
      federation.Has("hostSuffix") ? federation.Text("hostSuffix") : "global";
  const std::string name =
      r.Name("target", workspace, key.second + "-" + key.first + "-" + cluster, "federated");
  dsl::DestinationDecl decl{.header = {.name = {name, federation.span()},
                                       .span = federation.span(),
                                       .owner = workspace,
                                       .owner_span = federation.span()}};
  for (const auto& [label, value] : service.labels) {
    decl.header.labels.push_back({{label, federation.span()}, {value, federation.span()}});
  }
  const std::string base = key.second + "." + key.first;
  decl.hosts = {{base + "." + cluster + "." + suffix, federation.span()},
                {base + ".svc." + cluster + "." + suffix, federation.span()}};
  dsl::BackingClause backing{.span = federation.span()};
  backing.service.parts.push_back({base, federation.span()});
  backing.service.span = federation.span();
  backing.clusters = {{cluster, federation.span()}};
  decl.backs.push_back(std::move(backing));
  r.federated[{cluster, key.first, key.second}] = {workspace, name};
  r.program.destinations.push_back(std::move(decl));
}

void ReadFederation(Reading& r, const View& federation, const std::string& workspace) {
  if (!federation) return;
  const bool enabled = federation.IsTrue("enabled");
  const std::vector<View> selectors = federation.List("serviceSelector");
  for (const View& port : federation.List("ports")) port.TakeAll();
  (void)federation.Text("hostSuffix");
  for (const View& selector : selectors) selector.TakeAll();
  if (!enabled) return;
  for (const auto& [cluster, facts] : r.discovered.clusters) {
    for (const auto& [key, service] : facts.services) {
      if (r.OwnerOf(cluster, key.first) != workspace) continue;
      const Object probe{.kind = nullptr,
                         .cluster = cluster,
                         .ns = key.first,
                         .name = key.second,
                         .labels = service.labels,
                         .owner = workspace};
      const bool selected =
          selectors.empty() || std::any_of(selectors.begin(), selectors.end(),
                                           [&](const View& s) { return SelectsObject(s, probe); });
      if (selected) FederateService(r, federation, workspace, cluster, key, service);
    }
  }
}

dsl::MeshDecl& TheMesh(Reading& r, const Object& object) {
  if (r.program.meshes.empty()) {
    dsl::MeshDecl mesh;
    mesh.header.name = {"mesh", object.span};
    mesh.header.span = object.span;
    r.program.meshes.push_back(std::move(mesh));
  }
  return r.program.meshes.front();
}

}  // namespace

void FindWorkspaces(Reading& r) {
  for (const Object* object : r.OfKind("KubernetesCluster"))
    r.clusters[object->name] = object->labels;
  for (const Object* object : r.OfKind("Workspace")) {
    WorkspaceInfo info{.object = object, .clauses = {}};
    AddClauses(r, *object, info);
    if (info.clauses.empty()) {
      r.diagnostics.Warning(codes::kNoEffect, object->span,
                            "workspace `" + object->name + "` selects no namespace");
    }
    r.workspaces.emplace(object->name, std::move(info));
  }
  for (Object& object : r.objects.all) {
    if (OfAdministrator(object) || IsGlobalSettings(r, object)) continue;
    bool config = true;
    object.owner = r.OwnerOf(object.cluster, object.ns, &config);
    const std::string what = object.kind->kind + " `" + object.ns + "/" + object.name + "`";
    if (object.owner.empty()) {
      Diagnostic& d = r.diagnostics.Warning(codes::kNoWorkspace, object.span,
                                            what + " is in no workspace and has no effect");
      const std::string elsewhere = r.OwnerAnywhere(object.ns);
      d.help = elsewhere.empty()
                   ? "no workspace owns namespace `" + object.ns + "`"
                   : "workspace `" + elsewhere + "` owns the namespace in another cluster than `" +
                         object.cluster + "`: say which by `# applied to cluster: NAME` above it";
      object.ignored = true;
    } else if (!config) {
      r.diagnostics.Warning(codes::kNotRead, object.span,
                            what + " is not read: `" + object.owner +
                                "` has `configEnabled: false` for this namespace");
      object.ignored = true;
    }
  }
  r.ForgetIndex();  // owners are known now
}

void ReadClusters(Reading& r) {
  for (const Object* object : r.OfKind("KubernetesCluster")) {
    dsl::ClusterDecl decl{.header = r.HeaderOf(*object, object->name)};
    decl.header.labels.clear();
    for (const auto& [key, value] : object->labels) {
      decl.header.labels.push_back({{key, object->span}, {value, object->span}});
    }
    const View spec = r.Spec(*object);
    const std::optional<dsl::Str> domain = spec.String("clusterDomain");
    if (domain && domain->value != "cluster.local") decl.domain = domain;
    const auto trust = r.trust.find(object->name);
    if (trust != r.trust.end()) decl.trust = dsl::Str{trust->second, object->span};
    r.program.clusters.push_back(std::move(decl));
  }
}

void ReadWorkspaces(Reading& r) {
  View global;
  std::map<std::string, const Object*> settings;
  for (const Object* object : r.OfKind("WorkspaceSettings")) {
    if (object->owner.empty()) {
      const View spec = r.Spec(*object);
      global = spec["options"];
      spec["importFrom"].TakeAll();
      spec["exportTo"].TakeAll();
      if (global) ReadEastWest(r, global, TheMesh(r, *object).east_west);
      continue;
    }
    const auto [at, fresh] = settings.try_emplace(object->owner, object);
    if (fresh) continue;
    Diagnostic& d =
        r.diagnostics.Error(codes::kBadCombination, object->span,
                            "workspace `" + object->owner + "` has two WorkspaceSettings");
    d.related.push_back({at->second->span, "the other one"});
    r.Spec(*object).TakeAll();
  }
  for (const auto& [name, info] : r.workspaces) {
    dsl::WorkspaceDecl decl;
    decl.header.name = {name, info.object->span};
    decl.header.span = info.object->span;
    decl.header.owner = name;
    decl.header.owner_span = info.object->span;
    for (const auto& [key, value] : info.object->labels) {
      decl.header.labels.push_back({{key, info.object->span}, {value, info.object->span}});
    }
    AddNamespaces(r, *info.object, decl);
    MergeNamespaces(decl.namespaces);
    const auto at = settings.find(name);
    const View spec = at == settings.end() ? View{} : r.Spec(*at->second);
    ReadShares(r, spec, "exportTo", name, decl.exports);
    ReadShares(r, spec, "importFrom", name, decl.imports);
    decl.imports_nothing = decl.imports.empty();
    ApplyOptions(r, global, spec["options"], decl);
    // Proxies of a workspace without settings were seen to be left alone.
    if (!spec && decl.isolate) decl.isolate->trim.reset();
    r.program.workspaces.push_back(std::move(decl));
  }
}

}  // namespace weft::gloo
