// What goes wrong, and what people do.
#include <algorithm>
#include <iterator>
#include <utility>

#include "tests/relay/run.h"

namespace weft::relay::sim {

void Simulation::Disturb() {
  if (now_ >= kHealed) return;
  After(random_.Between(50, 900), [this] { Disturb(); });
  if (!rings_.empty() && random_.Chance(8)) return DisturbRings();
  const std::uint64_t what = random_.Below(100);
  if (what < 30) {
    world_.EditPolicy();
    Say("policy", std::to_string(world_.policy().number) + " " +
                      std::string(VerdictName(world_.policy().verdict)));
    ReadPolicy();
  } else if (what < 50) {
    const std::string cluster = RandomCluster();
    world_.EditInventory(cluster);
    if (agents_[cluster].core) Discover(cluster);
  } else if (what < 55) {
    const std::string cluster = RandomCluster();
    agents_[cluster].source_broken = !agents_[cluster].source_broken;
    if (agents_[cluster].core) Discover(cluster);
  } else if (what < 58) {
    policy_broken_ = !policy_broken_;
    ReadPolicy();
  } else if (what < 62) {
    Tamper();
  } else if (what < 66) {
    ApproveHolds(50);
  } else if (what < 68) {
    RollBack();
  } else if (what < 96) {
    DisturbProcess(what);
  } else {
    DisturbStore(what);
  }
}

void Simulation::TellHealth(const std::string& cluster, const std::string& complaint) {
  agents_[cluster].complaint = complaint;
  Tell(cluster, agents_[cluster].life, agent::HealthChecked{complaint});
}

// Traffic does badly or well again; somebody is in a hurry.
void Simulation::DisturbRings() {
  if (random_.Chance(80)) {
    const std::string cluster = RandomCluster();
    const bool well = agents_[cluster].complaint.empty();
    Say(cluster, well ? "does badly" : "does well");
    return TellHealth(cluster, well ? "errors" : "");
  }
  for (std::size_t i = 0; i < kServers; ++i) {
    if (!servers_[i].core || servers_[i].paused || !servers_[i].core->HasWaitingRing()) continue;
    Say("operator", "lets the newest policy go to every ring");
    for (const auto& [number, policy] : world_.proved()) {
      ring_checker_.Expressed(std::to_string(number));
    }
    Tell(i, servers_[i].life, server::Express{"operator"});
  }
}

// Somebody else deletes an object from a target.
void Simulation::Tamper() {
  const std::string cluster = RandomCluster();
  AgentProcess& process = agents_[cluster];
  if (!process.target || process.target->objects.size() < 2) return;
  auto objects = process.target->objects;
  objects.erase(std::next(objects.begin(), static_cast<int>(random_.Below(objects.size()))));
  process.target = MakeSnapshot(std::move(objects));
  checker_.Disturbed(cluster);
}

void Simulation::DisturbProcess(std::uint64_t what) {
  const std::string cluster = RandomCluster();
  const std::size_t index = random_.Below(kServers);
  ServerProcess& process = servers_[index];
  if (what < 74) {
    ++report_.crashes;
    StopServer(index);
  } else if (what < 80) {
    ++report_.crashes;
    StopAgent(cluster);
  } else if (what < 86) {
    agents_[cluster].cut_off = !agents_[cluster].cut_off;
  } else if (what < 89) {
    if (!process.core) StartServer(index);  // two of them now
  } else if (what < 92) {
    process.paused = !process.paused;
    std::vector<server::Event> stalled = std::exchange(process.stalled, {});
    for (server::Event& event : stalled) Tell(index, process.life, std::move(event));
  } else if (sessions_ > 0) {
    const std::uint64_t session = sessions_ - random_.Below(std::min<std::uint64_t>(sessions_, 4));
    CloseConnection(session, random_.Chance(50));
  }
}

void Simulation::DisturbStore(std::uint64_t what) {
  if (what == 96) {
    backup_ = store_;
  } else if (what == 97 && backup_) {
    for (std::size_t i = 0; i < kServers; ++i) StopServer(i);
    store_ = *backup_;
    ++lineage_;
    ring_checker_.Restored(store_.records);
  } else if (what == 98) {
    for (std::size_t i = 0; i < kServers; ++i) StopServer(i);
    ++lineage_;
    store_ = Store{.id = "store-" + std::to_string(lineage_)};
    ring_checker_.Restored({});
  } else if (what == 99) {
    const std::string cluster = RandomCluster();  // its state directory is lost, its target is not
    StopAgent(cluster);
    agents_[cluster].disk.clear();
    agents_[cluster].wiped = true;
  }
}

void Simulation::ApproveHolds(unsigned percent) {
  for (std::size_t i = 0; i < kServers; ++i) {
    if (!servers_[i].core || servers_[i].paused) continue;
    for (const server::ClusterStatus& cluster : servers_[i].core->GetStatus().clusters) {
      for (const Hold& hold : cluster.holds) {
        if (!random_.Chance(percent)) continue;
        checker_.Approved(cluster.name, hold.removed);
        ++report_.holds_approved;
        Say("operator", "approves " + hold.id + " of " + cluster.name + ": " + hold.reason);
        Tell(i, servers_[i].life, server::Approve{hold.id, "operator"});
      }
    }
  }
}

void Simulation::RollBack() {
  if (store_.history.empty()) return;
  const std::size_t at = random_.Below(store_.history.size());
  const std::map<std::string, SnapshotPtr>& to = store_.history[at];
  Say("operator", "rolls back to " + std::to_string(at));
  for (const auto& [cluster, snapshot] : to) {
    for (const SnapshotPtr& now :
         {agents_[cluster].target, store_.records[cluster].desired, world_.Desired().at(cluster)}) {
      if (!now) continue;
      for (const auto& [key, object] : now->objects) {
        if (!snapshot->objects.contains(key)) world_.LetGo(cluster, key);
      }
    }
  }
  for (const auto& [cluster, snapshot] : to) {
    checker_.RolledBack(cluster, *snapshot);
    ring_checker_.RolledBack(cluster, *snapshot);
  }
  for (std::size_t i = 0; i < kServers; ++i) {
    Tell(i, servers_[i].life, server::Rollback{to, at, "operator"});
  }
}

void Simulation::Heal() {
  policy_broken_ = false;
  for (std::size_t i = 0; i < kServers; ++i) {
    ServerProcess& process = servers_[i];
    process.paused = false;
    std::vector<server::Event> stalled = std::exchange(process.stalled, {});
    for (server::Event& event : stalled) Tell(i, process.life, std::move(event));
  }
  for (const std::string& name : world_.clusters()) {
    agents_[name].cut_off = false;
    agents_[name].source_broken = false;
    if (!agents_[name].complaint.empty()) TellHealth(name, "");
    if (agents_[name].core) Discover(name);
  }
  world_.MendPolicy();
  Say("faults", "are over");
  ReadPolicy();
}

void Simulation::TellStatus() const {
  for (const ServerProcess& process : servers_) {
    if (!process.core) continue;
    const server::Status status = process.core->GetStatus();
    Say("server", std::string(VerdictName(status.verdict)) + " policy " + status.policy +
                      (status.live ? " live" : ""));
    for (const server::ClusterStatus& cluster : status.clusters) {
      std::string text = "desired " + Text(cluster.desired) + " applied " + Text(cluster.applied) +
                         (cluster.in_sync ? " in sync" : "") +
                         (cluster.effective ? " effective " : " ") + cluster.discovery + " " +
                         cluster.discovery_reason + " " + cluster.rejection;
      for (const Hold& hold : cluster.holds) text += " hold " + hold.reason;
      for (const ObjectError& error : cluster.errors) text += " error " + ToText(error.key);
      Say("  " + cluster.name, text);
    }
  }
}

bool Simulation::Converged() const {
  const std::map<std::string, SnapshotPtr> desired = world_.Desired();
  for (const auto& [name, snapshot] : desired) {
    const SnapshotPtr& target = agents_.at(name).target;
    if (!target || target->root != snapshot->root) return false;
  }
  for (const ServerProcess& process : servers_) {
    if (!process.core) continue;
    const server::Status status = process.core->GetStatus();
    const bool in_sync =
        status.live && status.clusters.size() == desired.size() &&
        std::all_of(status.clusters.begin(), status.clusters.end(), [](const auto& cluster) {
          return cluster.in_sync && cluster.effective && cluster.holds.empty() &&
                 cluster.errors.empty() && cluster.discovery == "complete";
        });
    if (in_sync) return true;
  }
  return false;
}

}  // namespace weft::relay::sim
