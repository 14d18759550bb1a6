// Exports met by imports: what each workspace shares with which other.
#include <algorithm>

#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

using dsl::ResourceKind;

bool ClauseNames(Lowering& l, const dsl::ShareClause& clause, WorkspaceId other) {
  if (clause.all_workspaces) return true;
  const std::string& name = l.NameOf(other);
  for (const dsl::Name& named : clause.workspaces) {
    if (named.value == name) return true;
  }
  if (clause.workspace_labels.empty()) return false;
  for (const dsl::WorkspaceDecl& decl : l.program.workspaces) {
    if (decl.header.name.value != name) continue;
    return Selects(ToLabels(clause.workspace_labels), ToLabels(decl.header.labels));
  }
  return false;
}

struct Resource {
  ResourceKind kind;
  std::string name;
  const Labels* labels;
  std::string ns;  // of a service; "" for what belongs to no namespace
};

bool Names(const dsl::QName& name, const Resource& resource) {
  if (name.IsQuoted()) return name.parts[0].value == resource.name + "." + resource.ns;
  return name.parts.back().value == resource.name;
}

// The span of the part of the clause that shares the resource; nullopt when none does.
std::optional<Span> Shares(const dsl::ShareClause& clause, const Resource& resource) {
  if (clause.resources.empty()) return clause.span;
  for (const dsl::SharedResource& shared : clause.resources) {
    const bool tables =
        resource.kind == ResourceKind::kTable &&
        (shared.kind == ResourceKind::kRoute || shared.kind == ResourceKind::kTable);
    if (shared.kind != ResourceKind::kAll && shared.kind != resource.kind && !tables) continue;
    const dsl::Selection& selection = shared.selection;
    const bool named = selection.names.empty() ||
                       std::any_of(selection.names.begin(), selection.names.end(),
                                   [&](const dsl::QName& name) { return Names(name, resource); });
    if (selection.in_namespace && selection.in_namespace->value != resource.ns) continue;
    if (named && Selects(ToLabels(selection.labels), *resource.labels)) return shared.span;
  }
  return std::nullopt;
}

const dsl::WorkspaceDecl* DeclOf(const Lowering& l, WorkspaceId id) {
  for (const dsl::WorkspaceDecl& decl : l.program.workspaces) {
    if (decl.header.name.value == l.NameOf(id)) return &decl;
  }
  return nullptr;
}

std::vector<Grant> GrantsOf(Lowering& l, WorkspaceId owner, const Resource& resource) {
  std::vector<Grant> grants;
  const dsl::WorkspaceDecl* exporter = owner.IsNone() ? nullptr : DeclOf(l, owner);
  if (exporter == nullptr) return grants;
  for (const dsl::ShareClause& clause : exporter->exports) {
    const std::optional<Span> shared = Shares(clause, resource);
    if (!shared) continue;
    for (std::uint32_t i = 0; i < l.model.workspaces.size(); ++i) {
      const WorkspaceId to{i};
      if (to == owner || !ClauseNames(l, clause, to)) continue;
      const dsl::WorkspaceDecl* importer = DeclOf(l, to);
      const bool imported =
          (importer->imports.empty() && !importer->imports_nothing) ||
          std::any_of(importer->imports.begin(), importer->imports.end(),
                      [&](const dsl::ShareClause& import) {
                        return ClauseNames(l, import, owner) && Shares(import, resource);
                      });
      if (imported) grants.push_back({to, *shared});
    }
  }
  std::sort(grants.begin(), grants.end());
  grants.erase(std::unique(grants.begin(), grants.end(),
                           [](const Grant& a, const Grant& b) { return a.to == b.to; }),
               grants.end());
  return grants;
}

