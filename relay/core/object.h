// Objects as the relay moves them, and sets of objects named by one root.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dsl/result.h"
#include "relay/core/digest.h"

namespace weft::relay {

// Identity of a Kubernetes object. `kind` is as kubectl writes it: "VirtualService.networking.
// istio.io", "Service" for the core group. Sorted by kind, namespace, name.
struct ObjectKey {
  std::string kind;
  std::string ns;  // "" for cluster-scoped objects
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

// "VirtualService.networking.istio.io shop/reviews", for people.
[[nodiscard]] std::string ToText(const ObjectKey& key);

// One object. `content` is its canonical JSON without annotations: the digest covers key and
// content, so that a comment above a rule or a new generation moves nothing.
struct Object {
  ObjectKey key;
  std::string content;
  std::map<std::string, std::string> annotations;
  Digest digest;  // DigestOf(key, content)
};
using ObjectPtr = std::shared_ptr<const Object>;

[[nodiscard]] Digest DigestOf(const ObjectKey& key, const std::string& content);
[[nodiscard]] ObjectPtr MakeObject(ObjectKey key, std::string content,
                                   std::map<std::string, std::string> annotations = {});

// A set of objects with its root. Immutable once made; shared between releases.
struct Snapshot {
  std::map<ObjectKey, ObjectPtr> objects;
  Digest root;
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

[[nodiscard]] SnapshotPtr MakeSnapshot(std::map<ObjectKey, ObjectPtr> objects);
[[nodiscard]] const SnapshotPtr& EmptySnapshot();

// Merkle root in two levels: kind, then 256 buckets by key, then the sorted (key, digest) pairs.
// Two sets have one root only if they hold the same keys with the same contents.
[[nodiscard]] Digest RootOf(const std::map<ObjectKey, ObjectPtr>& objects);

// What turns the set with root `parent` into the set with root `root`. Nothing disappears that
// `removed` does not name.
struct Delta {
  Digest parent;
  Digest root;
  std::vector<ObjectPtr> changed;  // added or replaced, by key
  std::vector<ObjectKey> removed;  // by key
};

[[nodiscard]] Delta Diff(const Snapshot& from, const Snapshot& to);

// The set that `delta` leads to. Errors: another parent, a key twice, a removal of what is not
// there, another root than promised.
[[nodiscard]] Result<SnapshotPtr> ApplyDelta(const Snapshot& from, const Delta& delta);

// Digest of an exact list of removals in one cluster: what an approval is given for.
[[nodiscard]] Digest RemovalsDigest(const std::string& cluster,
                                    const std::vector<ObjectKey>& removed);

}  // namespace weft::relay
