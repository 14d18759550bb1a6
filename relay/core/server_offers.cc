// The server: from committed releases to what agents have applied.
#include <algorithm>
#include <utility>

#include "relay/core/server.h"

namespace weft::relay::server {
namespace {

constexpr std::size_t kRemembered = 16;  // sets an agent may come back with, of each cluster

}  // namespace

void Server::Handle(const std::string& name, Cluster& cluster, const Hello& message) {
  const Welcome welcome{image_.store_id, image_.term, cluster.record.input->root};
  actions_.emplace_back(Send{cluster.session, welcome});
  if (cluster.greeted) return;  // it did not hear the first welcome
  cluster.greeted = true;
  cluster.hello = message;
  cluster.applied = message.applied;
  cluster.in_flight.reset();
  cluster.agent_hold.reset();
  cluster.rejection.clear();
  cluster.complaint.clear();
  cluster.offer_not_before = now_;
  cluster.in_force = cluster.effective = message.in_force;
  const bool foreign = !message.store_id.empty() && message.store_id != image_.store_id &&
                       !(cluster.record.rebase && message.store_id == cluster.record.adopt);
  if (foreign) {
    HoldAgent(name, cluster, Hold::Kind::kAhead,
              "its agent runs releases of another store: was this server's store lost?", {});
  } else if (!Knows(cluster) && !cluster.record.rebase) {
    // Either another server leads by now, or the store lost what it had committed.
    ahead_.insert(name);
    actions_.emplace_back(CheckLeadership{});
  }
  Learn(cluster, message.root);
  MaybeOffer(name, cluster);
}

bool Server::Knows(const Cluster& cluster) const {
  const Hello& hello = cluster.hello;
  if (hello.highest == Version{}) {
    // A new agent, or one that lost its memory and found objects of its own.
    return hello.root == EmptySnapshot()->root || cluster.known.contains(hello.root);
  }
  const auto reign = image_.reigns.find(hello.highest.term);
  return reign != image_.reigns.end() && reign->second.number == hello.reign &&
         hello.highest.generation <= reign->second.last_generation;
}

void Server::Learn(Cluster& cluster, const Digest& root) {
  const auto known = cluster.known.find(root);
  if (known != cluster.known.end()) {
    cluster.holds_now = known->second;
  } else if (root == EmptySnapshot()->root) {
    cluster.holds_now = EmptySnapshot();
  } else {
    cluster.holds_now = nullptr;
    cluster.asked_at = now_;
    actions_.emplace_back(Send{cluster.session, Inquire{}});
  }
  AskContents(cluster);
}

void Server::AskContents(Cluster& cluster) {
  Inquire inquire;
  for (const auto& [key, refusals] : cluster.record.refused) {
    for (const auto& [digest, refusal] : refusals) {
      if (refusal.instead && refusal.instead->content.empty()) {
        inquire.wanted.push_back(refusal.instead->digest);
      }
    }
  }
  if (inquire.wanted.empty()) return;
  cluster.rejection = "waits for the content of what its agent keeps and this store never saw";
  cluster.asked_at = now_;
  actions_.emplace_back(Send{cluster.session, std::move(inquire)});
}

void Server::Handle(const std::string& name, Cluster& cluster, const Contents& message) {
  bool news = false;
  for (const ObjectPtr& object : message.objects) {
    const auto at = cluster.record.refused.find(object->key);
    if (at == cluster.record.refused.end() || object->content.empty()) continue;
    for (auto& [digest, refusal] : at->second) {
      const bool missing = refusal.instead && refusal.instead->content.empty();
      if (!missing || refusal.instead->digest != object->digest) continue;
      refusal.instead = object;
      news = true;
    }
  }
  if (!news) return;
  dirty_.insert(name);
  AskContents(cluster);
  MaybeCommit();
}

void Server::Handle(const std::string& name, Cluster& cluster, const Holdings& message) {
  std::map<Digest, ObjectPtr> contents;
  for (const auto& [root, snapshot] : cluster.known) {
    for (const auto& [key, object] : snapshot->objects) contents[object->digest] = object;
  }
  std::map<ObjectKey, ObjectPtr> objects;
  for (const Holdings::Entry& entry : message.entries) {
    const auto known = contents.find(entry.digest);
    if (known != contents.end() && known->second->key == entry.key) {
      objects[entry.key] = known->second;
      continue;
    }
    // Named by the agent alone: enough to compute a change, never offered to anyone.
    auto object = std::make_shared<Object>();
    object->key = entry.key;
    object->digest = entry.digest;
    objects[entry.key] = std::move(object);
  }
  SnapshotPtr snapshot = MakeSnapshot(std::move(objects));
  if (snapshot->root != message.root) {
    return CloseSession(cluster, "what the agent says it has does not add up");
  }
  cluster.holds_now = std::move(snapshot);
  MaybeOffer(name, cluster);
}

void Server::MaybeOffer(const std::string& name, Cluster& cluster) {
  const ClusterRecord& record = cluster.record;
  if (cluster.session == 0 || !cluster.greeted || !cluster.holds_now || cluster.in_flight ||
      now_ < cluster.offer_not_before || record.version.generation == 0 || ahead_.contains(name)) {
    return;
  }
  if (cluster.applied == record.version && cluster.holds_now->root == record.desired->root) return;
  if (cluster.agent_hold && cluster.agent_hold->kind == Hold::Kind::kAhead) return;
  if (record.rebase &&
      (!rebased_ || !IsIn(cluster) || Next(cluster)->root != record.desired->root)) {
    cluster.rejection = rebased_ && !IsIn(cluster) ? "waits for the rings before it"
                                                   : "waits until every cluster has reported anew";
    return;
  }
  Delta delta = Diff(*cluster.holds_now, *record.desired);
  const bool refused =
      std::any_of(delta.changed.begin(), delta.changed.end(), [&](const ObjectPtr& object) {
        const auto at = record.refused.find(object->key);
        return at != record.refused.end() && at->second.contains(object->digest);
      });
  if (refused) return;  // the next release does without
  const Digest removals = RemovalsDigest(name, delta.removed);
  std::optional<Permit> permit;
  for (const Permit& one : record.permits) {
    if (one.removals == removals) permit = one;
  }
  const std::vector<std::string> exceeded = PruneBudget().Exceeded(*cluster.holds_now, delta, now_);
  if (!exceeded.empty() && !permit) {
    return HoldAgent(name, cluster, Hold::Kind::kAgent, exceeded.front(), delta.removed);
  }
  if (cluster.agent_hold && cluster.agent_hold->removed == delta.removed && !permit) return;
  cluster.agent_hold.reset();
  cluster.in_flight = InFlight{record.version, record.desired, delta.removed, now_};
  actions_.emplace_back(
      Send{cluster.session, Offer{.store_id = image_.store_id,
                                  .version = record.version,
                                  .reign = image_.reigns[record.version.term].number,
                                  .delta = std::move(delta),
                                  .permit = permit,
                                  .adopt = record.adopt}});
}

void Server::Handle(const std::string& name, Cluster& cluster, const Ack& message) {
  if (message.phase == Phase::kRejected) {
    Refused(name, cluster, message);
  } else {
    Took(name, cluster, message);
  }
}

std::set<Digest> Server::Wanted(const Cluster& cluster, const ObjectKey& key) {
  std::set<Digest> wanted;
  const auto refused = cluster.record.refused.find(key);
  for (const SnapshotPtr& set :
       {cluster.candidate, cluster.record.desired, cluster.rollback_to, cluster.record.good}) {
    if (!set) continue;
    const auto at = set->objects.find(key);
    ObjectPtr object = at == set->objects.end() ? nullptr : at->second;
    while (object && wanted.insert(object->digest).second) {
      if (refused == cluster.record.refused.end()) break;
      const auto refusal = refused->second.find(object->digest);
      object = refusal == refused->second.end() ? nullptr : refusal->second.instead;
    }
  }
  return wanted;
}

// A refusal is for one digest of an object; when nobody wants that any more, it is past. Before the
// first candidate nobody knows what is wanted.
bool Server::ForgetRefusals(Cluster& cluster) {
  if (!cluster.candidate) return false;
  bool forgotten = false;
  for (auto& [key, refusals] : cluster.record.refused) {
    const std::set<Digest> wanted = Wanted(cluster, key);
    forgotten |=
        std::erase_if(refusals, [&](const auto& one) { return !wanted.contains(one.first); }) > 0;
  }
  std::erase_if(cluster.record.refused, [](const auto& entry) { return entry.second.empty(); });
  return forgotten;
}

bool Server::ForgetServed(Cluster& cluster) const {
  bool forgotten = false;
  for (auto& [key, refusals] : cluster.record.refused) {
    forgotten |= std::erase_if(refusals, [&](const auto& one) {
                   const Refusal& refusal = one.second;
                   return refusal.needs && now_ >= refusal.again_at &&
                          cluster.record.input->objects.contains(*refusal.needs);
                 }) > 0;
  }
  std::erase_if(cluster.record.refused, [](const auto& entry) { return entry.second.empty(); });
  return forgotten;
}

void Server::Refused(const std::string& name, Cluster& cluster, const Ack& message) {
  if (message.version == cluster.applied && !cluster.in_flight) {
    cluster.effective = cluster.in_force = false;  // it was applied, and is no more
    cluster.rejection = message.reason;
    return;
  }
  const bool offered = cluster.in_flight && cluster.in_flight->version == message.version;
  // A refusal of objects counts also when the offer was given up meanwhile.
  const bool late = !message.errors.empty() && message.version == cluster.record.version &&
                    cluster.holds_now != nullptr;
  if (!offered && !late) return;
  const std::vector<ObjectKey> removed =
      offered ? cluster.in_flight->removed : std::vector<ObjectKey>();
  cluster.in_flight.reset();
  cluster.rejection = message.reason;
  for (const ObjectError& error : message.errors) {
    // Before the first candidate nobody knows what is wanted, and the refusal must not be lost.
    if (cluster.candidate && !Wanted(cluster, error.key).contains(error.digest)) continue;
    const auto had = cluster.holds_now->objects.find(error.key);
    Refusal& refusal = cluster.record.refused[error.key][error.digest];
    refusal = {.detail = error.detail,
               .instead = had == cluster.holds_now->objects.end() ? nullptr : had->second,
               .needs = error.needs};
    // Discovery is ahead of the refusal, or behind the API server: not at once, then.
    if (error.needs && cluster.record.input->objects.contains(*error.needs)) {
      refusal.again_at = now_ + config_.retry_refused;
    }
  }
  AskContents(cluster);
  if (!message.errors.empty()) {
    actions_.emplace_back(Audit{"cluster " + name, "refused " + ToText(message.errors.front().key) +
                                                       ": " + message.errors.front().detail});
    dirty_.insert(name);
    return MaybeCommit();
  }
  if (message.over_budget) {
    return HoldAgent(name, cluster, Hold::Kind::kAgent,
                     "its agent allows no more removals within the hour", removed);
  }
  cluster.offer_not_before = now_ + config_.retry;
  if (cluster.holds_now && message.root != cluster.holds_now->root) Learn(cluster, message.root);
}

void Server::Took(const std::string& name, Cluster& cluster, const Ack& message) {
  const bool offered = cluster.in_flight && cluster.in_flight->version == message.version &&
                       cluster.in_flight->target->root == message.root;
  const bool released =
      cluster.record.version == message.version && cluster.record.desired->root == message.root;
  if (!offered && !released) {
    // An old release came into force: a late answer, or a put back after a restart.
    if (message.version == cluster.applied) cluster.in_force = true;
    return;
  }
  cluster.holds_now = offered ? cluster.in_flight->target : cluster.record.desired;
  cluster.applied = message.version;
  cluster.in_force = true;
  cluster.effective = message.phase == Phase::kEffective;
  if (cluster.effective) {
    for (auto& [key, drift] : cluster.drift) drift.held = false;
  }
  cluster.rejection.clear();
  cluster.in_flight.reset();
  if (cluster.record.rebase || (released && !cluster.record.permits.empty())) {
    cluster.record.rebase = false;
    cluster.record.adopt.clear();
    if (released) cluster.record.permits.clear();
    dirty_.insert(name);
  }
  MaybeOffer(name, cluster);
  MaybeCommit();
}

void Server::Remember(Cluster& cluster, const SnapshotPtr& snapshot) {
  if (!cluster.known.emplace(snapshot->root, snapshot).second) return;
  cluster.known_order.push_back(snapshot->root);
  if (cluster.known_order.size() <= kRemembered) return;
  cluster.known.erase(cluster.known_order.front());
  cluster.known_order.erase(cluster.known_order.begin());
}

}  // namespace weft::relay::server
