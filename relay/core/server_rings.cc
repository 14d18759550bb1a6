// The server: rings, through which a policy goes from a few clusters to all of them. What follows
// from discovery alone goes at once to every cluster that runs the policy already.
#include <fmt/format.h>

#include <algorithm>

#include "relay/core/server.h"

namespace weft::relay::server {
namespace {

// The first object of the candidate that its agent refuses. With `passing`, also for want of
// another object, which may still come.
std::string RefusedOf(const ClusterRecord& record, const Snapshot& candidate, bool passing) {
  for (const auto& [key, refusals] : record.refused) {
    const auto at = candidate.objects.find(key);
    if (at == candidate.objects.end()) continue;
    const auto refusal = refusals.find(at->second->digest);
    if (refusal == refusals.end() || (refusal->second.needs && !passing)) continue;
    return "refuses " + ToText(key) + ": " + refusal->second.detail;
  }
  return "";
}

}  // namespace

std::string_view StateName(RingStatus::State state) {
  switch (state) {
    case RingStatus::State::kWaiting:
      return "waiting";
    case RingStatus::State::kReleasing:
      return "releasing";
    case RingStatus::State::kSoaking:
      return "soaking";
    case RingStatus::State::kThrough:
      return "through";
    case RingStatus::State::kRolledBack:
      return "rolled back";
  }
  return "";
}

unsigned Server::RingOf(const std::string& name) const {
  const auto at = config_.rings.find(name);
  if (at != config_.rings.end()) return at->second;
  unsigned last = 0;
  for (const auto& [cluster, ring] : config_.rings) last = std::max(last, ring);
  return last;
}

std::map<unsigned, std::vector<std::string>> Server::Rings() const {
  std::map<unsigned, std::vector<std::string>> rings;
  if (config_.rings.empty() || proved_.empty()) return rings;
  for (const auto& [name, cluster] : clusters_) {
    if (cluster.candidate_policy == proved_) rings[RingOf(name)].push_back(name);
  }
  return rings;
}

bool Server::IsIn(const Cluster& cluster) const {
  return config_.rings.empty() || cluster.record.admitted == cluster.candidate_policy;
}

// A ring is opened once all clusters of those before are through at the same time, and stays open.
void Server::AdvanceRings() {
  bool open = true;
  for (const auto& [number, names] : Rings()) {
    if (open) {
      for (const std::string& name : names) Open(name, clusters_[name]);
    }
    RollBackRing(number, names);
    bool through = true;
    for (const std::string& name : names) {
      Watch(clusters_[name]);
      through = through && IsThrough(clusters_[name]);
    }
    open = open && through;
    if (!through) continue;
    for (const std::string& name : names) KeepGood(name, clusters_[name]);
  }
}

void Server::Open(const std::string& name, Cluster& cluster) {
  if (cluster.record.admitted == proved_) return;
  cluster.record.admitted = proved_;
  cluster.complained_before = !cluster.complaint.empty();
  const SnapshotPtr next = WithoutRefused(cluster, cluster.candidate);
  if (!next || next->root != cluster.record.desired->root) cluster.held_since.reset();
  dirty_.insert(name);
}

// While a release of the same policy is on its way, what was held is still held.
void Server::Watch(Cluster& cluster) const {
  const bool well = cluster.session != 0 && cluster.greeted && cluster.complaint.empty() &&
                    cluster.rejection.empty() && IsIn(cluster) &&
                    cluster.record.pinned_policy != cluster.candidate_policy &&
                    RefusedOf(cluster.record, *cluster.candidate, true).empty();
  if (!well) {
    cluster.held_since.reset();
  } else if (!cluster.held_since && IsSettled(cluster)) {
    cluster.held_since = now_;
  }
}

bool Server::IsSettled(const Cluster& cluster) const {
  if (cluster.session == 0 || cluster.rollback_to) return false;
  if (Next(cluster)->root != cluster.record.desired->root) return false;
  if (cluster.record.version.generation == 0) return true;  // the policy wants nothing of it
  return cluster.effective && !cluster.in_flight && Runs(cluster);
}

bool Server::IsThrough(const Cluster& cluster) const {
  return IsIn(cluster) && cluster.held_since && IsSettled(cluster) &&
         now_ - *cluster.held_since >= config_.soak;
}

void Server::KeepGood(const std::string& name, Cluster& cluster) {
  ClusterRecord& record = cluster.record;
  const bool same = record.good && record.good->root == record.desired->root;
  if (same && record.good_policy == proved_) return;
  record.good = record.desired;
  record.good_policy = proved_;
  dirty_.insert(name);
}

std::string Server::Complaint(const Cluster& cluster) const {
  const ClusterRecord& record = cluster.record;
  const bool soaks = record.admitted == cluster.candidate_policy &&
                     record.good_policy != record.admitted &&
                     record.pinned_policy != record.admitted;
  if (!soaks) return "";
  std::string refused = RefusedOf(record, *cluster.candidate, false);
  if (!refused.empty()) return refused;
  // A cluster that was unwell before it had anything of the policy says nothing about it.
  return IsSettled(cluster) && !cluster.complained_before ? cluster.complaint : "";
}

// The whole ring goes back to what it held before; the other rings stay as they are.
void Server::RollBackRing(unsigned number, const std::vector<std::string>& names) {
  std::string why;
  for (const std::string& name : names) {
    const std::string complaint = Complaint(clusters_[name]);
    if (why.empty() && !complaint.empty()) why = name + " " + complaint;
  }
  if (why.empty()) return;
  bool back = false;
  for (const std::string& name : names) {
    Cluster& cluster = clusters_[name];
    // What never held anything has nothing to go back to: its ring does not get on, that is all.
    if (!cluster.record.good || cluster.record.pinned_policy == proved_) continue;
    cluster.record.pinned_policy = proved_;
    cluster.record.pinned_why = why;
    cluster.held_since.reset();
    dirty_.insert(name);
    back = true;
  }
  if (!back) return;
  actions_.emplace_back(Audit{"weft", fmt::format("rolled back ring {} from policy {}: {}", number,
                                                  proved_.substr(0, 12), why)});
}

void Server::Handle(const Express& event) {
  for (const auto& [number, names] : Rings()) {
    for (const std::string& name : names) Open(name, clusters_[name]);
  }
  actor_ = event.actor;
  actions_.emplace_back(
      Audit{event.actor, "policy " + proved_.substr(0, 12) + " goes to every ring at once"});
  MaybeCommit();
}

bool Server::HasWaitingRing() const {
  const auto rings = Rings();
  return std::any_of(rings.begin(), rings.end(), [&](const auto& ring) {
    return std::any_of(ring.second.begin(), ring.second.end(),
                       [&](const std::string& name) { return !IsIn(clusters_.at(name)); });
  });
}

RingStatus Server::StatusOf(unsigned number, const std::vector<std::string>& names) const {
  using State = RingStatus::State;
  RingStatus status{.number = number, .state = State::kThrough};
  for (const std::string& name : names) {
    const Cluster& cluster = clusters_.at(name);
    State state = State::kThrough;
    std::string why = RefusedOf(cluster.record, *cluster.candidate, true);
    if (why.empty()) why = cluster.complaint;
    if (!why.empty()) why = name + " " + why;
    Time left{0};
    if (!IsIn(cluster)) {
      state = State::kWaiting;
    } else if (cluster.record.pinned_policy == proved_) {
      state = State::kRolledBack;
      why = cluster.record.pinned_why.empty() ? "by a person" : cluster.record.pinned_why;
    } else if (!IsThrough(cluster)) {
      state = cluster.held_since ? State::kSoaking : State::kReleasing;
      if (cluster.held_since) left = *cluster.held_since + config_.soak - now_;
    }
    // The ring is where the one of its clusters is that is furthest behind.
    if (status.state != State::kRolledBack &&
        (state == State::kRolledBack || state < status.state)) {
      status.state = state;
    }
    status.left = std::max(status.left, left);
    if (status.why.empty() || state == State::kRolledBack) status.why = why;
  }
  return status;
}

}  // namespace weft::relay::server
