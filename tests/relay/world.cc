#include "tests/relay/world.h"

#include <iterator>

namespace weft::relay::sim {
namespace {

const std::vector<std::string>& Kinds() {
  static const std::vector<std::string> kinds = {"AuthorizationPolicy.security.istio.io",
                                                 "DestinationRule.networking.istio.io",
                                                 "VirtualService.networking.istio.io"};
  return kinds;
}

ObjectKey EntryKey(const std::string& from, const std::string& name) {
  return {"ServiceEntry.networking.istio.io", "mesh", from + "-" + name};
}

}  // namespace

std::uint64_t Random::Below(std::uint64_t below) {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return (state_ * 0x2545F4914F6CDD1DULL >> 16) % below;
}

SnapshotPtr InventorySnapshot(const Inventory& inventory) {
  std::map<ObjectKey, ObjectPtr> objects;
  for (const auto& [name, value] : inventory) {
    const ObjectKey key{"Service", "shop", name};
    objects[key] = MakeObject(key, value);
  }
  return MakeSnapshot(std::move(objects));
}

std::map<std::string, SnapshotPtr> Translate(const Policy& policy,
                                             const std::map<std::string, SnapshotPtr>& inputs) {
  std::map<std::string, SnapshotPtr> outputs;
  for (const auto& [cluster, wanted] : policy.objects) {
    std::map<ObjectKey, ObjectPtr> objects;
    for (const auto& [key, value] : wanted) objects[key] = MakeObject(key, value);
    for (const auto& [from, input] : inputs) {
      if (from == cluster) continue;
      for (const auto& [key, object] : input->objects) {
        const ObjectKey entry = EntryKey(from, key.name);
        objects[entry] = MakeObject(entry, object->content);
      }
    }
    outputs[cluster] = MakeSnapshot(std::move(objects));
  }
  return outputs;
}

bool IsBad(const Object& object) { return object.content.starts_with("bad"); }

World::World(std::uint64_t seed, int clusters) : random_(seed) {
  for (int i = 0; i < clusters; ++i) clusters_.push_back(std::string("c") + std::to_string(i));
  for (const std::string& cluster : clusters_) {
    for (int i = 0; i < 3; ++i) inventories_[cluster]["s" + std::to_string(i)] = Value(false);
    for (const std::string& kind : Kinds()) {
      const std::uint64_t count = 2 + random_.Below(12);
      for (std::uint64_t i = 0; i < count; ++i) {
        policy_.objects[cluster][{kind, "shop", "o" + std::to_string(i)}] = Value(false);
      }
    }
  }
  policy_.number = 1;
  proved_ = all_proved_[1] = policy_;
  Note();
}

std::string World::Value(bool bad) {
  return std::string(bad ? "bad" : "v") + std::to_string(++values_);
}

const Inventory& World::inventory(const std::string& cluster) const {
  return inventories_.at(cluster);
}

void World::EditPolicy() {
  const std::uint64_t what = random_.Below(100);
  Policy next = proved_;
  next.number = policy_.number + 1;
  next.verdict = what < 15   ? Verdict::kViolated
                 : what < 20 ? Verdict::kUndecided
                             : Verdict::kProved;
  const int edits = 1 + static_cast<int>(random_.Below(3));
  for (int i = 0; i < edits; ++i) {
    auto& objects = next.objects[clusters_[random_.Below(clusters_.size())]];
    const std::string& kind = Kinds()[random_.Below(Kinds().size())];
    const ObjectKey key{kind, "shop", "o" + std::to_string(random_.Below(16))};
    const std::uint64_t how = random_.Below(100);
    if (how < 60) {
      objects[key] = Value(random_.Chance(10));
    } else if (how < 92) {
      objects.erase(key);
    } else {
      std::erase_if(objects, [&](const auto& entry) { return entry.first.kind == kind; });
    }
  }
  if (next.verdict != Verdict::kProved) {
    for (const auto& [cluster, objects] : next.objects) {
      for (const auto& [key, value] : objects) {
        const auto& proved = proved_.objects[cluster];
        const auto old = proved.find(key);
        if (old == proved.end() || old->second != value) unproved_.insert(value);
      }
    }
    policy_ = next;
    return;
  }
  for (const auto& [cluster, objects] : proved_.objects) {
    for (const auto& [key, value] : objects) {
      if (!next.objects[cluster].contains(key)) gone_[cluster].insert(key);
    }
  }
  policy_ = proved_ = all_proved_[next.number] = next;
}

void World::MendPolicy() {
  const std::uint64_t number = policy_.number + 1;
  policy_ = proved_;
  policy_.number = number;
  for (auto& [cluster, objects] : policy_.objects) {
    for (auto& [key, value] : objects) {
      if (value.starts_with("bad")) value = Value(false);
    }
    objects[{Kinds().front(), "shop", "mended"}] = Value(false);
  }
  proved_ = all_proved_[number] = policy_;
}

void World::EditInventory(const std::string& cluster) {
  Inventory& inventory = inventories_[cluster];
  const std::uint64_t how = random_.Below(3);
  const std::string name = "s" + std::to_string(random_.Below(6));
  if (how < 2) {
    inventory[name] = Value(false);
  } else if (inventory.size() > 1 && inventory.erase(name) > 0) {
    for (const std::string& other : clusters_) {
      if (other != cluster) gone_[other].insert(EntryKey(cluster, name));
    }
  }
  Note();
}

void World::Note() {
  for (const auto& [cluster, inventory] : inventories_) {
    inventory_roots_[cluster].insert(InventorySnapshot(inventory)->root);
  }
}

std::map<std::string, SnapshotPtr> World::Desired() const {
  std::map<std::string, SnapshotPtr> inputs;
  for (const auto& [cluster, inventory] : inventories_) {
    inputs[cluster] = InventorySnapshot(inventory);
  }
  return Translate(policy_, inputs);
}

bool World::MayGo(const std::string& cluster, const ObjectKey& key) const {
  const auto at = gone_.find(cluster);
  return at != gone_.end() && at->second.contains(key);
}

bool World::WasInventory(const std::string& cluster, const Digest& root) const {
  const auto at = inventory_roots_.find(cluster);
  return root == EmptySnapshot()->root ||
         (at != inventory_roots_.end() && at->second.contains(root));
}

}  // namespace weft::relay::sim
