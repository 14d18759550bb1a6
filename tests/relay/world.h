// The true world of a simulation, as nobody in it knows it: what the policy says, what runs in each
// cluster, and what may therefore be applied. The checker judges by this alone.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "relay/core/server.h"

namespace weft::relay::sim {

// Seeded numbers; the only source of chance in a simulation.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ULL + 1) {}
  // In [0, below); below > 0.
  std::uint64_t Below(std::uint64_t below);
  bool Chance(unsigned percent) { return Below(100) < percent; }
  Time Between(int least, int most) {
    return Time(least + static_cast<int>(Below(static_cast<std::uint64_t>(most - least + 1))));
  }

 private:
  std::uint64_t state_;
};

// A policy: for each cluster, objects and what they say. A value begins with "bad" when agents
// refuse it, and holds the edit's number, so that each edit's objects are recognised.
struct Policy {
  std::uint64_t number = 0;
  Verdict verdict = Verdict::kProved;
  std::map<std::string, std::map<ObjectKey, std::string>> objects;
};

using Inventory = std::map<std::string, std::string>;  // name -> value

[[nodiscard]] SnapshotPtr InventorySnapshot(const Inventory& inventory);

// What the pipeline makes of a policy and discovered inventories: the policy's objects, and in
// every cluster an entry for each object discovered in another.
[[nodiscard]] std::map<std::string, SnapshotPtr> Translate(
    const Policy& policy, const std::map<std::string, SnapshotPtr>& inputs);

[[nodiscard]] bool IsBad(const Object& object);

// Draws edits of policy and inventory.
class World {
 public:
  World(std::uint64_t seed, int clusters);

  void EditPolicy();  // a random edit, sometimes unsafe, sometimes large
  void MendPolicy();  // proved, and without objects that agents refuse
  void EditInventory(const std::string& cluster);

  [[nodiscard]] const Policy& policy() const { return policy_; }
  // Every policy that was proved, by number.
  [[nodiscard]] const std::map<std::uint64_t, Policy>& proved() const { return all_proved_; }
  [[nodiscard]] const std::vector<std::string>& clusters() const { return clusters_; }
  [[nodiscard]] const Inventory& inventory(const std::string& cluster) const;
  // What every cluster is to run, by the policy and inventories as they are.
  [[nodiscard]] std::map<std::string, SnapshotPtr> Desired() const;

  // Keys that some proved policy or complete inventory left out after having had them.
  [[nodiscard]] bool MayGo(const std::string& cluster, const ObjectKey& key) const;
  void LetGo(const std::string& cluster, const ObjectKey& key) { gone_[cluster].insert(key); }
  // Roots of every complete inventory of the cluster there was.
  [[nodiscard]] bool WasInventory(const std::string& cluster, const Digest& root) const;
  // Contents that only unproved policies had.
  [[nodiscard]] bool IsUnproved(const std::string& content) const {
    return unproved_.contains(content);
  }

 private:
  std::string Value(bool bad);
  void Note();

  Random random_;
  std::vector<std::string> clusters_;
  Policy policy_;  // newest
  Policy proved_;  // newest that is proved
  std::map<std::uint64_t, Policy> all_proved_;
  std::map<std::string, Inventory> inventories_;
  std::map<std::string, std::set<ObjectKey>> gone_;
  std::map<std::string, std::set<Digest>> inventory_roots_;
  std::set<std::string> unproved_;
  std::uint64_t values_ = 0;
};

}  // namespace weft::relay::sim
