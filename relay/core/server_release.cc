// The server: from a proved candidate, a rollback or an approval to a committed release.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "relay/core/server.h"

namespace weft::relay::server {
namespace {

std::string HoldId(Hold::Kind kind, const std::string& cluster, const Digest& root,
                   const std::vector<ObjectKey>& removed) {
  const Digest id = FieldHasher("weft.hold.v1")
                        .Add(static_cast<std::uint64_t>(kind))
                        .Add(root)
                        .Add(RemovalsDigest(cluster, removed))
                        .Finish();
  return ToHex(id).substr(0, 12);
}

}  // namespace

std::vector<std::string> Server::WaitingFor() const {
  std::vector<std::string> waiting;
  for (const std::string& name : candidate_.declared) {
    const auto at = clusters_.find(name);
    if (at == clusters_.end() || !at->second.record.reported) waiting.push_back(name);
  }
  return waiting;
}

bool Server::AllReportedHere() const {
  return std::all_of(clusters_.begin(), clusters_.end(), [&](const auto& entry) {
    const bool declared = std::find(candidate_.declared.begin(), candidate_.declared.end(),
                                    entry.first) != candidate_.declared.end();
    return entry.second.reported_here || (!declared && !candidate_.declared.empty());
  });
}

SnapshotPtr Server::Next(const Cluster& cluster) const {
  const ClusterRecord& record = cluster.record;
  const bool free =
      cluster.candidate && IsIn(cluster) && record.pinned_policy != cluster.candidate_policy;
  SnapshotPtr wanted = cluster.rollback_to;
  if (!wanted && free) wanted = cluster.candidate;
  if (!wanted && !record.pinned_why.empty()) wanted = record.good;
  if (!wanted) return record.desired;
  SnapshotPtr next = WithoutRefused(cluster, wanted);
  return next ? next : record.desired;
}

SnapshotPtr Server::WithoutRefused(const Cluster& cluster, const SnapshotPtr& wanted) {
  std::map<ObjectKey, ObjectPtr> instead;  // null: nothing
  for (const auto& [key, refusals] : cluster.record.refused) {
    const auto at = wanted->objects.find(key);
    if (at == wanted->objects.end()) continue;
    // What is kept in place of one form may be refused as well by now. An agent that refuses even
    // what it has keeps it.
    std::set<Digest> seen;
    ObjectPtr object = at->second;
    for (auto refusal = refusals.find(object->digest); refusal != refusals.end();
         refusal = refusals.find(object->digest)) {
      if (!seen.insert(object->digest).second) break;
      object = refusal->second.instead;
      if (!object) break;
    }
    if (object == at->second) continue;
    if (object && object->content.empty()) return nullptr;
    instead[key] = object;
  }
  if (instead.empty()) return wanted;
  std::map<ObjectKey, ObjectPtr> objects = wanted->objects;
  for (const auto& [key, object] : instead) {
    if (object) {
      objects.insert_or_assign(key, object);
    } else {
      objects.erase(key);
    }
  }
  return MakeSnapshot(std::move(objects));
}

void Server::MaybeCommit() {
  if (committing_ || now_ < commit_not_before_) return;
  AdvanceRings();
  Commit commit{.term = image_.term,
                .new_term = std::max(image_.term, raise_term_),
                .parent = image_.head,
                .head = {std::max(image_.term, raise_term_), image_.head.generation + 1},
                .policy = candidate_.policy,
                .actor = std::exchange(actor_, "weft")};
  for (auto& [name, cluster] : clusters_) Prepare(name, cluster, commit);
  const bool releases = !commit.what.empty();
  if (!releases) commit.head = image_.head;
  // A term that is raised has the number of the one it continues: no other server ever had it.
  commit.reign = {image_.reigns[image_.term].number, commit.head.generation};
  for (const std::string& name : dirty_) commit.records.try_emplace(name, clusters_[name].record);
  if (commit.records.empty() && commit.new_term == commit.term) return;
  dirty_.clear();
  raise_term_ = 0;
  committing_ = commit;
  actions_.emplace_back(std::move(commit));
}

void Server::Prepare(const std::string& name, Cluster& cluster, Commit& commit) {
  const SnapshotPtr next = Next(cluster);
  // What the agent took from elsewhere is newer: what is released goes out again, newer still.
  const bool again = cluster.record.rebase && IsIn(cluster) &&
                     cluster.record.version.generation > 0 &&
                     cluster.record.version <= cluster.hello.highest;
  if (next->root == cluster.record.desired->root && !again) {
    cluster.hold.reset();
    cluster.approved.reset();
    if (cluster.rollback_to) cluster.rollback_to = nullptr;
    return;
  }
  Delta delta = Diff(*cluster.record.desired, *next);
  // What was refused never was in the cluster, so that leaving it out removes nothing.
  std::erase_if(delta.removed,
                [&](const ObjectKey& key) { return cluster.record.refused.contains(key); });
  const std::vector<std::string> exceeded =
      cluster.budget.Exceeded(*cluster.record.desired, delta, now_);
  const Digest removals = RemovalsDigest(name, delta.removed);
  const bool approved = cluster.approved && cluster.approved->removals == removals;
  if (!exceeded.empty() && !approved) {
    const std::string id = HoldId(Hold::Kind::kRemovals, name, next->root, delta.removed);
    if (!cluster.hold || cluster.hold->id != id) {
      cluster.hold = Hold{id, Hold::Kind::kRemovals, exceeded.front(), delta.removed};
      actions_.emplace_back(Audit{"weft", "held " + id + " of " + name + ": " + exceeded.front()});
    }
    return;
  }
  cluster.hold.reset();
  ClusterRecord record = cluster.record;
  record.desired = next;
  record.version = commit.head;
  record.permits.clear();
  if (approved) record.permits.push_back(*cluster.approved);
  if (cluster.rollback_to) {
    // What it is rolled back from is what was proved, not what is held by now.
    record.pinned_policy =
        cluster.candidate_policy.empty() ? candidate_.policy : cluster.candidate_policy;
    record.pinned_why.clear();
  } else if (IsIn(cluster) && record.pinned_policy != cluster.candidate_policy) {
    record.pinned_policy.clear();
    record.pinned_why.clear();
  }
  if (!approved) {
    PruneBudget budget = cluster.budget;
    budget.Spend(delta, now_);
    record.spent = budget.Spent(now_);
  }
  if (!commit.what.empty()) commit.what += ", ";
  commit.what += fmt::format("{} +{} -{}", name, delta.changed.size(), delta.removed.size());
  commit.records[name] = std::move(record);
}

void Server::Handle(const Committed& event) {
  if (!committing_) return;
  const Commit commit = std::move(*committing_);
  committing_.reset();
  switch (event.outcome) {
    case Committed::Outcome::kFenced:
      return Depose();
    case Committed::Outcome::kFailed:
      store_error_ = event.error;
      for (const auto& [name, record] : commit.records) dirty_.insert(name);
      actor_ = commit.actor;
      if (commit.new_term > commit.term) raise_term_ = std::max(raise_term_, commit.new_term);
      commit_not_before_ = now_ + config_.retry;
      return;
    case Committed::Outcome::kDone:
      break;
  }
  store_error_.clear();
  image_.term = commit.new_term;
  image_.head = commit.head;
  image_.reigns[commit.new_term] = commit.reign;
  for (const auto& [name, record] : commit.records) {
    Cluster& cluster = clusters_[name];
    if (record.version == commit.head && cluster.record.version != record.version) {
      const Delta delta = Diff(*cluster.record.desired, *record.desired);
      if (record.permits.empty()) cluster.budget.Spend(delta, now_);
      // Discovery and refusals may have moved on; the release is what was committed.
      cluster.record.version = record.version;
      cluster.record.desired = record.desired;
      cluster.record.permits = record.permits;
      cluster.record.pinned_policy = record.pinned_policy;
      cluster.record.pinned_why = record.pinned_why;
      cluster.record.spent = record.spent;
      cluster.approved.reset();
      if (cluster.rollback_to && Next(cluster)->root == record.desired->root) {
        cluster.rollback_to = nullptr;
      }
      Remember(cluster, record.desired);
      if (ForgetRefusals(cluster)) dirty_.insert(name);
    }
    MaybeOffer(name, cluster);
  }
  MaybeCommit();
}

void Server::Handle(const Rollback& event) {
  actor_ = event.actor;
  for (const auto& [name, snapshot] : event.to) {
    const auto at = clusters_.find(name);
    if (at != clusters_.end()) at->second.rollback_to = snapshot;
  }
  actions_.emplace_back(Audit{event.actor, fmt::format("rollback to {}", event.generation)});
  MaybeCommit();
}

void Server::Handle(const Approve& event) {
  for (auto& [name, cluster] : clusters_) {
    if (cluster.hold && cluster.hold->id == event.hold) {
      cluster.approved = Permit{RemovalsDigest(name, cluster.hold->removed), event.actor};
    } else if (cluster.agent_hold && cluster.agent_hold->id == event.hold) {
      const Hold hold = std::move(*cluster.agent_hold);
      cluster.agent_hold.reset();
      if (hold.kind == Hold::Kind::kAhead) {
        cluster.record.rebase = true;
        cluster.record.adopt = cluster.hello.store_id;
        raise_term_ = std::max({raise_term_, image_.term, cluster.hello.highest.term + 1});
      } else {
        cluster.record.permits.push_back({RemovalsDigest(name, hold.removed), event.actor});
      }
      dirty_.insert(name);
    } else {
      continue;
    }
    actor_ = event.actor;
    actions_.emplace_back(Audit{event.actor, "approved " + event.hold + " of " + name});
    MaybeCommit();
    MaybeOffer(name, cluster);
    return;
  }
}

void Server::HoldAgent(const std::string& name, Cluster& cluster, Hold::Kind kind,
                       std::string reason, std::vector<ObjectKey> removed) {
  const std::string id = HoldId(kind, name, cluster.hello.root, removed);
  if (cluster.agent_hold && cluster.agent_hold->id == id) return;
  actions_.emplace_back(Audit{"weft", "held " + id + " of " + name + ": " + reason});
  cluster.agent_hold = Hold{id, kind, std::move(reason), std::move(removed)};
}

}  // namespace weft::relay::server
