// Destinations of routes and mirrors: references to services, virtual destinations and external
// services.
#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

// "v2" for {version: v2}; all values in key order where there are several.
std::string SubsetName(const std::vector<dsl::LabelTerm>& labels) {
  std::string name;
  for (const dsl::LabelTerm& term : labels) name += (name.empty() ? "" : "-") + term.value.value;
  return Identifier(name);
}

// Declares the subset on the service, which is declared for it.
std::string DeclareSubset(Reading& r, const Ref& ref, const std::vector<dsl::LabelTerm>& labels,
                          Span span) {
  const std::pair<std::string, std::string> key{ref.ns, ref.name};
  auto at = r.services.find(key);
  if (at == r.services.end()) {
    dsl::ServiceDecl decl;
    decl.header.name = {ref.name, ref.span};
    decl.header.span = ref.span;
    decl.header.owner = r.OwnerAnywhere(ref.ns);
    decl.header.owner_span = ref.span;
    decl.in_namespace = {ref.ns, ref.span};
    at = r.services.emplace(key, std::move(decl)).first;
  }
  std::string name = SubsetName(labels);
  for (int i = 2;; ++i) {
    bool clash = false;
    for (const dsl::SubsetDecl& subset : at->second.subsets) {
      if (subset.name.value != name) continue;
      if (ToLabels(subset.labels) == ToLabels(labels)) return name;
      clash = true;
    }
    if (!clash) break;
    name = SubsetName(labels) + "-" + std::to_string(i);
  }
  at->second.subsets.push_back({.name = {name, span}, .labels = labels, .items = {}, .span = span});
  return name;
}

std::optional<dsl::QName> FindDeclared(Reading& r, const std::string& kind, const Ref& ref,
                                       const Object& from) {
  const Object* object = r.Find(kind, ref);
  if (object != nullptr) return r.Named(*object, r.NameOf(*object), from.owner, ref.span);
  std::vector<std::string> known;
  for (const Object* other : r.OfKind(kind)) known.push_back(other->name);
  Diagnostic& d = r.diagnostics.Error(codes::kDangling, ref.span,
                                      "there is no " + kind + " `" + ref.ns + "/" + ref.name +
                                          "` in cluster `" + ref.cluster + "`");
  const std::string near = NearestName(ref.name, known);
  if (!near.empty() && near != ref.name) d.help = "did you mean `" + near + "`?";
  return std::nullopt;
}

// A service of another cluster is reached by its federated host only.
std::optional<dsl::QName> FindService(Reading& r, const Ref& ref, const Object& from,
                                      const std::vector<dsl::LabelTerm>& subset) {
  if (ref.cluster_given && ref.cluster != from.cluster) {
    const auto federated = r.federated.find({ref.cluster, ref.ns, ref.name});
    if (federated != r.federated.end() && subset.empty()) {
      dsl::QName name;
      if (federated->second.first != from.owner) {
        name.parts.push_back({federated->second.first, ref.span});
      }
      name.parts.push_back({federated->second.second, ref.span});
      name.span = ref.span;
      return name;
    }
  }
  dsl::QName name = r.Service(ref.name, ref.ns, ref.span);
  if (!subset.empty()) {
    name.parts.push_back({DeclareSubset(r, ref, subset, ref.span), ref.span});
  }
  return name;
}

}  // namespace

std::optional<dsl::Target> Reading::ReadTarget(const View& view, const Object& from) {
  const View ref_view = view["ref"];
  const Ref ref = ReadRef(ref_view, from);
  const std::string kind = view.Text("kind");
  const std::vector<dsl::LabelTerm> subset = view.LabelsOf("subset");
  dsl::Target target{.name = {}, .port = {}, .weight = {}, .span = view.span()};
  if (ref.name.empty()) {
    diagnostics.Error(codes::kBadCombination, view.span(), "a destination needs `ref.name`");
    return std::nullopt;
  }
  if (view.Has("subset") && subset.empty()) {
    diagnostics.Error(codes::kBadCombination, view["subset"].span(),
                      "an empty `subset` selects nothing; leave it out");
  }
  const bool declared = kind == "VIRTUAL_DESTINATION" || kind == "EXTERNAL_SERVICE";
  const std::string what = kind == "VIRTUAL_DESTINATION" ? "VirtualDestination" : "ExternalService";
  targets[view.span()] = {.kind = kind.empty() ? "SERVICE" : kind,
                          .ref = ref,
                          .object = declared ? Find(what, ref) : nullptr};
  std::optional<dsl::QName> name;
  if (declared) {
    if (!subset.empty()) {
      diagnostics.Error(codes::kNotKept, view["subset"].span(),
                        "a subset of a " + kind + " cannot be kept: name the service behind it");
    }
    name = FindDeclared(*this, what, ref, from);
  } else if (kind == "CLOUD_PROVIDER") {
    diagnostics.Error(codes::kRefusedField, view["kind"].span(),
                      "cloud functions are outside of weft; reach the function as an "
                      "ExternalService of its URL");
  } else {
    name = FindService(*this, ref, from, subset);
  }
  target.port = ReadPort(
      view["port"], [&](const std::string&, const std::string& ns, const std::string& service,
                        const DiscoveredService&) { return ns == ref.ns && service == ref.name; });
  if (const auto weight = view.Int("weight")) {
    target.weight = dsl::Percent{static_cast<double>(weight->value), weight->span};
  }
  if (!name) return std::nullopt;
  target.name = std::move(*name);
  return target;
}

}  // namespace weft::gloo
