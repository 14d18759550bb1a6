#include "dsl/gloo/read.h"

#include <algorithm>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"
#include "dsl/overloaded.h"

namespace weft::gloo {
namespace {

// ---- what nobody read

class Unread {
 public:
  Unread(const Reading& r, const Object& object) : r_(r), object_(object) {}

  void Walk(const yaml::Node& node, const Message& message) {
    for (const yaml::Node::Entry& entry : node.entries) {
      const Field* field = message.Find(entry.key);
      if (field == nullptr || field->fate != Fate::kUsed || entry.value.IsNull()) continue;
      if (!r_.read.contains(&entry.value)) {
        r_.diagnostics.Error(codes::kNotKept, entry.key_span,
                             "`" + entry.key + "` of this " + object_.kind->kind +
                                 " cannot be kept: " + Why(*field));
        continue;
      }
      if (field->scalar != Scalar::kMessage) continue;
      const Message& below = TheSchema().messages.at(field->of);
      switch (field->shape) {
        case Shape::kOne:
          Walk(entry.value, below);
          break;
        case Shape::kList:
          for (const yaml::Node& item : entry.value.items) Walk(item, below);
          break;
        case Shape::kMap:
          for (const yaml::Node::Entry& item : entry.value.entries) Walk(item.value, below);
          break;
      }
    }
  }

 private:
  static std::string Why(const Field& field) {
    return field.note.empty() || field.note == "see below"
               ? "nothing in weft says it here"
               : "it stands where weft has no place for " + field.note;
  }

  const Reading& r_;
  const Object& object_;
};

// ---- labels of places

bool IsPlace(const dsl::LabelTerm& term) {
  return term.key.value == "weft.dev/namespace" || term.key.value == "weft.dev/cluster";
}

// Where no selection asks for namespaces or clusters, the labels that tell them are left out.
void DropPlaces(dsl::Program& program) {
  const auto drop = [](auto& declarations) {
    for (auto& declaration : declarations) std::erase_if(declaration.header.labels, IsPlace);
  };
  drop(program.routes);
  drop(program.destinations);
  drop(program.externals);
  drop(program.gateways);
}

// ---- marks of routes

bool Leads(const Reading& r, const TargetFact& fact, const RouteMark& mark) {
  if (fact.kind != mark.kind) return false;
  if (!mark.name.empty() && mark.name != fact.ref.name) return false;
  if (!mark.ns.empty() && mark.ns != fact.ref.ns) return false;
  if (mark.labels.empty()) return true;
  if (fact.object != nullptr) return SelectsLabels(mark.labels, fact.object->labels);
  return std::any_of(
      r.discovered.clusters.begin(), r.discovered.clusters.end(), [&](const auto& c) {
        const auto at = c.second.services.find({fact.ref.ns, fact.ref.name});
        return at != c.second.services.end() && SelectsLabels(mark.labels, at->second.labels);
      });
}

void MarkRule(const Reading& r, const std::string& owner, dsl::RouteRule& rule) {
  const auto* forward = std::get_if<dsl::ForwardAction>(&rule.action);
  if (forward == nullptr) return;
  for (const RouteMark& mark : r.marks) {
    if (mark.object->owner != owner) continue;
    const bool leads =
        std::any_of(forward->to.begin(), forward->to.end(), [&](const dsl::Target& target) {
          const auto fact = r.targets.find(target.span);
          return fact != r.targets.end() && Leads(r, fact->second, mark);
        });
    if (leads) rule.labels.push_back(mark.mark);
  }
}

void MarkRoutes(Reading& r) {
  if (r.marks.empty()) return;
  for (dsl::RouteDecl& route : r.program.routes) {
    for (dsl::RouteRule& rule : route.rules) MarkRule(r, route.header.owner, rule);
  }
}

}  // namespace

void ReportUnread(Reading& r) {
  for (const Object& object : r.objects.all) {
    if (object.ignored || object.spec == nullptr) continue;
    Unread(r, object).Walk(*object.spec, TheSchema().messages.at(object.kind->message));
  }
}

void Reading::RankByAge(const Object& object, dsl::Item& item) const {
  if (object.created.empty()) return;
  const auto at = index().created.find({object.kind->kind, object.owner});
  if (at == index().created.end()) return;
  const auto younger = std::upper_bound(at->second.begin(), at->second.end(), object.created);
  item.priority = dsl::Number{at->second.end() - younger + 1, object.span};
  item.by_age = true;
}

dsl::Program Read(const std::vector<const Source*>& sources, const Discovered& discovered,
                  Diagnostics& diagnostics) {
  dsl::Program program;
  Reading r{.discovered = discovered, .diagnostics = diagnostics, .program = program};
  r.objects = ReadObjects(sources, diagnostics);
  FindWorkspaces(r);
  NameObjects(r);
  ReadLifecycles(r);
  ReadClusters(r);
  ReadWorkspaces(r);
  ReadExternals(r);
  ReadDestinations(r);
  ReadGateways(r);
  ReadAdmin(r);
  ReadRoutes(r);
  ReadAccess(r);
  ReadRoutePolicies(r);
  ReadDestinationPolicies(r);
  ReadIdentityPolicies(r);
  ReadLimitPolicies(r);
  ReadFilterPolicies(r);
  ReadProxyPolicies(r);
  MarkRoutes(r);
  ReportUnread(r);
  if (!r.places) DropPlaces(program);
  return program;
}

}  // namespace weft::gloo