bool Exists(const Lowering& l, WorkspaceId owner, ResourceKind kind, const std::string& name) {
  if (kind == ResourceKind::kRoute || kind == ResourceKind::kTable) {
    return l.tables.contains({owner, name});
  }
  const auto at = l.targets.find({owner, name});
  if (at == l.targets.end()) return kind == ResourceKind::kAll && l.tables.contains({owner, name});
  switch (kind) {
    case ResourceKind::kService:
      return std::holds_alternative<ServiceId>(at->second);
    case ResourceKind::kDestination:
      return std::holds_alternative<DestinationId>(at->second);
    case ResourceKind::kExternal:
      return std::holds_alternative<ExternalId>(at->second);
    case ResourceKind::kAll:
    case ResourceKind::kRoute:
    case ResourceKind::kTable:
    case ResourceKind::kWorkload:
      return true;
  }
  return false;
}

std::vector<std::string> NamesOf(const Lowering& l, WorkspaceId owner) {
  std::vector<std::string> names;
  for (const auto& [key, id] : l.targets) {
    if (key.first == owner) names.push_back(key.second);
  }
  for (const auto& [key, id] : l.tables) {
    if (key.first == owner) names.push_back(key.second);
  }
  return names;
}

// Every workspace and every resource a clause names must exist.
void CheckClause(Lowering& l, const dsl::ShareClause& clause, WorkspaceId self, bool is_export) {
  for (const dsl::Name& name : clause.workspaces) {
    const WorkspaceId other = l.Workspace(name);
    if (other.IsNone()) continue;
    const WorkspaceId owner = is_export ? self : other;
    for (const dsl::SharedResource& shared : clause.resources) {
      for (const dsl::QName& resource : shared.selection.names) {
        const std::string& text = resource.parts.back().value;
        if (resource.IsQuoted()) {
          (void)l.QuotedTarget(resource);
          continue;
        }
        if (Exists(l, owner, shared.kind, text)) continue;
        Diagnostic& d = l.diagnostics.Error(
            codes::kUnknownWorkload, resource.span,
            "workspace `" + l.NameOf(owner) + "` has no such `" + text + "` to share");
        const std::string near = NearestName(text, NamesOf(l, owner));
        if (near.empty()) continue;
        d.help = "did you mean `" + near + "`?";
        d.edit = Edit{resource.span, near};
      }
    }
  }
}

}  // namespace

void LowerGrants(Lowering& l) {
  for (const dsl::WorkspaceDecl& decl : l.program.workspaces) {
    const WorkspaceId self = l.workspaces[decl.header.name.value];
    for (const dsl::ShareClause& clause : decl.exports) CheckClause(l, clause, self, true);
    for (const dsl::ShareClause& clause : decl.imports) CheckClause(l, clause, self, false);
    Workspace& workspace = l.model.workspaces[self.index()];
    for (const dsl::ShareClause& clause : decl.exports) {
      for (std::uint32_t i = 0; i < l.model.workspaces.size(); ++i) {
        if (WorkspaceId{i} != self && ClauseNames(l, clause, {i})) {
          workspace.exports_to.emplace_back(WorkspaceId{i}, clause.span);
        }
      }
    }
  }
  for (Service& s : l.model.services) {
    s.grants = GrantsOf(l, s.workspace, {ResourceKind::kService, s.name, &s.labels, s.ns});
  }
  for (External& e : l.model.externals) {
    e.grants = GrantsOf(l, e.workspace, {ResourceKind::kExternal, e.name, &e.labels, ""});
  }
  for (Destination& d : l.model.destinations) {
    d.grants = GrantsOf(l, d.workspace, {ResourceKind::kDestination, d.name, &d.labels, ""});
  }
  for (Table& t : l.model.tables) {
    t.grants = GrantsOf(l, t.workspace, {ResourceKind::kTable, t.name, &t.labels, ""});
    if (!t.on_sidecars) continue;
    t.sidecars_of.push_back(t.workspace);
    for (const Grant& grant : t.grants) t.sidecars_of.push_back(grant.to);
  }
}

}  // namespace weft::engine
