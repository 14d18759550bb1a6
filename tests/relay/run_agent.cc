// The simulated agents, their disks, targets and sources, and the network.
#include <algorithm>
#include <iterator>
#include <utility>

#include "tests/relay/run.h"

namespace weft::relay::sim {

void Simulation::StartAgent(const std::string& name) {
  AgentProcess& process = agents_[name];
  ++process.life;
  if (std::exchange(process.wiped, false)) checker_.Forgot(name);
  agent::Config config{.cluster = name, .seed = random_.Below(1000), .stepwise = process.stepwise};
  config.settle = Time(200);
  // A target that is written object by object is one that can be asked first.
  config.try_first = process.stepwise;
  if (!process.stepwise) {
    config.validate = [this](const Object& object) {
      return IsBad(object) && !bug_.no_validation ? "it is bad" : "";
    };
  }
  process.core = std::make_unique<agent::Agent>(config);
  agent::Started started{.found = process.target};
  if (!process.disk.empty()) started.last_good = process.disk.back();
  Tell(name, process.life, started);
  if (!process.complaint.empty()) TellHealth(name, process.complaint);
  Discover(name);
}

void Simulation::StopAgent(const std::string& name) {
  Say(name, "stops");
  AgentProcess& process = agents_[name];
  ++process.life;
  process.core.reset();
  std::vector<std::uint64_t> lost;
  for (const auto& [session, connection] : connections_) {
    if (connection.agent == name && connection.open) lost.push_back(session);
  }
  for (const std::uint64_t session : lost) CloseConnection(session, true);
}

void Simulation::Tell(const std::string& name, std::uint64_t life, agent::Event event) {
  AgentProcess& process = agents_[name];
  if (!process.core || process.life != life) return;
  if (bug_.agent_event && !bug_.agent_event(event, name, memory_)) return;
  Trace(event.index() + 300);
  ++report_.events;
  std::vector<agent::Action> actions = process.core->On(event, now_);
  if (bug_.agent_actions) bug_.agent_actions(actions, name, memory_);
  for (const agent::Action& action : actions) {
    Trace(action.index() + 400);
    std::visit([&](const auto& one) { Do(name, one); }, action);
  }
}

void Simulation::Do(const std::string& name, const agent::Connect&) {
  AgentProcess& process = agents_[name];
  std::vector<std::size_t> running;
  for (std::size_t i = 0; i < kServers; ++i) {
    if (servers_[i].core) running.push_back(i);
  }
  const std::uint64_t life = process.life;
  if (running.empty() || process.cut_off) {
    After(random_.Between(10, 500),
          [this, name, life] { Tell(name, life, agent::SessionClosed{0}); });
    return;
  }
  const std::size_t index = running[random_.Below(running.size())];
  const std::uint64_t session = ++sessions_;
  connections_[session] = {
      .server = index, .server_life = servers_[index].life, .agent = name, .agent_life = life};
  Connection& connection = connections_[session];
  std::string known_as = name;
  if (bug_.swapped_clusters && Faulty() && random_.Chance(20)) known_as = RandomCluster();
  After(Delay(connection.last_up), [this, session, index, known_as] {
    Tell(index, connections_[session].server_life, server::SessionOpened{session, known_as});
  });
  After(Delay(connection.last_up), [this, session, name, life] {
    if (connections_[session].open) Tell(name, life, agent::SessionOpened{session});
  });
}

void Simulation::Do(const std::string& name, const agent::Send& action) {
  const auto at = connections_.find(action.session);
  if (at == connections_.end() || !at->second.open || agents_[name].cut_off) return;
  Connection& connection = at->second;
  AgentMessage message = action.message;
  if (bug_.from_agent && !bug_.from_agent(message, name, memory_)) return;
  if (verbose_) Say(name + " to server " + std::to_string(connection.server), Text(message));
  const int copies = chaotic_ && Faulty() ? (random_.Chance(5) ? 0 : random_.Chance(5) ? 2 : 1) : 1;
  for (int i = 0; i < copies; ++i) {
    After(Delay(connection.last_up), [this, session = action.session, message] {
      const Connection& to = connections_[session];
      if (to.open) Tell(to.server, to.server_life, server::Received{session, message});
    });
  }
}

void Simulation::Do(const std::string& name, const agent::Fetch& action) {
  After(random_.Between(1, 300), [this, name, life = agents_[name].life, action] {
    agent::Fetched fetched;
    for (const Digest& digest : action.digests) {
      for (const ServerProcess& process : servers_) {
        ObjectPtr object = process.core ? process.core->Find(name, digest) : nullptr;
        if (!object || agents_[name].cut_off) continue;
        fetched.objects.push_back(object);
        break;
      }
    }
    Tell(name, life, fetched);
  });
}

void Simulation::Do(const std::string& name, const agent::TryTarget& action) {
  After(random_.Between(1, 100), [this, name, life = agents_[name].life, action] {
    agent::Tried tried;
    if (Faulty() && random_.Chance(4)) {
      tried.failed = "connection refused";
    } else {
      for (const ObjectPtr& object : action.objects) {
        if (!IsBad(*object) || bug_.no_validation) continue;
        tried.errors.push_back({object->key, object->digest, "it is bad"});
      }
    }
    Tell(name, life, tried);
  });
}

void Simulation::Do(const std::string& name, const agent::Persist& action) {
  After(random_.Between(1, 20), [this, name, life = agents_[name].life, action] {
    AgentProcess& process = agents_[name];
    if (process.life != life && random_.Chance(50)) return;  // died before the rename
    const bool ok = !(Faulty() && random_.Chance(4));
    if (ok && !bug_.lost_records) {
      process.disk.push_back(action.record);
      if (process.disk.size() > 2) process.disk.erase(process.disk.begin());
    }
    Tell(name, life, agent::Persisted{ok, ok ? "" : "no space left"});
  });
}

// What a target that holds other things as well holds after the write: only what is named goes.
static SnapshotPtr Overlaid(const SnapshotPtr& before, const agent::WriteTarget& action) {
  std::map<ObjectKey, ObjectPtr> objects = action.objects->objects;
  if (before) objects.insert(before->objects.begin(), before->objects.end());
  std::erase_if(objects, [&](const auto& entry) {
    return action.leaving.contains(entry.first) && !action.objects->objects.contains(entry.first);
  });
  return MakeSnapshot(std::move(objects));
}

void Simulation::Do(const std::string& name, const agent::WriteTarget& action) {
  After(random_.Between(1, 20), [this, name, life = agents_[name].life, action] {
    AgentProcess& process = agents_[name];
    if (process.life != life && random_.Chance(50)) return;
    const bool ok = !(Faulty() && random_.Chance(4));
    if (ok && !bug_.unwritten_target) {
      SnapshotPtr after = process.stepwise ? Overlaid(process.target, action) : action.objects;
      if (bug_.partial_writes && process.life != life) {
        auto objects = after->objects;
        while (objects.size() > after->objects.size() / 2) objects.erase(std::prev(objects.end()));
        after = MakeSnapshot(std::move(objects));
      }
      ++report_.writes;
      if (verbose_) {
        const Delta delta = Diff(process.target ? *process.target : *EmptySnapshot(), *after);
        Say(name + " target", Text(action.version) + " " + Text(delta));
      }
      checker_.Written(name, action.version, process.target ? *process.target : *EmptySnapshot(),
                       *after, process.stepwise, now_);
      ring_checker_.Written(name, *after, now_);
      process.target = after;
    }
    Tell(name, life, agent::TargetWritten{ok, ok ? "" : "permission denied"});
  });
}

void Simulation::Do(const std::string& name, const agent::ReadTarget&) {
  After(random_.Between(1, 10), [this, name, life = agents_[name].life] {
    if (Faulty() && random_.Chance(4)) {
      return Tell(name, life, agent::TargetRead{nullptr, "connection refused"});
    }
    Tell(name, life, agent::TargetRead{agents_[name].target, ""});
  });
}

void Simulation::TickAgents() {
  for (const std::string& name : world_.clusters()) {
    Tell(name, agents_[name].life, agent::Tick{});
    if (!agents_[name].core && random_.Chance(20)) StartAgent(name);
  }
  After(Time(100), [this] { TickAgents(); });
}

void Simulation::Discover(const std::string& name) {
  After(random_.Between(1, 200), [this, name, life = agents_[name].life] {
    agent::Discovered discovered{.reason = "the directory is gone"};
    if (!agents_[name].source_broken)
      discovered.inventory = InventorySnapshot(world_.inventory(name));
    Tell(name, life, discovered);
  });
}

void Simulation::CloseConnection(std::uint64_t session, bool tell_both) {
  Connection& connection = connections_[session];
  if (!connection.open) return;
  connection.open = false;
  After(random_.Between(1, 3000), [this, session] {
    const Connection& closed = connections_[session];
    Tell(closed.agent, closed.agent_life, agent::SessionClosed{session});
  });
  if (!tell_both) return;
  After(random_.Between(1, 3000), [this, session] {
    const Connection& closed = connections_[session];
    Tell(closed.server, closed.server_life, server::SessionClosed{session});
  });
}

// How long a message takes; in order within a session unless it is chaotic.
Time Simulation::Delay(Time& last) {
  const Time at = now_ + random_.Between(1, Faulty() ? 300 : 20);
  if (chaotic_ && Faulty()) return at - now_;
  last = std::max(last + Time(1), at);
  return last - now_;
}

void Simulation::ReadPolicy() {
  for (std::size_t i = 0; i < kServers; ++i) {
    After(random_.Between(1, 200), [this, i, life = servers_[i].life] {
      server::PolicyRead read{.digest = std::to_string(world_.policy().number)};
      if (policy_broken_) read = {.degraded = "the directory is gone"};
      Tell(i, life, read);
    });
  }
}

}  // namespace weft::relay::sim
