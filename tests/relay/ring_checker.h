// The judge of rings, by what targets truly hold:
//
//  I11 a ring is opened for a policy once every cluster of the rings before has held that policy
//  for
//      the soak and does not complain, or on a person's word
//  I12 a ring goes back by itself only after a refusal or complaint in it, and only to what it held
//      for the soak
//  I13 nothing is released to a cluster but of policies that its ring was opened for and that it
//  did
//      not go back from
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/relay/checker.h"
#include "tests/relay/world.h"

namespace weft::relay::sim {

class RingChecker {
 public:
  // Without rings it finds nothing.
  RingChecker(World& world, Checker& checker, std::map<std::string, unsigned> rings, Time soak)
      : world_(world), checker_(checker), rings_(std::move(rings)), soak_(soak) {}

  void Written(const std::string& cluster, const Snapshot& after, Time now);
  // A server process (its life tells it from its successors) tries to commit, heard a message.
  void Tried(std::size_t server, std::uint64_t life, const server::Commit& commit, Time now);
  void Heard(std::size_t server, std::uint64_t life, const std::string& cluster,
             const AgentMessage& message, Time now);
  // A person's word.
  void RolledBack(const std::string& cluster, const Snapshot& to);
  void Expressed(const std::string& policy) { expressed_.insert(std::stoull(policy)); }
  // The transaction was done.
  void Stored(const server::Commit& commit);
  // The store is another by now, with these records.
  void Restored(const std::map<std::string, ClusterRecord>& records);
  [[nodiscard]] std::uint64_t rollbacks() const { return rollbacks_; }

 private:
  // What a set has of the policy: all but what follows from discovery.
  using Part = std::map<ObjectKey, std::string>;
  struct Held {
    Part part;
    Time since{0};
  };
  [[nodiscard]] static Part PartOf(const Snapshot& set);
  // Whether `part` is `wanted`, but for objects that the cluster refused.
  [[nodiscard]] bool Matches(const std::string& cluster, const Part& part,
                             const Part& wanted) const;
  [[nodiscard]] bool MayOpen(const std::string& cluster, std::uint64_t policy, std::size_t server,
                             std::uint64_t life, Time now) const;
  [[nodiscard]] bool MayHave(const std::string& cluster, const Part& part) const;
  void CheckRollback(const std::string& cluster, const ClusterRecord& record, const Part& part);

  World& world_;
  Checker& checker_;
  std::map<std::string, unsigned> rings_;
  Time soak_;
  std::map<std::string, Held> targets_;
  std::map<std::string, std::set<Part>> held_;           // for the soak
  std::map<std::string, Part> released_;                 // newest
  std::map<std::string, std::set<Part>> wished_;         // by a person
  std::map<std::string, std::set<std::uint64_t>> open_;  // policies
  std::map<std::string, std::set<std::uint64_t>> failed_;
  std::set<std::uint64_t> expressed_;
  std::set<unsigned> complained_;  // rings
  std::set<std::tuple<std::string, ObjectKey, Digest>> refused_;
  std::map<std::tuple<std::size_t, std::uint64_t, std::string>, std::pair<std::string, Time>>
      complaints_;
  std::uint64_t rollbacks_ = 0;
};

}  // namespace weft::relay::sim
