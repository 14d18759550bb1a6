// One simulated run: processes, network, disks, faults. Everything is an entry in one queue.
#pragma once

#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "relay/core/agent.h"
#include "relay/core/server.h"
#include "tests/relay/checker.h"
#include "tests/relay/ring_checker.h"
#include "tests/relay/simulation.h"
#include "tests/relay/world.h"

namespace weft::relay::sim {

inline constexpr Time kCalm = std::chrono::seconds(4);     // before the faults
inline constexpr Time kHealed = std::chrono::seconds(40);  // no faults from here on
inline constexpr Time kEnd = std::chrono::seconds(600);    // not converged by then: never
inline constexpr std::size_t kServers = 2;
inline constexpr Time kSoak{1500};

// For `verbose` runs.
[[nodiscard]] std::string Text(const Version& version);
[[nodiscard]] std::string Text(const Delta& delta);
[[nodiscard]] std::string Text(const AgentMessage& message);
[[nodiscard]] std::string Text(const ServerMessage& message);

struct Store {
  std::string id;
  std::uint64_t term = 0;
  std::map<std::uint64_t, Reign> reigns;
  Version head;
  std::string policy;
  std::map<std::string, ClusterRecord> records;
  std::vector<std::map<std::string, SnapshotPtr>> history;  // desired after each release
};

struct ServerProcess {
  std::unique_ptr<server::Server> core;
  std::uint64_t life = 0;  // of the process; what belongs to an earlier one is void
  std::uint64_t term = 0;
  bool paused = false;
  std::vector<server::Event> stalled;
};

struct AgentProcess {
  std::unique_ptr<agent::Agent> core;
  std::uint64_t life = 0;
  bool stepwise = false;
  bool cut_off = false;
  bool source_broken = false;
  bool wiped = false;             // its state directory was lost while it was down
  std::string complaint;          // of whoever watches its traffic
  std::vector<AgentRecord> disk;  // newest last; at most two
  SnapshotPtr target;             // null: nothing was ever written
};

struct Connection {
  std::size_t server = 0;
  std::uint64_t server_life = 0;
  std::string agent;
  std::uint64_t agent_life = 0;
  bool open = true;
  Time last_up{0};
  Time last_down{0};
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, const Bug& bug, bool verbose)
      : random_(seed),
        world_(seed ^ 0x5bd1e995, 2 + static_cast<int>(seed % 2)),
        checker_(world_),
        rings_(DrawRings(seed, world_.clusters())),
        ring_checker_(world_, checker_, rings_, kSoak),
        bug_(bug),
        chaotic_(seed % 3 == 0),
        verbose_(verbose) {}

  Report Run();

 private:
  // ---- time
  void After(Time delay, std::function<void()> what) {
    queue_.push_back({now_ + delay, ++order_, std::move(what)});
    std::push_heap(queue_.begin(), queue_.end());
  }
  void Trace(std::uint64_t number) {
    report_.trace =
        (report_.trace ^ number) * 1099511628211ULL + static_cast<std::uint64_t>(now_.count());
  }
  void Say(const std::string& who, const std::string& what) const {
    if (verbose_)
      std::fprintf(stderr, "%7.1f %s: %s\n", static_cast<double>(now_.count()) / 1000, who.c_str(),
                   what.c_str());
  }
  [[nodiscard]] bool Faulty() const { return now_ > kCalm && now_ < kHealed; }

  // Two runs of five have rings.
  static std::map<std::string, unsigned> DrawRings(std::uint64_t seed,
                                                   const std::vector<std::string>& clusters) {
    std::map<std::string, unsigned> rings;
    if (seed % 5 > 1) return rings;
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      rings[clusters[i]] = static_cast<unsigned>(seed % 5 == 0 ? i : std::min<std::size_t>(i, 1));
    }
    return rings;
  }

  // ---- servers
  void StartServer(std::size_t index);
  void StopServer(std::size_t index);
  void Tell(std::size_t index, std::uint64_t life, server::Event event);
  void Do(std::size_t index, const server::Send& action);
  void Do(std::size_t index, const server::Close& action);
  void Do(std::size_t index, const server::Compile& action);
  void Do(std::size_t index, const server::Commit& action);
  void Do(std::size_t index, const server::CheckLeadership& action);
  void Do(std::size_t index, const server::StepDown& action);
  void Do(std::size_t, const server::Audit&) {}
  void NoteHeard(std::size_t index, const server::Event& event);
  server::Committed::Outcome Write(std::size_t index, std::uint64_t life,
                                   const server::Commit& commit);
  void TickServers();

  // ---- agents
  void StartAgent(const std::string& name);
  void StopAgent(const std::string& name);
  void Tell(const std::string& name, std::uint64_t life, agent::Event event);
  void Do(const std::string& name, const agent::Connect& action);
  void Do(const std::string& name, const agent::Send& action);
  void Do(const std::string& name, const agent::Fetch& action);
  void Do(const std::string& name, const agent::TryTarget& action);
  void Do(const std::string& name, const agent::Persist& action);
  void Do(const std::string& name, const agent::WriteTarget& action);
  void Do(const std::string& name, const agent::ReadTarget& action);
  void TickAgents();
  void Discover(const std::string& name);

  // ---- between them
  void CloseConnection(std::uint64_t session, bool tell_both);
  Time Delay(Time& last);
  void ReadPolicy();

  // ---- faults and people
  void Disturb();
  void Tamper();
  void DisturbProcess(std::uint64_t what);
  void DisturbStore(std::uint64_t what);
  void ApproveHolds(unsigned percent);
  void RollBack();
  void DisturbRings();
  void TellHealth(const std::string& cluster, const std::string& complaint);
  void Heal();
  void TellStatus() const;
  [[nodiscard]] bool Converged() const;
  [[nodiscard]] std::string RandomCluster() {
    return world_.clusters()[random_.Below(world_.clusters().size())];
  }

  struct Entry {
    Time at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator<(const Entry& other) const {
      return std::tie(other.at, other.order) < std::tie(at, order);
    }
  };

  Random random_;
  World world_;
  Checker checker_;
  std::map<std::string, unsigned> rings_;  // empty: none
  RingChecker ring_checker_;
  const Bug& bug_;
  Bug::Memory memory_;
  bool chaotic_;  // messages of one session are lost, doubled and overtake one another
  bool verbose_;
  Report report_;
  Time now_{0};
  std::vector<Entry> queue_;  // a heap
  std::uint64_t order_ = 0;

  Store store_{.id = "store-1"};
  int lineage_ = 1;
  std::optional<Store> backup_;
  std::vector<ServerProcess> servers_{kServers};
  std::map<std::string, AgentProcess> agents_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t sessions_ = 0;
  bool policy_broken_ = false;
};

}  // namespace weft::relay::sim
