// What policies apply to: routes, destinations, workloads.
#include <algorithm>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

void Append(std::optional<Selections>& into, dsl::Selection selection) {
  if (!into) {
    into = Selections{std::move(selection), {}};
  } else {
    into->more.push_back(std::move(selection));
  }
}

dsl::Selection All(Span span) {
  dsl::Selection selection;
  selection.span = span;
  selection.all = true;
  return selection;
}

// A policy acts on its own workspace; a selector for another one selects nothing.
bool IsElsewhere(Reading& r, const View& selector, const Object& object) {
  const std::optional<dsl::Str> workspace = selector.String("workspace");
  if (!workspace || workspace->value == object.owner) return false;
  r.diagnostics.Warning(codes::kNoEffect, workspace->span,
                        "a policy acts on its own workspace `" + object.owner + "` only");
  return true;
}

// Labels that mark the routes which lead to the selected destinations: a route has no other trace
// of where it leads that a selection could ask for.
std::vector<dsl::LabelTerm> MarkRoutes(Reading& r, const View& destinations, const Object& object) {
  const dsl::LabelTerm mark{
      {"weft.dev/leads-to", destinations.span()},
      {KebabCase(object.kind->kind) + "-" + object.name, destinations.span()}};
  const View selector = destinations["selector"];
  destinations["port"].TakeAll();
  const std::string kind = destinations.Text("kind");
  for (const std::string_view field : {"name", "namespace", "cluster", "workspace"}) {
    (void)selector.Text(field);
  }
  r.marks.push_back({.object = &object,
                     .kind = kind.empty() ? "SERVICE" : kind,
                     .name = selector.Text("name"),
                     .ns = selector.Text("namespace"),
                     .labels = ToLabels(selector.LabelsOf("labels")),
                     .mark = mark});
  return {mark};
}

dsl::Selection ReadObjectSelector(Reading& r, const View& selector, Kinds kind) {
  dsl::Selection selection;
  selection.span = selector.span();
  selection.labels = selector.LabelsOf("labels");
  const std::optional<dsl::Str> name = selector.String("name");
  const std::optional<dsl::Str> ns = selector.String("namespace");
  if (name && kind == Kinds::kServices) {
    dsl::QName qname;
    qname.parts.push_back({ns ? name->value + "." + ns->value : name->value, name->span});
    qname.span = name->span;
    selection.names.push_back(std::move(qname));
  } else if (name) {
    const std::string_view what =
        kind == Kinds::kDestinations ? "VirtualDestination" : "ExternalService";
    for (const Object* target : r.OfKind(what)) {
      if (!SelectsObject(selector, *target)) continue;
      dsl::QName qname;
      qname.parts.push_back({r.NameOf(*target), name->span});
      qname.span = name->span;
      selection.names.push_back(std::move(qname));
    }
    if (selection.names.empty()) {
      selection.labels.push_back({{"weft.dev/none", name->span}, *name});
    }
  }
  if (kind == Kinds::kServices) {
    if (!name) selection.in_namespace = ns;
    selection.clusters = Reading::OneName(selector.String("cluster"));
  } else if (!name) {
    r.AddPlace(selector, selection.labels);
  } else {
    (void)selector.Text("cluster");
  }
  if (selection.labels.empty() && selection.names.empty()) selection.all = true;
  return selection;
}

// Workspaces that the workspace imports from.
std::vector<std::string> ImportedFrom(const Reading& r, const std::string& owner) {
  std::vector<std::string> found;
  for (const dsl::WorkspaceDecl& decl : r.program.workspaces) {
    if (decl.header.name.value != owner) continue;
    for (const auto& [other, info] : r.workspaces) {
      const bool imported = std::any_of(
          decl.imports.begin(), decl.imports.end(), [&, name = other](const dsl::ShareClause& c) {
            return c.all_workspaces || !c.workspace_labels.empty() ||
                   std::any_of(c.workspaces.begin(), c.workspaces.end(),
                               [&](const dsl::Name& n) { return n.value == name; });
          });
      if (imported && other != owner) found.push_back(other);
    }
  }
  return found;
}

bool SelectsNamed(const dsl::Selection& selection, const std::string& name, const std::string& ns,
                  const Labels& labels) {
  const bool named =
      selection.names.empty() ||
      std::any_of(selection.names.begin(), selection.names.end(), [&](const dsl::QName& q) {
        const std::string& text = q.parts.back().value;
        return text == name || text == name + "." + ns;
      });
  const bool here = !selection.in_namespace || selection.in_namespace->value == ns;
  return named && here && SelectsLabels(ToLabels(selection.labels), labels);
}

// Something of the workspace is selected.
bool SelectsIn(const Reading& r, const dsl::Selection& selection, Kinds kind,
               const std::string& workspace) {
  const auto declared = [&](const auto& decls) {
    return std::any_of(decls.begin(), decls.end(), [&](const auto& decl) {
      return decl.header.owner == workspace &&
             SelectsNamed(selection, decl.header.name.value, "", ToLabels(decl.header.labels));
    });
  };
  if (kind == Kinds::kDestinations) return declared(r.program.destinations);
  if (kind == Kinds::kExternals) return declared(r.program.externals);
  const std::vector<const Reading::Found*>& services = r.ServicesOf(workspace);
  return std::any_of(services.begin(), services.end(), [&](const Reading::Found* service) {
    const auto& [key, facts] = *service;
    return SelectsNamed(selection, key.second, key.first, facts.labels);
  });
}

