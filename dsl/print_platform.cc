#include "dsl/printer.h"

#include <fmt/format.h>

#include "dsl/overloaded.h"
#include "dsl/print_parts.h"

namespace weft::dsl {

void Printer::Mesh(const Program& p) {
  if (!p.meshes.empty()) mesh_ = p.meshes.front().header.name.value;
  Page& page = pages_["mesh.weft"];
  if (p.meshes.empty()) {
    page.Line("mesh " + mesh_);
  } else {
    page.Open("mesh " + mesh_);
    for (const EastWest& item : p.meshes.front().east_west) EastWestOf(page, item);
    page.Close();
  }
  page.Gap();
  for (const ClusterDecl& d : p.clusters) Cluster(page, d);
  for (const TrustDecl& d : p.trusts) Trust(page, d);
  for (const LifecycleDecl& d : p.lifecycles) Lifecycle(page, d);
  for (const WorkspaceDecl& d : p.workspaces) Workspace(page, d);
}

void Printer::EastWestOf(Page& page, const EastWest& item) {
  page.Open("east-west" + Clusters(item.clusters));
  std::string gateway;
  if (item.gateway_name) gateway = "gateway " + Quoted(item.gateway_name->value);
  if (gateway.empty() && !item.gateway.empty())
    gateway = "gateway where " + LabelTerms(item.gateway);
  if (!gateway.empty() && item.in_namespace) {
    gateway += " in namespace " + Quoted(item.in_namespace->value);
  }
  page.Line(gateway);
  if (item.port) page.Line(fmt::format("port {}", item.port->value));
  if (item.terminate_on) page.Line(fmt::format("terminate on {}", item.terminate_on->value));
  for (const EastWestAddress& address : item.addresses) {
    page.Line("address " + Quoted(address.address.value) +
              (address.port ? fmt::format(" port {}", address.port->value) : ""));
  }
  page.Close();
}

void Printer::Cluster(Page& page, const ClusterDecl& d) {
  Comments(page, d.header.span);
  page.Open("cluster " + d.header.name.value);
  if (d.region) page.Line("region " + Quoted(d.region->value));
  if (d.zone) page.Line("zone " + Quoted(d.zone->value));
  if (d.network) page.Line("network " + Quoted(d.network->value));
  if (d.trust) page.Line("trust " + Quoted(d.trust->value));
  page.Line("domain " + Quoted(d.domain ? d.domain->value : "cluster.local"));
  if (d.skip_warming) page.Line("skip warming");
  Labels(page, d.header.labels);
  page.Close();
}

std::string Printer::Certificate(const CertificateOptions& options) {
  std::string text;
  if (options.ttl) text += " for " + Days(options.ttl->value);
  if (options.key_bits) text += fmt::format(" key {}", options.key_bits->value);
  if (options.organization) text += " organization " + Quoted(options.organization->value);
  return text;
}

std::string Printer::Days(Millis time) {
  constexpr std::int64_t kDay = 24LL * 3600 * 1000;
  if (time.count() != 0 && time.count() % kDay == 0) return fmt::format("{}d", time.count() / kDay);
  return TextOf(time);
}

std::string Printer::Secret(const TrustDecl::Secret& secret) {
  return "secret " + Quoted(secret.name.value) +
         (secret.in_namespace ? " in " + Quoted(secret.in_namespace->value) : "");
}

void Printer::Trust(Page& page, const TrustDecl& d) {
  page.Gap();
  Comments(page, d.header.span);
  page.Open("trust root " + d.header.name.value);
  if (d.generated) page.Line("generated" + Certificate(*d.generated));
  if (d.secret) page.Line(Secret(*d.secret));
  if (d.intermediate) {
    const std::string options = Certificate(*d.intermediate);
    if (!options.empty()) page.Line("intermediate" + options);
    if (d.intermediate->rotate_at) {
      page.Line("rotate at " + TextOf(d.intermediate->rotate_at->value));
    }
  }
  if (d.restart_pods) page.Line("restart pods");
  std::vector<std::string> passive;
  for (const TrustDecl::Secret& secret : d.passive) passive.push_back(Secret(secret));
  if (!passive.empty()) page.Line("passive [" + Joined(passive, ", ") + "]");
  if (!d.clusters.empty()) page.Line("on " + Names(d.clusters));
  if (!d.cluster_labels.empty()) page.Line("on clusters where " + LabelTerms(d.cluster_labels));
  page.Close();
}

void Printer::Lifecycle(Page& page, const LifecycleDecl& d) {
  page.Gap();
  Comments(page, d.header.span);
  page.Open(std::string(d.gateways ? "gateways" : "istio") + Clusters(d.clusters));
  if (d.version) page.Line("version " + Quoted(d.version->value));
  if (d.revision) page.Line("revision " + d.revision->value);
  if (d.gateway_revision) page.Line("gateway revision " + d.gateway_revision->value);
  if (d.is_default && !d.gateways) page.Line("default");
  if (d.active && d.gateways) page.Line("active");
  if (d.trust) page.Line("trust " + Quoted(d.trust->value));
  if (d.skip_upgrade_check) page.Line("skip upgrade check");
  page.Close();
}

std::string Printer::Namespaces(const NamespaceClause& clause) {
  std::string text = "namespaces";
  if (!clause.names.empty()) text += " " + Strings(clause.names);
  if (!clause.labels.empty()) text += " where " + LabelTerms(clause.labels);
  if (!clause.cluster_labels.empty()) {
    text += " on clusters where " + LabelTerms(clause.cluster_labels);
  }
  text += Clusters(clause.clusters);
  return text + (clause.without_policy ? " without policy" : "");
}

void Printer::Share(Page& page, const ShareClause& clause, const std::string& word) {
  std::string head = word;
  if (clause.all_workspaces) {
    head += " all";
  } else if (!clause.workspace_labels.empty()) {
    head += " workspaces where " + LabelTerms(clause.workspace_labels);
  } else {
    std::vector<std::string> names;
    for (const Name& name : clause.workspaces) names.push_back(name.value);
    head += " " + ListOf(names);
  }
  if (clause.transitive) head += " transitive";
  if (clause.resources.empty()) {
    page.Line(head);
    return;
  }
  page.Open(head);
  for (const SharedResource& resource : clause.resources) page.Line(TextOf(resource));
  page.Close();
}

void Printer::Workspace(Page& page, const WorkspaceDecl& d) {
  page.Gap();
  Comments(page, d.header.span);
  page.Open("workspace " + d.header.name.value);
  Labels(page, d.header.labels);
  for (const NamespaceClause& clause : d.namespaces) page.Line(Namespaces(clause));
  for (const ShareClause& clause : d.exports) Share(page, clause, "export to");
  for (const ShareClause& clause : d.imports) Share(page, clause, "import from");
  if (d.imports_nothing) page.Line("import nothing");
  if (d.isolate) {
    page.Open("isolate");
    if (d.isolate->mtls) page.Line("mtls " + TextOf(d.isolate->mtls->value));
    if (d.isolate->trim) page.Line("trim proxies");
    page.Close();
  }
  if (d.mtls) page.Line("mtls " + TextOf(d.mtls->value));
  if (d.trim) page.Line(PrintItem({.value = *d.trim}));
  for (const EastWest& item : d.east_west) EastWestOf(page, item);
  page.Close();
}

}  // namespace weft::dsl
