// The server: what it knows, for people.
#include <algorithm>

#include "relay/core/server.h"

namespace weft::relay::server {
namespace {

std::string DiscoveryWord(bool connected, bool fresh, bool reported, const std::string& error) {
  if (!connected) return "frozen";
  if (!error.empty()) return "degraded";
  if (fresh) return "complete";
  return reported ? "frozen" : "degraded";
}

}  // namespace

// A version alone says nothing: another store may have given the same numbers.
bool Server::Runs(const Cluster& cluster) {
  return cluster.in_force && cluster.applied == cluster.record.version && cluster.holds_now &&
         cluster.holds_now->root == cluster.record.desired->root;
}

Status Server::GetStatus() const {
  Status status{.term = image_.term,
                .generation = image_.head.generation,
                .leader = leader_,
                .policy = candidate_.policy.empty() ? policy_ : candidate_.policy,
                .verdict = candidate_.verdict,
                .findings = candidate_.findings,
                .degraded = degraded_,
                .waiting_for = WaitingFor(),
                .store_error = store_error_};
  status.live = candidate_.verdict == Verdict::kProved && status.waiting_for.empty();
  for (const auto& [name, cluster] : clusters_) {
    const ClusterRecord& record = cluster.record;
    ClusterStatus one{.name = name,
                      .ring = RingOf(name),
                      .connected = cluster.session != 0 && cluster.greeted,
                      .desired = record.version,
                      .applied = cluster.applied,
                      .objects = record.desired->objects.size(),
                      .discovered = record.input->objects.size()};
    one.declared = std::find(candidate_.declared.begin(), candidate_.declared.end(), name) !=
                   candidate_.declared.end();
    one.in_sync = one.connected && Runs(cluster);
    one.effective = one.in_sync && cluster.effective;
    one.discovery_reason =
        cluster.source_error.empty() ? cluster.input_refused : cluster.source_error;
    one.discovery =
        DiscoveryWord(one.connected, cluster.fresh, record.reported, one.discovery_reason);
    if (cluster.hold) one.holds.push_back(*cluster.hold);
    if (cluster.agent_hold) one.holds.push_back(*cluster.agent_hold);
    for (const auto& [key, refusals] : record.refused) {
      for (const auto& [digest, refusal] : refusals) {
        one.errors.push_back({key, digest, refusal.detail});
      }
    }
    one.rejection = cluster.rejection;
    one.complaint = cluster.complaint;
    for (const auto& [key, drift] : cluster.drift) {
      if (now_ - drift.ago > kDriftTold) continue;
      one.drift.push_back(drift);
      one.drift.back().ago = now_ - drift.ago;
    }
    status.live =
        status.live && (!cluster.candidate || cluster.candidate->root == record.desired->root);
    status.clusters.push_back(std::move(one));
  }
  for (const auto& [number, names] : Rings()) status.rings.push_back(StatusOf(number, names));
  return status;
}

}  // namespace weft::relay::server
