#include "emit/diff.h"

#include <set>
#include <tuple>

#include "dsl/edited_lines.h"

namespace weft::emit {
namespace {

using Key = std::tuple<std::string, std::string, std::string>;  // namespace, kind, name

std::map<Key, const Object*> ObjectsOf(const ClusterObjects& clusters, const std::string& cluster) {
  std::map<Key, const Object*> objects;
  const auto at = clusters.find(cluster);
  if (at == clusters.end()) return objects;
  for (const Object& object : at->second) {
    objects[{object.ns, object.kind, object.name}] = &object;
  }
  return objects;
}

bool Same(const Object& a, const Object& b) {
  return a.api_version == b.api_version && a.labels == b.labels && a.spec == b.spec &&
         a.data == b.data;
}

std::string TextOf(const Object& object) {
  Object bare = object;
  bare.annotations.clear();
  return ToYaml(bare);
}

}  // namespace

std::map<std::string, std::vector<ObjectChange>> DiffObjects(const ClusterObjects& before,
                                                             const ClusterObjects& after) {
  std::set<std::string> clusters;
  for (const auto& [cluster, objects] : before) clusters.insert(cluster);
  for (const auto& [cluster, objects] : after) clusters.insert(cluster);
  std::map<std::string, std::vector<ObjectChange>> changes;
  for (const std::string& cluster : clusters) {
    const std::map<Key, const Object*> was = ObjectsOf(before, cluster);
    const std::map<Key, const Object*> now = ObjectsOf(after, cluster);
    std::map<Key, ObjectChange> found;
    const auto add = [&](const Key& key, ObjectChange::Kind kind, std::string difference) {
      const auto& [ns, object_kind, name] = key;
      found[key] = {kind, object_kind, ns, name, std::move(difference)};
    };
    for (const auto& [key, object] : was) {
      const auto other = now.find(key);
      if (other == now.end()) {
        add(key, ObjectChange::Kind::kRemoved, "");
      } else if (!Same(*object, *other->second)) {
        add(key, ObjectChange::Kind::kChanged,
            UnifiedDiff(TextOf(*object), TextOf(*other->second)));
      }
    }
    for (const auto& [key, object] : now) {
      if (!was.contains(key)) add(key, ObjectChange::Kind::kAdded, "");
    }
    for (auto& [key, change] : found) changes[cluster].push_back(std::move(change));
  }
  return changes;
}

}  // namespace weft::emit
