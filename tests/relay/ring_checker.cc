#include "tests/relay/ring_checker.h"

#include <algorithm>
#include <utility>

namespace weft::relay::sim {
namespace {

// A transaction is on its way for so long at most; what is heard meanwhile comes too late.
constexpr Time kCommitTakes{50};

}  // namespace

RingChecker::Part RingChecker::PartOf(const Snapshot& set) {
  Part part;
  for (const auto& [key, object] : set.objects) {
    if (!key.kind.starts_with("ServiceEntry.")) part[key] = object->content;
  }
  return part;
}

bool RingChecker::Matches(const std::string& cluster, const Part& part, const Part& wanted) const {
  for (const auto& [key, content] : part) {
    if (!wanted.contains(key)) return false;
  }
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& entry) {
    const auto at = part.find(entry.first);
    if (at != part.end() && at->second == entry.second) return true;
    return refused_.contains({cluster, entry.first, DigestOf(entry.first, entry.second)});
  });
}

void RingChecker::Written(const std::string& cluster, const Snapshot& after, Time now) {
  if (rings_.empty()) return;
  Held& held = targets_[cluster];
  Part part = PartOf(after);
  if (part == held.part) return;
  if (now - held.since >= soak_) held_[cluster].insert(std::move(held.part));
  held = {std::move(part), now};
}

void RingChecker::Heard(std::size_t server, std::uint64_t life, const std::string& cluster,
                        const AgentMessage& message, Time now) {
  if (rings_.empty()) return;
  auto& complaint = complaints_[{server, life, cluster}];
  if (std::holds_alternative<Hello>(message)) complaint = {"", now};
  if (const Heartbeat* heartbeat = std::get_if<Heartbeat>(&message)) {
    if (heartbeat->complaint != complaint.first) complaint = {heartbeat->complaint, now};
    if (!heartbeat->complaint.empty()) complained_.insert(rings_[cluster]);
  }
  const Ack* ack = std::get_if<Ack>(&message);
  if (ack == nullptr || ack->phase != Phase::kRejected) return;
  for (const ObjectError& error : ack->errors) {
    refused_.insert({cluster, error.key, error.digest});
    complained_.insert(rings_[cluster]);
  }
}

void RingChecker::RolledBack(const std::string& cluster, const Snapshot& to) {
  wished_[cluster].insert(PartOf(to));
}

void RingChecker::Restored(const std::map<std::string, ClusterRecord>& records) {
  released_.clear();
  failed_.clear();
  for (const auto& [cluster, record] : records) released_[cluster] = PartOf(*record.desired);
}

void RingChecker::Tried(std::size_t server, std::uint64_t life, const server::Commit& commit,
                        Time now) {
  if (rings_.empty()) return;
  for (const auto& [cluster, record] : commit.records) {
    if (record.admitted.empty()) continue;
    const std::uint64_t policy = std::stoull(record.admitted);
    if (open_[cluster].contains(policy)) continue;
    if (!MayOpen(cluster, policy, server, life, now)) {
      checker_.Fail("I11: policy " + record.admitted + " comes to " + cluster + " before its turn");
    }
    open_[cluster].insert(policy);
  }
}

bool RingChecker::MayOpen(const std::string& cluster, std::uint64_t policy, std::size_t server,
                          std::uint64_t life, Time now) const {
  if (!world_.proved().contains(policy)) return false;
  if (expressed_.contains(policy)) return true;
  return std::all_of(rings_.begin(), rings_.end(), [&](const auto& other) {
    if (other.second >= rings_.at(cluster)) return true;
    const auto target = targets_.find(other.first);
    if (target == targets_.end()) return false;
    const auto complaint = complaints_.find({server, life, other.first});
    const bool complains = complaint != complaints_.end() && !complaint->second.first.empty() &&
                           now - complaint->second.second > kCommitTakes;
    return target->second.part == world_.proved().at(policy).objects.at(other.first) &&
           now - target->second.since >= soak_ && !complains;
  });
}

void RingChecker::Stored(const server::Commit& commit) {
  if (rings_.empty() || commit.head == commit.parent) return;
  for (const auto& [cluster, record] : commit.records) {
    if (record.version != commit.head) continue;
    Part part = PartOf(*record.desired);
    if (!record.pinned_why.empty()) CheckRollback(cluster, record, part);
    if (part == released_[cluster]) continue;
    if (record.pinned_why.empty() && !MayHave(cluster, part)) {
      checker_.Fail("I13: " + cluster + " is given what its ring is not open for");
    }
    released_[cluster] = std::move(part);
  }
}

bool RingChecker::MayHave(const std::string& cluster, const Part& part) const {
  const auto wishes = wished_.find(cluster);
  if (wishes != wished_.end() &&
      std::any_of(wishes->second.begin(), wishes->second.end(),
                  [&](const Part& wish) { return Matches(cluster, part, wish); })) {
    return true;
  }
  const auto open = open_.find(cluster);
  const auto failed = failed_.find(cluster);
  return open != open_.end() &&
         std::any_of(open->second.begin(), open->second.end(), [&](std::uint64_t policy) {
           return world_.proved().contains(policy) &&
                  (failed == failed_.end() || !failed->second.contains(policy)) &&
                  Matches(cluster, part, world_.proved().at(policy).objects.at(cluster));
         });
}

void RingChecker::CheckRollback(const std::string& cluster, const ClusterRecord& record,
                                const Part& part) {
  const Held& now = targets_[cluster];
  std::set<Part> held = held_[cluster];
  held.insert(now.part);
  const bool had = std::any_of(held.begin(), held.end(),
                               [&](const Part& one) { return Matches(cluster, part, one); });
  if (!complained_.contains(rings_.at(cluster))) {
    checker_.Fail("I12: " + cluster + " goes back and nobody complained");
  } else if (!had) {
    checker_.Fail("I12: " + cluster + " goes back to what it did not hold");
  }
  failed_[cluster].insert(std::stoull(record.pinned_policy));
  ++rollbacks_;
  // What came since then goes again, what follows from discovery included.
  const std::map<std::string, SnapshotPtr> desired = world_.Desired();
  const auto let_go = [&](const ObjectKey& key) {
    if (!record.desired->objects.contains(key)) world_.LetGo(cluster, key);
  };
  for (const auto& [key, content] : now.part) let_go(key);
  for (const auto& [key, content] : released_[cluster]) let_go(key);
  for (const auto& [key, object] : desired.at(cluster)->objects) let_go(key);
}

}  // namespace weft::relay::sim
