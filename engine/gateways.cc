// Gateways and the providers policies name: JWT issuers and external authorizers.
#include <algorithm>
#include <set>

#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

// TLS mode of a listener: given, or simple where the protocol implies TLS.
std::optional<TlsMode> ModeOf(const dsl::Listener& listener) {
  if (listener.tls) return static_cast<TlsMode>(listener.tls->value);
  const bool secure = listener.protocol == dsl::Protocol::kHttps ||
                      (listener.protocol == dsl::Protocol::kTls && listener.certificate);
  if (secure) return TlsMode::kSimple;
  if (listener.protocol == dsl::Protocol::kTls) return TlsMode::kPassthrough;
  return std::nullopt;
}

Listener ToListener(const dsl::Listener& listener) {
  const auto version = [](const auto& v) {
    return v ? std::optional(static_cast<TlsVersion>(v->value)) : std::nullopt;
  };
  Listener lowered{.port = listener.port.value,
                   .protocol = LowerProtocol(listener.protocol),
                   .hosts = {},
                   .tls = ModeOf(listener),
                   .certificate = listener.certificate ? listener.certificate->value : "",
                   .ca = listener.ca ? listener.ca->value : "",
                   .sans = {},
                   .min_version = version(listener.min_version),
                   .max_version = version(listener.max_version),
                   .redirect_https = listener.redirect_https,
                   .span = listener.span};
  for (const dsl::Str& host : listener.hosts) lowered.hosts.push_back(Fold(host.value));
  for (const dsl::Str& san : listener.sans) lowered.sans.push_back(san.value);
  return lowered;
}

bool MayRunIn(const Gateway& gateway, const std::vector<ClusterId>& clusters, WorkspaceId section,
              const Workload& workload) {
  if (!clusters.empty() &&
      std::find(clusters.begin(), clusters.end(), workload.cluster) == clusters.end()) {
    return false;
  }
  if (!gateway.ns.empty() && workload.ns != gateway.ns) return false;
  if (gateway.ns.empty() && !section.IsNone() && workload.workspace != section) return false;
  return Selects(gateway.selector, workload.labels);
}

void FindWorkloads(Lowering& l, const dsl::GatewayDecl& decl, WorkspaceId section,
                   Gateway& gateway) {
  const std::vector<ClusterId> on = l.Clusters(decl.clusters);
  std::set<ClusterId> clusters(on.begin(), on.end());
  std::set<std::string> namespaces;
  for (std::uint32_t i = 0; i < l.model.workloads.size(); ++i) {
    Workload& workload = l.model.workloads[i];
    if (!MayRunIn(gateway, on, section, workload)) continue;
    workload.sidecar = true;  // the proxy itself, whatever its namespace says of injection
    gateway.workloads.push_back({i});
    clusters.insert(workload.cluster);
    namespaces.insert(workload.ns);
    if (gateway.workspace.IsNone()) gateway.workspace = workload.workspace;
  }
  gateway.clusters.assign(clusters.begin(), clusters.end());
  if (gateway.workloads.empty()) {
    l.diagnostics.Warning(codes::kNothingSelected, decl.header.span,
                          "gateway `" + gateway.name + "` selects no workload");
  }
  if (gateway.ns.empty() && !namespaces.empty()) gateway.ns = *namespaces.begin();
  if (gateway.ns.empty() && !section.IsNone() && !l.model[section].namespaces.empty()) {
    gateway.ns = l.model[section].namespaces.begin()->second;
  }
  if (gateway.ns.empty()) gateway.ns = l.model.root_namespace;
  if (namespaces.size() > 1) {
    l.diagnostics
        .Error(codes::kAmbiguous, decl.header.span,
               "gateway `" + gateway.name + "` selects workloads of several namespaces")
        .help = "say which one: `gateway " + gateway.name + " in \"" + *namespaces.begin() + "\"`";
  }
}

// Only a dump that has Secrets at all can say that one is missing.
void CheckSecrets(Lowering& l, const Gateway& gateway) {
  for (const ClusterId cluster : gateway.clusters) {
    const KubeCluster* found = l.inventory.Find(l.model[cluster].name);
    if (found == nullptr || found->secrets.empty()) continue;
    for (const Listener& listener : gateway.listeners) {
      const std::pair<std::string, std::string> key{gateway.ns, listener.certificate};
      if (listener.certificate.empty() ||
          std::find(found->secrets.begin(), found->secrets.end(), key) != found->secrets.end()) {
        continue;
      }
      Diagnostic& d = l.diagnostics.Warning(
          codes::kUnknownSecret, listener.span,
          "there is no secret `" + listener.certificate + "` in namespace `" + gateway.ns + "`");
      d.clusters = {found->name};
    }
  }
}

void AddGateway(Lowering& l, const dsl::GatewayDecl& decl) {
  const WorkspaceId section = l.Section(decl.header);
  Gateway gateway{.name = decl.header.name.value,
                  .workspace = section,
                  .ns = decl.in_namespace ? decl.in_namespace->value : "",
                  .selector = ToLabels(decl.select),
                  .clusters = {},
                  .workloads = {},
                  .listeners = {},
                  .accepts = {},
                  .span = decl.header.span};
  FindWorkloads(l, decl, section, gateway);
  for (const dsl::Listener& listener : decl.listeners) {
    gateway.listeners.push_back(ToListener(listener));
  }
  CheckSecrets(l, gateway);
  for (const dsl::AcceptClause& clause : decl.accepts) {
    Accept accept{.from = {}, .all = clause.all, .hosts = {}, .span = clause.span};
    for (const dsl::Name& name : clause.workspaces) {
      const WorkspaceId id = l.Workspace(name);
      if (!id.IsNone()) accept.from.push_back(id);
    }
    for (const dsl::Str& host : clause.hosts) accept.hosts.push_back(Fold(host.value));
    gateway.accepts.push_back(std::move(accept));
  }
  l.gateways[gateway.name].push_back({static_cast<std::uint32_t>(l.model.gateways.size())});
  l.model.gateways.push_back(std::move(gateway));
}

}  // namespace

void LowerGateways(Lowering& l) {
  for (const dsl::GatewayDecl& decl : l.program.gateways) AddGateway(l, decl);
}

}  // namespace weft::engine
