// Objects whose meaning is not read: they have to be those that weft makes of the policy.
#include <algorithm>
#include <set>

#include "prove/work.h"

namespace weft::prove {
namespace {

using emit::check::IstioObject;

bool SameNode(const yaml::Node& a, const yaml::Node& b) {
  if (a.kind != b.kind || a.text != b.text || a.items.size() != b.items.size() ||
      a.entries.size() != b.entries.size()) {
    return false;
  }
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!SameNode(a.items[i], b.items[i])) return false;
  }
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const yaml::Node::Entry& entry) {
    const yaml::Node* other = b.Find(entry.key);
    return other != nullptr && SameNode(entry.value, *other);
  });
}

// The first part of `given` that differs.
Span DifferenceIn(const yaml::Node& given, const yaml::Node& wanted) {
  for (const yaml::Node::Entry& entry : given.entries) {
    const yaml::Node* other = wanted.Find(entry.key);
    if (other == nullptr) return entry.key_span;
    if (!SameNode(entry.value, *other)) return DifferenceIn(entry.value, *other);
  }
  for (std::size_t i = 0; i < given.items.size() && i < wanted.items.size(); ++i) {
    if (!SameNode(given.items[i], wanted.items[i])) {
      return DifferenceIn(given.items[i], wanted.items[i]);
    }
  }
  return given.span;
}

bool IsUnread(const IstioObject& object) {
  static const std::set<std::string> kKinds = {"EnvoyFilter",   "ConfigMap", "Telemetry",
                                               "WorkloadEntry", "Gateway",   "ServiceEntry"};
  return kKinds.contains(object.kind);
}

class Reference {
 public:
  Reference(Work& work, const emit::check::Mesh& wanted) : work_(work), wanted_(wanted) {}

  void Run() {
    for (std::uint32_t c = 0; c < work_.model.clusters.size(); ++c) {
      CompareObjects({c});
      CompareConfig({c});
    }
  }

 private:
  void CompareObjects(engine::ClusterId cluster) {
    const std::string& name = work_.model[cluster].name;
    const auto wanted = wanted_.objects.find(name);
    if (wanted == wanted_.objects.end()) return;
    for (const IstioObject& object : wanted->second) {
      if (!IsUnread(object)) continue;
      const IstioObject* given = nullptr;
      for (const IstioObject* one : work_.index.In(cluster, object.kind, object.ns)) {
        if (one->name == object.name) given = one;
      }
      if (given == nullptr) {
        work_.Differs({.cluster = cluster,
                       .message = "there is no `" + Work::NameOf(object) +
                                  "`, which weft makes of " +
                                  (object.source.empty() ? "the policy" : object.source)});
      } else if (!SameNode(given->spec, object.spec)) {
        work_.Differs(
            {.cluster = cluster,
             .message = "`" + Work::NameOf(object) + "` is not the one weft makes of the policy",
             .object = given,
             .part = DifferenceIn(given->spec, object.spec)});
      }
    }
  }

  // MeshConfig is the installation's; it has to hold what the policy needs.
  void CompareConfig(engine::ClusterId cluster) {
    const std::string& name = work_.model[cluster].name;
    const auto wanted = wanted_.config.find(name);
    if (wanted == wanted_.config.end()) return;
    const auto given = work_.mesh.config.find(name);
    const yaml::Node* providers = wanted->second.Find("extensionProviders");
    if (providers == nullptr) return;
    const yaml::Node* known =
        given == work_.mesh.config.end() ? nullptr : given->second.Find("extensionProviders");
    for (const yaml::Node& provider : providers->items) {
      const bool there = known != nullptr && std::any_of(known->items.begin(), known->items.end(),
                                                         [&](const yaml::Node& one) {
                                                           return SameNode(one, provider);
                                                         });
      if (there) continue;
      work_.Differs({.cluster = cluster,
                     .message = "MeshConfig does not define `" + provider.StringOr("name", "") +
                                "` as the policy needs it"});
    }
  }

  Work& work_;
  const emit::check::Mesh& wanted_;
};

}  // namespace

void CompareWithReference(Work& work, const emit::check::Mesh* reference) {
  for (std::uint32_t c = 0; c < work.model.clusters.size(); ++c) {
    const auto objects = work.mesh.objects.find(work.model.clusters[c].name);
    if (objects == work.mesh.objects.end()) continue;
    for (const IstioObject& object : objects->second) {
      if (object.kind != "EnvoyFilter" || object.ours) continue;
      work.Undecided({c}, &object, object.span, {},
                     "an EnvoyFilter that weft did not write may change anything");
    }
  }
  if (reference != nullptr) Reference(work, *reference).Run();
}

}  // namespace weft::prove
