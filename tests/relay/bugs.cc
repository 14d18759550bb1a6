#include "tests/relay/bugs.h"

#include <utility>

namespace weft::relay::sim {
namespace {

using Memory = Bug::Memory;

Offer* OfferIn(agent::Event& event) {
  auto* received = std::get_if<agent::Received>(&event);
  return received == nullptr ? nullptr : std::get_if<Offer>(&received->message);
}

template <typename T>
T* MessageIn(server::Event& event) {
  auto* received = std::get_if<server::Received>(&event);
  return received == nullptr ? nullptr : std::get_if<T>(&received->message);
}

// Remembers what each agent keeps on disk.
void Watch(std::vector<agent::Action>& actions, const std::string& cluster, Memory& memory) {
  for (const agent::Action& action : actions) {
    if (const auto* persist = std::get_if<agent::Persist>(&action)) {
      memory.snapshots.try_emplace(cluster + " first", persist->record.release);
      memory.records.try_emplace(cluster + " first", persist->record);
      memory.records[cluster] = persist->record;
    }
  }
}

// Changes every offer that reaches an agent into one that leads to what `change` makes of the set
// it is for; consistent in itself, so that only the release is wrong.
Bug Retarget(
    std::string name,
    std::function<void(std::map<ObjectKey, ObjectPtr>&, const std::string&, Memory&)> change) {
  Bug bug{.name = std::move(name)};
  bug.agent_actions = Watch;
  bug.agent_event = [change](agent::Event& event, const std::string& cluster, Memory& memory) {
    Offer* offer = OfferIn(event);
    if (offer == nullptr || !memory.records.contains(cluster)) return true;
    const Snapshot& now = *memory.records[cluster].release;
    for (const ObjectPtr& object : offer->delta.changed) {
      if (object->content.empty()) return true;
    }
    const Result<SnapshotPtr> target = ApplyDelta(now, offer->delta);
    if (!target.ok()) return true;
    std::map<ObjectKey, ObjectPtr> objects = target.value()->objects;
    change(objects, cluster, memory);
    offer->delta = Diff(now, *MakeSnapshot(std::move(objects)));
    return true;
  };
  return bug;
}

void AddOfferBugs(std::vector<Bug>& bugs) {
  bugs.push_back(Retarget("an_old_release_under_a_new_version",
                          [](auto& objects, const std::string& cluster, Memory& memory) {
                            objects = memory.snapshots[cluster + " first"]->objects;
                          }));
  bugs.push_back(
      Retarget("an_unnamed_object_removed_too", [](auto& objects, const std::string&, Memory&) {
        if (!objects.empty()) objects.erase(objects.begin());
      }));
  bugs.push_back(
      Retarget("an_object_with_another_content", [](auto& objects, const std::string&, Memory&) {
        if (objects.empty()) return;
        ObjectPtr& object = objects.begin()->second;
        object = MakeObject(object->key, object->content + "x");
      }));
  bugs.push_back(Retarget("an_object_of_nobody", [](auto& objects, const std::string&, Memory&) {
    const ObjectKey key{"VirtualService.networking.istio.io", "shop", "stray"};
    objects[key] = MakeObject(key, "v0");
  }));
  bugs.push_back({.name = "removals_dropped_from_offers",
                  .from_server = [](ServerMessage& message, const std::string&, Memory&) {
                    if (auto* offer = std::get_if<Offer>(&message)) offer->delta.removed.clear();
                    return true;
                  }});
  bugs.push_back({.name = "changes_dropped_from_offers",
                  .from_server = [](ServerMessage& message, const std::string&, Memory&) {
                    auto* offer = std::get_if<Offer>(&message);
                    if (offer != nullptr && offer->delta.changed.size() > 1) {
                      offer->delta.changed.pop_back();
                    }
                    return true;
                  }});
  bugs.push_back({.name = "permits_dropped_from_offers",
                  .from_server = [](ServerMessage& message, const std::string&, Memory&) {
                    if (auto* offer = std::get_if<Offer>(&message)) offer->permit.reset();
                    return true;
                  }});
  bugs.push_back({.name = "adoption_dropped_from_offers",
                  .from_server = [](ServerMessage& message, const std::string&, Memory&) {
                    if (auto* offer = std::get_if<Offer>(&message)) offer->adopt.clear();
                    return true;
                  }});
  bugs.push_back(
      {.name = "offers_never_newer",
       .from_server = [](ServerMessage& message, const std::string& cluster, Memory& memory) {
         auto* offer = std::get_if<Offer>(&message);
         if (offer == nullptr) return true;
         auto& first = memory.numbers[cluster];
         if (first == 0) first = offer->version.generation;
         offer->version.generation = first;
         return true;
       }});
  bugs.push_back({.name = "fetched_objects_unchecked",
                  .agent_event = [](agent::Event& event, const std::string&, Memory&) {
                    auto* fetched = std::get_if<agent::Fetched>(&event);
                    if (fetched == nullptr || fetched->objects.empty()) return true;
                    auto forged = std::make_shared<Object>(*fetched->objects.front());
                    forged->content += "x";
                    fetched->objects.front() = std::move(forged);
                    return true;
                  }});
}

void AddAgentBugs(std::vector<Bug>& bugs) {
  bugs.push_back({.name = "last_known_good_not_on_disk", .lost_records = true});
  bugs.push_back({.name = "target_not_written", .unwritten_target = true});
  bugs.push_back({.name = "target_not_replaced_at_once", .partial_writes = true});
  bugs.push_back({.name = "invalid_objects_taken", .no_validation = true});
  bugs.push_back({.name = "oldest_generation_loaded",
                  .agent_event =
                      [](agent::Event& event, const std::string& cluster, Memory& memory) {
                        auto* started = std::get_if<agent::Started>(&event);
                        if (started != nullptr && started->last_good) {
                          started->last_good = memory.records[cluster + " first"];
                        }
                        return true;
                      },
                  .agent_actions = Watch});
  bugs.push_back(
      {.name = "an_object_left_out_of_the_target",
       .agent_actions = [](std::vector<agent::Action>& actions, const std::string&, Memory&) {
         for (agent::Action& action : actions) {
           auto* write = std::get_if<agent::WriteTarget>(&action);
           if (write == nullptr || write->objects->objects.empty()) continue;
           auto objects = write->objects->objects;
           objects.erase(std::prev(objects.end()));
           write->objects = MakeSnapshot(std::move(objects));
         }
       }});
  bugs.push_back({.name = "removed_objects_stay_in_the_target",
                  .agent_actions = [](std::vector<agent::Action>& actions,
                                      const std::string& cluster, Memory& memory) {
                    for (agent::Action& action : actions) {
                      auto* write = std::get_if<agent::WriteTarget>(&action);
                      if (write == nullptr) continue;
                      auto objects = write->objects->objects;
                      SnapshotPtr& before = memory.snapshots[cluster];
                      if (before) objects.insert(before->objects.begin(), before->objects.end());
                      write->objects = before = MakeSnapshot(std::move(objects));
                    }
                  }});
  bugs.push_back(
      {.name = "the_target_emptied_at_start",
       .agent_event =
           [](agent::Event& event, const std::string& cluster, Memory& memory) {
             if (std::holds_alternative<agent::Started>(event)) {
               memory.numbers[cluster] = 1;
             }
             return true;
           },
       .agent_actions =
           [](std::vector<agent::Action>& actions, const std::string& cluster, Memory& memory) {
             for (agent::Action& action : actions) {
               auto* write = std::get_if<agent::WriteTarget>(&action);
               if (write == nullptr || memory.numbers[cluster] == 0) continue;
               memory.numbers[cluster] = 0;
               write->objects = EmptySnapshot();
             }
           }});
  bugs.push_back(
      {.name = "removals_before_additions",
       .agent_actions = [](std::vector<agent::Action>& actions, const std::string& cluster,
                           Memory& memory) {
         Watch(actions, cluster, memory);
         for (agent::Action& action : actions) {
           auto* write = std::get_if<agent::WriteTarget>(&action);
           if (write == nullptr || !memory.records.contains(cluster)) continue;
           auto objects = write->objects->objects;
           const auto& wanted = memory.records[cluster].release->objects;
           std::erase_if(objects, [&](const auto& entry) { return !wanted.contains(entry.first); });
           write->objects = MakeSnapshot(std::move(objects));
         }
       }});
  bugs.push_back({.name = "drift_not_seen",
                  .agent_event =
                      [](agent::Event& event, const std::string& cluster, Memory& memory) {
                        auto* read = std::get_if<agent::TargetRead>(&event);
                        if (read != nullptr && memory.records.contains(cluster)) {
                          read->found = memory.records[cluster].release;
                        }
                        return true;
                      },
                  .agent_actions = Watch});
  bugs.push_back({.name = "rejections_read_as_applied",
                  .from_agent =
                      [](AgentMessage& message, const std::string& cluster, Memory& memory) {
                        auto* ack = std::get_if<Ack>(&message);
                        if (ack == nullptr || ack->phase != Phase::kRejected) return true;
                        ack->phase = Phase::kApplied;
                        ack->root =
                            memory.snapshots[cluster] ? memory.snapshots[cluster]->root : ack->root;
                        return true;
                      },
                  .from_server =
                      [](ServerMessage& message, const std::string& cluster, Memory& memory) {
                        if (auto* offer = std::get_if<Offer>(&message)) {
                          auto named = std::make_shared<Snapshot>();
                          named->root = offer->delta.root;
                          memory.snapshots[cluster] = std::move(named);
                        }
                        return true;
                      }});
  bugs.push_back({.name = "acknowledgements_of_another_version",
                  .from_agent = [](AgentMessage& message, const std::string&, Memory&) {
                    if (auto* ack = std::get_if<Ack>(&message)) ++ack->version.generation;
                    return true;
                  }});
  bugs.push_back({.name = "what_the_agent_was_given_is_hidden",
                  .from_agent = [](AgentMessage& message, const std::string&, Memory&) {
                    if (auto* hello = std::get_if<Hello>(&message)) {
                      hello->store_id.clear();
                      hello->highest = hello->applied = {};
                      hello->root = EmptySnapshot()->root;
                    }
                    return true;
                  }});
  bugs.push_back({.name = "holdings_incomplete",
                  .from_agent = [](AgentMessage& message, const std::string&, Memory&) {
                    auto* holdings = std::get_if<Holdings>(&message);
                    if (holdings != nullptr && !holdings->entries.empty()) {
                      holdings->entries.pop_back();
                    }
                    return true;
                  }});
}

void AddDiscoveryBugs(std::vector<Bug>& bugs) {
  bugs.push_back({.name = "sessions_of_another_cluster", .swapped_clusters = true});
  bugs.push_back({.name = "a_truncated_source_is_complete",
                  .agent_event = [](agent::Event& event, const std::string&, Memory& memory) {
                    auto* discovered = std::get_if<agent::Discovered>(&event);
                    if (discovered == nullptr) return true;
                    if (discovered->inventory) {
                      memory.snapshots["whole"] = discovered->inventory;
                    } else if (memory.snapshots["whole"]) {
                      auto objects = memory.snapshots["whole"]->objects;
                      objects.erase(std::next(objects.begin()), objects.end());
                      discovered->inventory = MakeSnapshot(std::move(objects));
                    }
                    return true;
                  }});
  bugs.push_back({.name = "uploads_acknowledged_and_forgotten",
                  .from_agent =
                      [](AgentMessage& message, const std::string& cluster, Memory& memory) {
                        auto* upload = std::get_if<Discovery>(&message);
                        if (upload == nullptr || upload->full) return true;
                        auto named = std::make_shared<Snapshot>();
                        named->root = upload->delta.root;
                        memory.snapshots[cluster] = std::move(named);
                        upload->delta = {.parent = upload->delta.parent,
                                         .root = upload->delta.parent};
                        return true;
                      },
                  .from_server =
                      [](ServerMessage& message, const std::string& cluster, Memory& memory) {
                        auto* ack = std::get_if<InputAck>(&message);
                        if (ack != nullptr && memory.snapshots[cluster]) {
                          ack->root = memory.snapshots[cluster]->root;
                        }
                        return true;
                      }});
  bugs.push_back({.name = "uploads_lose_objects",
                  .from_agent = [](AgentMessage& message, const std::string&, Memory&) {
                    auto* upload = std::get_if<Discovery>(&message);
                    if (upload != nullptr && upload->delta.changed.size() == 1) {
                      upload->delta.changed.clear();
                    }
                    return true;
                  }});
  bugs.push_back({.name = "an_absent_cluster_has_nothing",
                  .server_event =
                      [](server::Event& event, Memory& memory) {
                        if (std::holds_alternative<server::SessionClosed>(event)) {
                          memory.numbers["closed"] = 1;
                        }
                        return true;
                      },
                  .server_actions =
                      [](std::vector<server::Action>& actions, Memory& memory) {
                        for (server::Action& action : actions) {
                          auto* compile = std::get_if<server::Compile>(&action);
                          if (compile == nullptr || compile->inputs.empty()) continue;
                          if (std::exchange(memory.numbers["closed"], 0) == 1) {
                            compile->inputs.begin()->second = EmptySnapshot();
                          }
                        }
                      }});
  bugs.push_back({.name = "discovery_not_loaded", .load = [](ServerImage& image, Memory&) {
                    for (auto& [name, record] : image.clusters) record.input = EmptySnapshot();
                  }});
}

void AddReleaseBugs(std::vector<Bug>& bugs) {
  bugs.push_back({.name = "transactions_compare_nothing", .unfenced_store = true});
  bugs.push_back({.name = "commits_acknowledged_and_lost", .lost_commits = true});
  bugs.push_back({.name = "holds_approved_by_nobody", .self_approval = true});
  bugs.push_back(
      {.name = "failed_commits_read_as_done", .server_event = [](server::Event& event, Memory&) {
         auto* committed = std::get_if<server::Committed>(&event);
         if (committed != nullptr && committed->outcome == server::Committed::Outcome::kFailed) {
           committed->outcome = server::Committed::Outcome::kDone;
         }
         return true;
       }});
  bugs.push_back(
      {.name = "fenced_commits_read_as_failed", .server_event = [](server::Event& event, Memory&) {
         auto* committed = std::get_if<server::Committed>(&event);
         if (committed != nullptr && committed->outcome == server::Committed::Outcome::kFenced) {
           committed->outcome = server::Committed::Outcome::kFailed;
         }
         if (auto* leads = std::get_if<server::Leadership>(&event)) leads->still = true;
         return true;
       }});
  bugs.push_back({.name = "a_deposed_server_stays",
                  .server_actions = [](std::vector<server::Action>& actions, Memory&) {
                    std::erase_if(actions, [](const server::Action& action) {
                      return std::holds_alternative<server::StepDown>(action) ||
                             std::holds_alternative<server::Close>(action);
                    });
                  }});
  bugs.push_back(
      {.name = "verdict_not_looked_at", .server_event = [](server::Event& event, Memory&) {
         if (auto* compiled = std::get_if<server::Compiled>(&event)) {
           compiled->candidate.verdict = Verdict::kProved;
         }
         return true;
       }});
  bugs.push_back({.name = "the_candidate_before_is_released",
                  .server_event = [](server::Event& event, Memory& memory) {
                    auto* compiled = std::get_if<server::Compiled>(&event);
                    if (compiled == nullptr || compiled->candidate.verdict != Verdict::kProved) {
                      return true;
                    }
                    for (auto& [cluster, output] : compiled->candidate.outputs) {
                      SnapshotPtr& before = memory.snapshots[cluster];
                      std::swap(before, output);
                      if (!output) output = before;
                    }
                    return true;
                  }});
  bugs.push_back({.name = "refusals_forgotten", .server_event = [](server::Event& event, Memory&) {
                    if (Ack* ack = MessageIn<Ack>(event)) {
                      if (!ack->errors.empty()) ack->reason = "it did not work";
                      ack->errors.clear();
                    }
                    return true;
                  }});
  bugs.push_back({.name = "what_was_there_before_a_refusal_forgotten",
                  .load = [](ServerImage& image, Memory&) {
                    for (auto& [name, record] : image.clusters) {
                      for (auto& [key, refusals] : record.refused) {
                        for (auto& [digest, refusal] : refusals) refusal.instead = nullptr;
                      }
                    }
                  }});
  bugs.push_back({.name = "spent_budget_forgotten_at_restart",
                  .agent_event =
                      [](agent::Event& event, const std::string&, Memory&) {
                        auto* started = std::get_if<agent::Started>(&event);
                        if (started != nullptr && started->last_good) {
                          started->last_good->spent.clear();
                        }
                        return true;
                      },
                  .load =
                      [](ServerImage& image, Memory&) {
                        for (auto& [name, record] : image.clusters) record.spent.clear();
                      }});
  bugs.push_back({.name = "the_term_before_is_used", .load = [](ServerImage& image, Memory&) {
                    if (image.term > 1) --image.term;
                  }});
  bugs.push_back({.name = "the_head_before_is_loaded", .load = [](ServerImage& image, Memory&) {
                    if (image.head.generation > 0) --image.head.generation;
                  }});
  bugs.push_back({
      .name = "every_term_is_known",
      .load =
          [](ServerImage& image, Memory&) {
            for (auto& [term, reign] : image.reigns) reign.last_generation = 1U << 30;
          },
  });
}

void AddRingBugs(std::vector<Bug>& bugs) {
  bugs.push_back({.name = "the_soak_is_not_waited_for", .no_soak = true});
  bugs.push_back({.name = "the_last_ring_comes_first", .reversed_rings = true});
  bugs.push_back({.name = "every_ring_at_once_on_nobodys_word", .self_express = true});
  bugs.push_back({.name = "every_policy_is_taken_for_the_first",
                  .server_event = [](server::Event& event, Memory&) {
                    auto* compiled = std::get_if<server::Compiled>(&event);
                    if (compiled != nullptr) compiled->candidate.policy = "1";
                    return true;
                  }});
  bugs.push_back(
      {.name = "complaints_are_not_heard", .server_event = [](server::Event& event, Memory&) {
         if (auto* heartbeat = MessageIn<Heartbeat>(event)) heartbeat->complaint.clear();
         return true;
       }});
  bugs.push_back({.name = "a_ring_goes_back_to_half_of_what_it_held",
                  .server_actions = [](std::vector<server::Action>& actions, Memory&) {
                    for (server::Action& action : actions) {
                      auto* commit = std::get_if<server::Commit>(&action);
                      if (commit == nullptr) continue;
                      for (auto& [name, record] : commit->records) {
                        if (record.pinned_why.empty()) continue;
                        auto objects = record.desired->objects;
                        while (objects.size() > record.desired->objects.size() / 2) {
                          objects.erase(objects.begin());
                        }
                        record.desired = MakeSnapshot(std::move(objects));
                      }
                    }
                  }});
  bugs.push_back({.name = "what_a_ring_went_back_from_forgotten_at_restart",
                  .load = [](ServerImage& image, Memory&) {
                    for (auto& [name, record] : image.clusters) {
                      record.pinned_policy.clear();
                      record.pinned_why.clear();
                    }
                  }});
}

}  // namespace

const std::vector<Bug>& PlantedBugs() {
  static const std::vector<Bug> bugs = [] {
    std::vector<Bug> all;
    AddOfferBugs(all);
    AddAgentBugs(all);
    AddDiscoveryBugs(all);
    AddReleaseBugs(all);
    AddRingBugs(all);
    return all;
  }();
  return bugs;
}

}  // namespace weft::relay::sim
