// What workspaces export and import.
#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

// What one entry of `workspaces` stands for.
struct Partners {
  std::vector<dsl::Name> names;
  bool all = false;
  std::vector<std::vector<dsl::LabelTerm>> labels;
};

void AddPartner(Reading& r, const View& entry, const std::string& self, Partners& partners) {
  const std::optional<dsl::Str> name = entry.String("name");
  const std::vector<dsl::LabelTerm> labels = entry.LabelsOf("selector");
  if (!name && labels.empty()) {
    partners.all = true;
    return;
  }
  if (!name) {
    partners.labels.push_back(labels);
    return;
  }
  if (name->value == "*" && labels.empty()) {
    partners.all = true;
    return;
  }
  bool any = false;
  for (const auto& [workspace, info] : r.workspaces) {
    if (!GlobMatches(name->value, workspace)) continue;
    if (!SelectsLabels(ToLabels(labels), info.object->labels)) continue;
    any = true;
    if (workspace != self) partners.names.push_back({workspace, name->span});
  }
  if (any) return;
  std::vector<std::string> known;
  for (const auto& [workspace, info] : r.workspaces) known.push_back(workspace);
  Diagnostic& d = r.diagnostics.Warning(codes::kDangling, name->span,
                                        "there is no workspace `" + name->value + "`");
  const std::string near = NearestName(name->value, known);
  if (!near.empty()) d.help = "did you mean `" + near + "`?";
}

std::optional<dsl::ResourceKind> ResourceKindOf(const std::string& kind) {
  if (kind.empty() || kind == "ALL") return dsl::ResourceKind::kAll;
  if (kind == "ROUTE_TABLE") return dsl::ResourceKind::kTable;
  if (kind == "SERVICE") return dsl::ResourceKind::kService;
  if (kind == "VIRTUAL_DESTINATION") return dsl::ResourceKind::kDestination;
  if (kind == "EXTERNAL_SERVICE") return dsl::ResourceKind::kExternal;
  return std::nullopt;
}

std::string_view KindName(dsl::ResourceKind kind) {
  switch (kind) {
    case dsl::ResourceKind::kRoute:
    case dsl::ResourceKind::kTable:
      return "RouteTable";
    case dsl::ResourceKind::kDestination:
      return "VirtualDestination";
    case dsl::ResourceKind::kExternal:
      return "ExternalService";
    case dsl::ResourceKind::kAll:
    case dsl::ResourceKind::kService:
    case dsl::ResourceKind::kWorkload:
      return "";
  }
  return "";
}

// Names of the objects of a kind that are called so, in the workspaces that share them.
void AddResourceNames(Reading& r, dsl::ResourceKind kind, const dsl::Str& name,
                      const std::string& ns, dsl::Selection& selection) {
  if (kind == dsl::ResourceKind::kService) {
    dsl::QName qname;
    qname.parts.push_back({ns.empty() ? name.value : name.value + "." + ns, name.span});
    qname.span = name.span;
    selection.names.push_back(std::move(qname));
    return;
  }
  for (const Object* object : r.OfKind(KindName(kind))) {
    if (object->name != name.value || (!ns.empty() && object->ns != ns)) continue;
    const std::string& weft = r.NameOf(*object);
    dsl::QName qname;
    qname.parts.push_back({weft, name.span});
    qname.span = name.span;
    const bool known = std::any_of(selection.names.begin(), selection.names.end(),
                                   [&](const dsl::QName& q) { return q.Text() == weft; });
    if (!known) selection.names.push_back(std::move(qname));
  }
}

void AddResource(Reading& r, const View& view, dsl::ResourceKind kind,
                 std::vector<dsl::SharedResource>& resources) {
  dsl::SharedResource shared{.kind = kind, .span = view.span()};
  shared.selection.span = view.span();
  shared.selection.labels = view.LabelsOf("labels");
  const std::optional<dsl::Str> ns = view.String("namespace");
  const std::optional<dsl::Str> name = view.String("name");
  if (name) {
    AddResourceNames(r, kind, *name, ns ? ns->value : "", shared.selection);
    if (shared.selection.names.empty()) return;
  }
  if (kind == dsl::ResourceKind::kService) {
    if (ns && !name) shared.selection.in_namespace = ns;
    shared.selection.clusters = Reading::OneName(view.String("cluster"));
  } else {
    r.AddPlace(view, shared.selection.labels);
  }
  if (shared.selection.labels.empty() && shared.selection.names.empty() &&
      !shared.selection.in_namespace) {
    shared.selection.all = true;
  }
  resources.push_back(std::move(shared));
}

std::vector<dsl::SharedResource> ReadResources(Reading& r, const View& entry) {
  using dsl::ResourceKind;
  std::vector<dsl::SharedResource> resources;
  for (const View& view : entry.List("resources")) {
    const std::optional<ResourceKind> kind = ResourceKindOf(view.Text("kind"));
    (void)view.LabelsOf("labels");
    if (!kind) continue;
    const bool placed = view.Has("namespace") || view.Has("name") || view.Has("cluster");
    if (*kind != ResourceKind::kAll || !placed) {
      AddResource(r, view, *kind, resources);
      continue;
    }
    for (const ResourceKind each : {ResourceKind::kService, ResourceKind::kTable,
                                    ResourceKind::kDestination, ResourceKind::kExternal}) {
      AddResource(r, view, each, resources);
    }
  }
  return resources;
}

}  // namespace

void ReadShares(Reading& r, const View& spec, std::string_view field, const std::string& self,
                std::vector<dsl::ShareClause>& clauses) {
  for (const View& entry : spec.List(field)) {
    Partners partners;
    for (const View& workspace : entry.List("workspaces")) AddPartner(r, workspace, self, partners);
    const std::vector<dsl::SharedResource> resources = ReadResources(r, entry);
    if (entry.Has("resources") && resources.empty()) continue;
    const auto add = [&](dsl::ShareClause clause) {
      clause.resources = resources;
      clause.span = entry.span();
      clauses.push_back(std::move(clause));
    };
    if (partners.all) {
      dsl::ShareClause clause;
      clause.all_workspaces = true;
      add(std::move(clause));
      continue;
    }
    if (!partners.names.empty()) {
      dsl::ShareClause clause;
      clause.workspaces = partners.names;
      add(std::move(clause));
    }
    for (const std::vector<dsl::LabelTerm>& labels : partners.labels) {
      dsl::ShareClause clause;
      clause.workspace_labels = labels;
      add(std::move(clause));
    }
  }
}

}  // namespace weft::gloo
