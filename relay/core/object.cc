#include "relay/core/object.h"

#include <utility>

namespace weft::relay {
namespace {

std::uint8_t BucketOf(const ObjectKey& key) {
  std::uint32_t hash = 2166136261U;  // FNV-1a; spreads, protects nothing
  for (const std::string* part : {&key.ns, &key.name}) {
    for (const char c : *part) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    hash = (hash ^ '/') * 16777619U;
  }
  return static_cast<std::uint8_t>(hash ^ hash >> 8 ^ hash >> 16 ^ hash >> 24);
}

}  // namespace

std::string ToText(const ObjectKey& key) {
  return key.kind + " " + (key.ns.empty() ? "" : key.ns + "/") + key.name;
}

Digest DigestOf(const ObjectKey& key, const std::string& content) {
  return FieldHasher("weft.object.v1")
      .Add(key.kind)
      .Add(key.ns)
      .Add(key.name)
      .Add(content)
      .Finish();
}

ObjectPtr MakeObject(ObjectKey key, std::string content,
                     std::map<std::string, std::string> annotations) {
  auto object = std::make_shared<Object>();
  object->digest = DigestOf(key, content);
  object->key = std::move(key);
  object->content = std::move(content);
  object->annotations = std::move(annotations);
  return object;
}

SnapshotPtr MakeSnapshot(std::map<ObjectKey, ObjectPtr> objects) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->root = RootOf(objects);
  snapshot->objects = std::move(objects);
  return snapshot;
}

const SnapshotPtr& EmptySnapshot() {
  static const SnapshotPtr empty = MakeSnapshot({});
  return empty;
}

Digest RootOf(const std::map<ObjectKey, ObjectPtr>& objects) {
  FieldHasher root("weft.root.v1");
  for (auto kind = objects.begin(); kind != objects.end();) {
    std::map<std::uint8_t, FieldHasher> buckets;
    auto it = kind;
    for (; it != objects.end() && it->first.kind == kind->first.kind; ++it) {
      FieldHasher& bucket =
          buckets.try_emplace(BucketOf(it->first), "weft.bucket.v1").first->second;
      bucket.Add(it->first.ns).Add(it->first.name).Add(it->second->digest);
    }
    FieldHasher kind_hash("weft.kind.v1");
    for (const auto& [number, bucket] : buckets) kind_hash.Add(number).Add(bucket.Finish());
    root.Add(kind->first.kind).Add(kind_hash.Finish());
    kind = it;
  }
  return root.Finish();
}

Delta Diff(const Snapshot& from, const Snapshot& to) {
  Delta delta{.parent = from.root, .root = to.root};
  for (const auto& [key, object] : to.objects) {
    const auto old = from.objects.find(key);
    if (old == from.objects.end() || old->second->digest != object->digest) {
      delta.changed.push_back(object);
    }
  }
  for (const auto& [key, object] : from.objects) {
    if (!to.objects.contains(key)) delta.removed.push_back(key);
  }
  return delta;
}

Result<SnapshotPtr> ApplyDelta(const Snapshot& from, const Delta& delta) {
  if (delta.parent != from.root) return Error{"the change is for another parent"};
  std::map<ObjectKey, ObjectPtr> objects = from.objects;
  for (const ObjectKey& key : delta.removed) {
    if (objects.erase(key) == 0) {
      return Error{"`" + ToText(key) + "` is to be removed and is not there"};
    }
  }
  std::map<ObjectKey, ObjectPtr> changed;
  for (const ObjectPtr& object : delta.changed) {
    if (!changed.emplace(object->key, object).second) {
      return Error{"`" + ToText(object->key) + "` is given twice"};
    }
    objects.insert_or_assign(object->key, object);
  }
  for (const ObjectKey& key : delta.removed) {
    if (changed.contains(key)) return Error{"`" + ToText(key) + "` is both changed and removed"};
  }
  SnapshotPtr result = MakeSnapshot(std::move(objects));
  if (result->root != delta.root) return Error{"the change does not lead to the root it promises"};
  return result;
}

Digest RemovalsDigest(const std::string& cluster, const std::vector<ObjectKey>& removed) {
  FieldHasher hasher("weft.removals.v1");
  hasher.Add(cluster);
  for (const ObjectKey& key : removed) hasher.Add(key.kind).Add(key.ns).Add(key.name);
  return hasher.Finish();
}

}  // namespace weft::relay
