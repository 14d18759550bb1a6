// The simulated server processes and their store.
#include <algorithm>
#include <utility>

#include "tests/relay/run.h"

namespace weft::relay::sim {

void Simulation::StartServer(std::size_t index) {
  ServerProcess& process = servers_[index];
  ++process.life;
  process.paused = false;
  process.stalled.clear();
  process.term = ++store_.term;
  store_.reigns[store_.term] = {random_.Below(1U << 30), store_.head.generation};
  ServerImage image{.store_id = store_.id,
                    .term = store_.term,
                    .reigns = store_.reigns,
                    .head = store_.head,
                    .head_policy = store_.policy,
                    .clusters = store_.records};
  if (bug_.load) bug_.load(image, memory_);
  server::Config config;
  config.check_input = [](const Object& object) {
    return object.content == "poison" ? "poison" : "";
  };
  config.rings = rings_;
  if (bug_.reversed_rings) {
    for (auto& [name, ring] : config.rings) ring = 9 - ring;
  }
  config.soak = bug_.no_soak ? Time(0) : kSoak;
  process.core = std::make_unique<server::Server>(config, std::move(image), now_);
  Say("server " + std::to_string(index), "starts, term " + std::to_string(store_.term));
  ReadPolicy();
}

void Simulation::StopServer(std::size_t index) {
  ServerProcess& process = servers_[index];
  if (!process.core) return;
  Say("server " + std::to_string(index), "stops");
  ++process.life;
  process.core.reset();
  process.stalled.clear();
  std::vector<std::uint64_t> lost;
  for (const auto& [session, connection] : connections_) {
    if (connection.server == index && connection.open) lost.push_back(session);
  }
  for (const std::uint64_t session : lost) CloseConnection(session, true);
}

void Simulation::Tell(std::size_t index, std::uint64_t life, server::Event event) {
  ServerProcess& process = servers_[index];
  if (!process.core || process.life != life) return;
  if (process.paused) {
    process.stalled.push_back(std::move(event));
    return;
  }
  NoteHeard(index, event);
  if (bug_.server_event && !bug_.server_event(event, memory_)) return;
  Trace(event.index() + 100);
  ++report_.events;
  std::vector<server::Action> actions = process.core->On(event, now_);
  if (bug_.server_actions) bug_.server_actions(actions, memory_);
  for (const server::Action& action : actions) {
    Trace(action.index() + 200);
    std::visit([&](const auto& one) { Do(index, one); }, action);
  }
}

// What an agent said, as it truly was, reaches the server.
void Simulation::NoteHeard(std::size_t index, const server::Event& event) {
  const server::Received* received = std::get_if<server::Received>(&event);
  if (received == nullptr) return;
  const std::uint64_t life = servers_[index].life;
  const std::string& agent = connections_[received->session].agent;
  ring_checker_.Heard(index, life, agent, received->message, now_);
  const Ack* ack = std::get_if<Ack>(&received->message);
  if (ack == nullptr || ack->phase != Phase::kRejected) return;
  checker_.Refused(index, life, agent, *ack);
}

void Simulation::Do(std::size_t index, const server::Send& action) {
  const auto at = connections_.find(action.session);
  if (at == connections_.end() || !at->second.open || at->second.server != index) return;
  Connection& connection = at->second;
  ServerMessage message = action.message;
  if (bug_.from_server && !bug_.from_server(message, connection.agent, memory_)) return;
  if (verbose_) Say("server " + std::to_string(index) + " to " + connection.agent, Text(message));
  if (Offer* offer = std::get_if<Offer>(&message)) {
    checker_.Offered(index, servers_[index].life, connection.agent, *offer);
    // Large objects travel apart from the offer.
    for (ObjectPtr& object : offer->delta.changed) {
      if (!random_.Chance(20)) continue;
      auto named = std::make_shared<Object>(*object);
      named->content.clear();
      object = std::move(named);
    }
  }
  const int copies = chaotic_ && Faulty() ? (random_.Chance(5) ? 0 : random_.Chance(5) ? 2 : 1) : 1;
  for (int i = 0; i < copies; ++i) {
    After(Delay(connection.last_down), [this, session = action.session, message] {
      const Connection& to = connections_[session];
      if (to.open && !agents_[to.agent].cut_off) {
        Tell(to.agent, to.agent_life, agent::Received{session, message});
      }
    });
  }
}

void Simulation::Do(std::size_t, const server::Close& action) {
  CloseConnection(action.session, false);
}

void Simulation::Do(std::size_t index, const server::Compile& action) {
  checker_.Compiling(action);
  server::Candidate candidate{.serial = action.serial,
                              .policy = std::to_string(world_.policy().number),
                              .verdict = world_.policy().verdict,
                              .findings = "[]",
                              .declared = world_.clusters()};
  if (action.inputs.size() < world_.clusters().size()) {
    candidate.verdict = Verdict::kUndecided;
  } else {
    candidate.outputs = Translate(world_.policy(), action.inputs);
  }
  After(random_.Between(1, 400), [this, index, life = servers_[index].life, candidate] {
    Tell(index, life, server::Compiled{candidate});
  });
}

server::Committed::Outcome Simulation::Write(std::size_t index, std::uint64_t life,
                                             const server::Commit& commit) {
  using Outcome = server::Committed::Outcome;
  if (!bug_.unfenced_store && (commit.term != store_.term || commit.parent != store_.head)) {
    return Outcome::kFenced;
  }
  ring_checker_.Tried(index, life, commit, now_);
  if (Faulty() && random_.Chance(4)) return Outcome::kFailed;
  checker_.Stored(commit, lineage_);
  ring_checker_.Stored(commit);
  if (verbose_) Say("store", Text(commit.parent) + " -> " + Text(commit.head) + " " + commit.what);
  if (bug_.lost_commits && Faulty() && random_.Chance(30)) return Outcome::kDone;
  store_.term = commit.new_term;
  store_.reigns[commit.new_term] = commit.reign;
  for (const auto& [name, record] : commit.records) store_.records[name] = record;
  if (commit.head == store_.head) return Outcome::kDone;
  store_.head = commit.head;
  store_.policy = commit.policy;
  ++report_.releases;
  std::map<std::string, SnapshotPtr> desired;
  for (const auto& [name, record] : store_.records) desired[name] = record.desired;
  store_.history.push_back(std::move(desired));
  return Outcome::kDone;
}

void Simulation::Do(std::size_t index, const server::Commit& action) {
  After(random_.Between(1, 20), [this, index, life = servers_[index].life, action] {
    // A write under way when its process dies may reach the disk all the same.
    if (servers_[index].life != life && random_.Chance(50)) return;
    const server::Committed::Outcome outcome = Write(index, life, action);
    ServerProcess& process = servers_[index];
    if (outcome == server::Committed::Outcome::kDone && process.life == life) {
      process.term = action.new_term;
    }
    Tell(index, life, server::Committed{outcome, "no space left"});
  });
}

void Simulation::Do(std::size_t index, const server::CheckLeadership&) {
  After(random_.Between(1, 10), [this, index, life = servers_[index].life] {
    Tell(index, life, server::Leadership{servers_[index].term == store_.term});
  });
}

void Simulation::Do(std::size_t index, const server::StepDown&) {
  After(Time(0), [this, index, life = servers_[index].life] {
    if (servers_[index].life == life) StopServer(index);
  });
}

void Simulation::TickServers() {
  for (std::size_t i = 0; i < kServers; ++i) Tell(i, servers_[i].life, server::Tick{});
  if (bug_.self_express) {
    for (std::size_t i = 0; i < kServers; ++i) {
      Tell(i, servers_[i].life, server::Express{"nobody"});
    }
  }
  if (bug_.self_approval) {
    for (std::size_t i = 0; i < kServers; ++i) {
      if (!servers_[i].core) continue;
      for (const server::ClusterStatus& cluster : servers_[i].core->GetStatus().clusters) {
        for (const Hold& hold : cluster.holds) {
          Tell(i, servers_[i].life, server::Approve{hold.id, "nobody"});
        }
      }
    }
  }
  // Somebody restarts it when none is left.
  const bool none = std::none_of(servers_.begin(), servers_.end(),
                                 [](const ServerProcess& process) { return !!process.core; });
  if (none && random_.Chance(30)) StartServer(random_.Below(kServers));
  After(Time(100), [this] { TickServers(); });
}

}  // namespace weft::relay::sim
