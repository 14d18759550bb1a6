#include "relay/core/server.h"

#include <algorithm>
#include <utility>

#include "relay/core/limits.h"

namespace weft::relay {

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProved:
      return "proved";
    case Verdict::kViolated:
      return "violated";
    case Verdict::kUndecided:
      return "undecided";
    case Verdict::kInvalid:
      return "invalid";
  }
  return "";
}

namespace server {

Server::Server(Config config, ServerImage image, Time now)
    : config_(std::move(config)), image_(std::move(image)), now_(now) {
  for (auto& [name, record] : image_.clusters) {
    Cluster& cluster = clusters_[name];
    cluster.record = std::move(record);
    cluster.budget.Restore(cluster.record.spent, now);
    Remember(cluster, cluster.record.desired);
  }
  image_.clusters.clear();
  candidate_.verdict = Verdict::kUndecided;
  candidate_.findings = "[]";
}

std::vector<Action> Server::On(const Event& event, Time now) {
  now_ = now;
  actions_.clear();
  if (leader_) std::visit([this](const auto& e) { Handle(e); }, event);
  return std::move(actions_);
}

void Server::Handle(const SessionOpened& event) {
  Cluster& cluster = clusters_[event.cluster];
  if (cluster.session != 0) CloseSession(cluster, "the cluster opened a newer session");
  cluster.session = event.session;
  cluster.heard_at = now_;
  sessions_[event.session] = event.cluster;
}

void Server::Handle(const SessionClosed& event) {
  const auto at = sessions_.find(event.session);
  if (at == sessions_.end()) return;
  Cluster& cluster = clusters_[at->second];
  if (cluster.session == event.session) Drop(cluster);
  sessions_.erase(event.session);
}

// What the cluster reported and what it runs stays; only what belongs to the session goes.
void Server::Drop(Cluster& cluster) {
  sessions_.erase(cluster.session);
  cluster.session = 0;
  cluster.greeted = false;
  cluster.fresh = false;
  cluster.upload.reset();
  cluster.in_flight.reset();
  cluster.holds_now = nullptr;
  cluster.effective = false;
  cluster.held_since.reset();
}

void Server::CloseSession(Cluster& cluster, const std::string& reason) {
  actions_.emplace_back(Close{cluster.session, reason});
  Drop(cluster);
}

void Server::Handle(const Dismiss& event) {
  const auto at = clusters_.find(event.cluster);
  if (at != clusters_.end() && at->second.session != 0) CloseSession(at->second, event.reason);
}

void Server::Handle(const Received& event) {
  const auto at = sessions_.find(event.session);
  if (at == sessions_.end()) return;
  const std::string name = at->second;
  Cluster& cluster = clusters_[name];
  cluster.heard_at = now_;
  if (!cluster.greeted && !std::holds_alternative<Hello>(event.message)) {
    return CloseSession(cluster, "the first message of a session is Hello");
  }
  std::visit([&](const auto& message) { Handle(name, cluster, message); }, event.message);
}

void Server::Handle(const std::string&, Cluster& cluster, const Heartbeat& message) {
  cluster.source_error = message.degraded;
  if (cluster.complaint == message.complaint) return;
  cluster.complaint = message.complaint;
  MaybeCommit();
}

void Server::Handle(const std::string& name, Cluster& cluster, const Drift& message) {
  if (message.objects.empty()) return;
  for (const Drifted& object : message.objects) {
    DriftStatus& known = cluster.drift[object.key];
    known = {.object = object, .held = message.held, .times = known.times + 1, .ago = now_};
  }
  std::erase_if(cluster.drift, [&](const auto& one) { return now_ - one.second.ago > kDriftTold; });
  while (cluster.drift.size() > kMaxDrifted) {
    cluster.drift.erase(
        std::min_element(cluster.drift.begin(), cluster.drift.end(),
                         [](const auto& a, const auto& b) { return a.second.ago < b.second.ago; }));
  }
  const Drifted& first = message.objects.front();
  std::string what = std::string(message.held ? "held" : "repaired") + " drift of " +
                     ToText(first.key) + ": " + first.detail;
  if (message.objects.size() > 1) {
    what += ", and of " + std::to_string(message.objects.size() - 1) + " more";
  }
  actions_.emplace_back(Audit{"cluster " + name, std::move(what)});
}

void Server::Handle(const Tick&) {
  if (now_ >= check_leadership_at_) {
    check_leadership_at_ = now_ + config_.check_leadership;
    actions_.emplace_back(CheckLeadership{});
  }
  for (auto& [name, cluster] : clusters_) {
    if (cluster.session == 0) continue;
    if (now_ - cluster.heard_at > config_.session_timeout) {
      CloseSession(cluster, "nothing was heard");
      continue;
    }
    if (cluster.in_flight && now_ - cluster.in_flight->at > config_.offer_timeout) {
      cluster.in_flight.reset();
    }
    if (cluster.greeted && !cluster.holds_now && now_ - cluster.asked_at > config_.offer_timeout) {
      Learn(cluster, cluster.hello.root);
    }
    if (cluster.holds_now && now_ - cluster.asked_at > config_.offer_timeout) AskContents(cluster);
    if (ForgetServed(cluster)) dirty_.insert(name);
    MaybeOffer(name, cluster);
  }
  MaybeCompile();
  MaybeCommit();
}

void Server::Handle(const Leadership& event) {
  if (!event.still) return Depose();
  for (const std::string& name : ahead_) {
    Cluster& cluster = clusters_[name];
    if (cluster.session == 0 || Knows(cluster)) continue;
    HoldAgent(
        name, cluster, Hold::Kind::kAhead,
        "its agent was given a newer release than this store knows: was an old backup restored?",
        {});
  }
  ahead_.clear();
}

void Server::Depose() {
  for (auto& [name, cluster] : clusters_) {
    if (cluster.session != 0) CloseSession(cluster, "another server leads");
  }
  leader_ = false;
  actions_.emplace_back(StepDown{});
}

ObjectPtr Server::Find(const std::string& cluster, const Digest& digest) const {
  const auto at = clusters_.find(cluster);
  if (at == clusters_.end()) return nullptr;
  for (const SnapshotPtr& snapshot :
       {at->second.in_flight ? at->second.in_flight->target : nullptr, at->second.record.desired}) {
    if (!snapshot) continue;
    for (const auto& [key, object] : snapshot->objects) {
      if (object->digest == digest && !object->content.empty()) return object;
    }
  }
  return nullptr;
}

bool Server::HasHold(const std::string& id) const {
  return std::any_of(clusters_.begin(), clusters_.end(), [&](const auto& entry) {
    const Cluster& cluster = entry.second;
    return (cluster.hold && cluster.hold->id == id) ||
           (cluster.agent_hold && cluster.agent_hold->id == id);
  });
}

}  // namespace server
}  // namespace weft::relay
