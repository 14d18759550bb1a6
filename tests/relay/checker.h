// The judge of a simulation. It sees what reaches stores and targets, knows the true world, and
// shares no code with the protocol beyond the values.
//
//  I1  at one agent (term, generation) never decreases
//  I2  what is put in force was committed for that cluster under that version
//  I3  nothing disappears that a proved policy or a complete inventory did not drop; beyond
//      max(5, 10 %) of a kind within an hour, or to zero, only what a person approved
//  I4  after the faults every cluster runs what the policy says (asked by the simulation)
//  I5  one release has one successor
//  I6  a cluster's discovery is one that the cluster had
//  I7  nothing of an unproved policy is put in force
//  I9  a server does not offer again what an agent refused
//  I10 every object of a release is in the store with its content
//  I8  stepwise: nothing is removed before everything that is added
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/relay/world.h"

namespace weft::relay::sim {

class Checker {
 public:
  explicit Checker(const World& world) : world_(world) {}

  // "" while nothing is wrong; the first thing that was.
  [[nodiscard]] const std::string& violation() const { return violation_; }
  void Fail(std::string what);

  // A transaction went into the store. `lineage` changes when a store is lost or restored.
  void Stored(const server::Commit& commit, int lineage);
  // The pipeline was asked to work with these inventories.
  void Compiling(const server::Compile& compile);
  // A person approved that these objects go.
  void Approved(const std::string& cluster, const std::vector<ObjectKey>& keys);
  // An agent made its target hold `after`, which held `before`.
  void Written(const std::string& cluster, const Version& version, const Snapshot& before,
               const Snapshot& after, bool stepwise, Time now);
  // A server process (its life tells it from its successors) heard a refusal, made an offer.
  void Refused(std::size_t server, std::uint64_t life, const std::string& cluster, const Ack& ack);
  void Offered(std::size_t server, std::uint64_t life, const std::string& cluster,
               const Offer& offer);
  // A person went back to an earlier release, whatever was refused of it then.
  void RolledBack(const std::string& cluster, const Snapshot& to);
  // The agent lost its state directory: versions and budget begin anew, its objects do not.
  void Forgot(const std::string& cluster) { targets_.erase(cluster); }
  // Somebody else changed the target.
  void Disturbed(const std::string& cluster) { targets_[cluster].removed = false; }

 private:
  struct Target {
    Version highest;
    bool removed = false;  // under this version
    std::vector<std::tuple<Time, std::string, int>> removals;
  };
  void CheckRemovals(const std::string& cluster, Target& target, const Snapshot& before,
                     const Snapshot& after, Time now);

  const World& world_;
  std::string violation_;
  std::map<std::pair<int, Version>, Version> successor_;
  std::map<std::string, std::map<Version, std::set<Digest>>> committed_;
  std::map<std::string, std::multiset<ObjectKey>> approved_;
  std::map<std::string, Target> targets_;
  std::set<std::tuple<std::size_t, std::uint64_t, std::string, ObjectKey, Digest>> refused_;
};

}  // namespace weft::relay::sim