std::string_view KindWord(Kinds kind) {
  switch (kind) {
    case Kinds::kServices:
      return "SERVICE";
    case Kinds::kDestinations:
      return "VIRTUAL_DESTINATION";
    case Kinds::kExternals:
      return "EXTERNAL_SERVICE";
  }
  return "";
}

Kinds KindOf(const std::string& text) {
  if (text == "VIRTUAL_DESTINATION") return Kinds::kDestinations;
  if (text == "EXTERNAL_SERVICE") return Kinds::kExternals;
  return Kinds::kServices;
}

std::optional<Selections>& Slot(DestinationSelections& selections, Kinds kind) {
  switch (kind) {
    case Kinds::kServices:
      return selections.services;
    case Kinds::kDestinations:
      return selections.destinations;
    case Kinds::kExternals:
      return selections.externals;
  }
  return selections.services;
}

}  // namespace

std::optional<Selections> ReadRouteSelectors(Reading& r, const View& spec, const Object& object,
                                             bool empty_is_all) {
  std::optional<Selections> result;
  const std::vector<View> selectors = spec.List("applyToRoutes");
  if (selectors.empty() && empty_is_all) Append(result, All(object.span));
  for (const View& view : selectors) {
    if (const View destinations = view["withDestinations"]) {
      dsl::Selection selection;
      selection.span = destinations.span();
      selection.labels = MarkRoutes(r, destinations, object);
      Append(result, std::move(selection));
      continue;
    }
    const View route = view["route"];
    if (IsElsewhere(r, route, object)) continue;
    dsl::Selection selection;
    selection.span = route ? route.span() : view.span();
    selection.labels = route.LabelsOf("labels");
    r.AddPlace(route, selection.labels);
    if (selection.labels.empty()) selection.all = true;
    Append(result, std::move(selection));
  }
  return result;
}

DestinationSelections ReadDestinationSelectors(Reading& r, const View& spec, const Object& object,
                                               const std::set<Kinds>& allowed, bool empty_is_all,
                                               bool of_callers) {
  DestinationSelections result;
  const std::vector<View> selectors = spec.List("applyToDestinations");
  if (selectors.empty() && empty_is_all) {
    for (const Kinds kind : allowed) Append(Slot(result, kind), All(object.span));
  }
  for (const View& view : selectors) {
    const Kinds kind = KindOf(view.Text("kind"));
    const View selector = view["selector"];
    if (!allowed.contains(kind)) {
      const Span span = view.Has("kind") ? view["kind"].span() : view.span();
      r.diagnostics.Error(codes::kBadCombination, span,
                          object.kind->kind + " does not apply to " + std::string(KindWord(kind)) +
                              (view.Has("kind") ? "" : ", which is what `kind` means when absent"));
      selector.TakeAll();
      view["port"].TakeAll();
      continue;
    }
    if (!of_callers && IsElsewhere(r, selector, object)) continue;
    dsl::Selection selection = ReadObjectSelector(r, selector, kind);
    if (!selection.span.IsKnown()) selection.span = view.span();
    const std::optional<dsl::Str> workspace = selector.String("workspace");
    if (workspace && workspace->value != object.owner) selection.workspace = workspace;
    selection.port =
        r.ReadPort(view["port"], [&](const std::string& cluster, const std::string& ns,
                                     const std::string& name, const DiscoveredService& service) {
          const Object probe{.kind = nullptr,
                             .cluster = cluster,
                             .ns = ns,
                             .name = name,
                             .labels = service.labels,
                             .owner = object.owner};
          return SelectsObject(selector, probe);
        });
    if (of_callers && !selection.workspace && !selection.all) {
      for (const std::string& from : ImportedFrom(r, object.owner)) {
        if (!SelectsIn(r, selection, kind, from)) continue;
        dsl::Selection shared = selection;
        shared.workspace = dsl::Name{from, selection.span};
        Append(Slot(result, kind), std::move(shared));
      }
    }
    Append(Slot(result, kind), std::move(selection));
  }
  return result;
}

std::optional<Selections> ReadWorkloadSelectors(Reading& r, const View& spec, const Object& object,
                                                bool empty_is_all) {
  std::optional<Selections> result;
  const std::vector<View> selectors = spec.List("applyToWorkloads");
  if (selectors.empty() && empty_is_all) Append(result, All(object.span));
  for (const View& view : selectors) {
    if (view.Text("kind") == "VM") {
      r.diagnostics.Error(codes::kNotKept, view["kind"].span(),
                          "policies for virtual machines cannot be kept");
      continue;
    }
    const View selector = view["selector"];
    if (IsElsewhere(r, selector, object)) continue;
    dsl::Selection selection;
    selection.span = selector ? selector.span() : view.span();
    selection.labels = selector.LabelsOf("labels");
    if (const auto name = selector.String("name")) {
      dsl::QName qname;
      qname.parts.push_back({name->value, name->span});
      qname.span = name->span;
      selection.names.push_back(std::move(qname));
    }
    selection.in_namespace = selector.String("namespace");
    selection.clusters = Reading::OneName(selector.String("cluster"));
    selection.port = view["port"].Port("number");
    if (selection.labels.empty() && selection.names.empty()) selection.all = true;
    Append(result, std::move(selection));
  }
  return result;
}

}  // namespace weft::gloo
