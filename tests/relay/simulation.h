// A deterministic run of servers and agents under faults: everything that happens follows from the
// seed. The cores are those of the product; network, disks, stores, targets, sources and people are
// simulated here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "relay/core/agent.h"
#include "relay/core/server.h"
#include "tests/relay/world.h"

namespace weft::relay::sim {

// A planted bug: what stands between a core and its environment is changed, as if the core or a
// shell had been written wrongly. Empty functions change nothing.
struct Bug {
  // What a bug remembers within one run, by name.
  struct Memory {
    std::map<std::string, std::uint64_t> numbers;
    std::map<std::string, AgentMessage> agent_messages;
    std::map<std::string, ServerMessage> server_messages;
    std::map<std::string, AgentRecord> records;
    std::map<std::string, SnapshotPtr> snapshots;
  };
  std::string name;
  // Messages as they leave; `cluster` is that of the agent's side. False: it is not sent.
  std::function<bool(AgentMessage&, const std::string& cluster, Memory&)> from_agent;
  std::function<bool(ServerMessage&, const std::string& cluster, Memory&)> from_server;
  // Events before the core sees them. False: it does not.
  std::function<bool(agent::Event&, const std::string& cluster, Memory&)> agent_event;
  std::function<bool(server::Event&, Memory&)> server_event;
  // Actions before they are done.
  std::function<void(std::vector<agent::Action>&, const std::string& cluster, Memory&)>
      agent_actions;
  std::function<void(std::vector<server::Action>&, Memory&)> server_actions;
  // What a server starts from.
  std::function<void(ServerImage&, Memory&)> load;
  // What the environment itself does wrongly.
  bool unfenced_store = false;    // transactions compare nothing
  bool lost_commits = false;      // acknowledged before they are on disk
  bool lost_records = false;      // last known good acknowledged before it is on disk
  bool unwritten_target = false;  // said to be written, and is not
  bool partial_writes = false;    // the target is not replaced at once: a crash leaves half of it
  bool swapped_clusters = false;  // sessions are given another cluster than their certificate's
  bool no_validation = false;     // agents take every object
  bool self_approval = false;     // holds are approved by nobody
  bool no_soak = false;           // a ring is through at once
  bool reversed_rings = false;    // the last ring comes first
  bool self_express = false;      // every policy goes to every ring at once, on nobody's word
};

struct Report {
  std::string violation;    // "" = none; starts with the invariant's number
  std::uint64_t trace = 0;  // hash of everything that happened, in order
  std::uint64_t releases = 0;
  std::uint64_t writes = 0;
  std::uint64_t events = 0;
  std::uint64_t crashes = 0;
  std::uint64_t holds_approved = 0;
  std::uint64_t rollbacks = 0;  // of rings, by themselves
};

// With `verbose`, everything that happens is told on stderr.
[[nodiscard]] Report Simulate(std::uint64_t seed, const Bug& bug = {}, bool verbose = false);

}  // namespace weft::relay::sim
