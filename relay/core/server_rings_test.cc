// Rings: when a policy comes to which cluster, and when it goes again. The simulation (tests/relay)
// holds the same under faults.
#include <gtest/gtest.h>

#include <deque>

#include "dsl/overloaded.h"
#include "relay/core/server.h"

namespace weft::relay::server {
namespace {

ObjectKey RingKey(const std::string& name) {
  return {"VirtualService.networking.istio.io", "shop", name};
}

SnapshotPtr RingSet(const std::string& content) {
  std::map<ObjectKey, ObjectPtr> objects;
  for (const char* name : {"a", "b"}) {
    objects[RingKey(name)] = MakeObject(RingKey(name), name + content);
  }
  return MakeSnapshot(std::move(objects));
}

// A server with `canary` in ring 0 and `rest` in ring 1, whose agents take every offer at once.
class RingsTest : public testing::Test {
 protected:
  RingsTest() : server_(Rings(), Image(), Time(0)) {
    std::uint64_t session = 0;
    for (const char* cluster : {"canary", "rest"}) {
      clusters_[++session] = cluster;
      On(SessionOpened{session, cluster});
      On(Received{session, Hello{.root = EmptySnapshot()->root}});
      On(Received{session, Discovery{.sequence = 1,
                                     .full = true,
                                     .delta = Diff(*EmptySnapshot(), *RingSet("discovered"))}});
    }
  }

  static Config Rings() {
    Config config;
    config.rings = {{"canary", 0}, {"rest", 1}};
    config.soak = std::chrono::seconds(30);
    return config;
  }
  static ServerImage Image() {
    ServerImage image{.store_id = "store", .term = 1};
    image.reigns[1] = {7, 0};
    return image;
  }

  void On(const Event& event) {
    now_ += std::chrono::milliseconds(100);
    std::deque<Event> events = {event};
    while (!events.empty()) {
      for (const Action& action : server_.On(events.front(), now_)) {
        std::visit(
            Overloaded{[&](const Send& send) { Answer(send, events); },
                       [&](const Commit&) { events.emplace_back(Committed{}); },
                       [&](const Compile& compile) { serial_ = compile.serial; },
                       [&](const CheckLeadership&) { events.emplace_back(Leadership{true}); },
                       [&](const Audit& audit) { log_ += audit.what + "\n"; }, [](const auto&) {}},
            action);
      }
      events.pop_front();
    }
  }
  void Answer(const Send& send, std::deque<Event>& events) {
    const Offer* offer = std::get_if<Offer>(&send.message);
    if (offer == nullptr) return;
    const std::string& cluster = clusters_[send.session];
    Ack ack{.version = offer->version, .phase = Phase::kEffective, .root = offer->delta.root};
    if (refuses_ == cluster && !offer->delta.changed.empty()) {
      const ObjectPtr& first = offer->delta.changed.front();
      ack.phase = Phase::kRejected;
      ack.errors.push_back({first->key, first->digest, "no"});
    } else {
      roots_[cluster] = offer->delta.root;
    }
    events.emplace_back(Received{send.session, ack});
  }
  void Policy(const std::string& name) {
    On(PolicyRead{name, ""});
    Wait(std::chrono::seconds(1));
    On(Compiled{{.serial = serial_,
                 .policy = name,
                 .verdict = Verdict::kProved,
                 .findings = "[]",
                 .declared = {"canary", "rest"},
                 .outputs = {{"canary", RingSet(name)}, {"rest", RingSet(name)}}}});
  }
  void Wait(Time time) {
    for (const Time end = now_ + time; now_ < end;) {
      On(Tick{});
      for (const auto& [session, cluster] : clusters_) {
        On(Received{session, Heartbeat{"", complaints_[session]}});
      }
    }
  }
  [[nodiscard]] bool Runs(const std::string& cluster, const std::string& policy) const {
    const auto at = roots_.find(cluster);
    return at != roots_.end() && at->second == RingSet(policy)->root;
  }
  void Complain(std::uint64_t session, const std::string& complaint) {
    complaints_[session] = complaint;
    On(Received{session, Heartbeat{"", complaint}});
  }

  Server server_;
  Time now_{0};
  std::uint64_t serial_ = 0;
  std::string refuses_;
  std::string log_;
  std::map<std::uint64_t, std::string> clusters_;    // by session
  std::map<std::uint64_t, std::string> complaints_;  // by session
  std::map<std::string, Digest> roots_;
};

TEST_F(RingsTest, APolicyComesToTheNextRingAfterTheSoak) {
  Policy("one");
  EXPECT_TRUE(Runs("canary", "one"));
  Wait(std::chrono::seconds(28));
  EXPECT_FALSE(Runs("rest", "one"));
  ASSERT_EQ(server_.GetStatus().rings.size(), 2U);
  EXPECT_EQ(server_.GetStatus().rings[0].state, RingStatus::State::kSoaking);
  EXPECT_EQ(server_.GetStatus().rings[1].state, RingStatus::State::kWaiting);
  EXPECT_FALSE(server_.GetStatus().live);
  Wait(std::chrono::seconds(3));
  EXPECT_TRUE(Runs("rest", "one"));
  EXPECT_TRUE(server_.GetStatus().live);
}

TEST_F(RingsTest, TheSoakBeginsAnewWithASession) {
  Policy("one");
  Wait(std::chrono::seconds(28));
  On(SessionClosed{1});
  clusters_[3] = "canary";
  On(SessionOpened{3, "canary"});
  On(Received{3, Hello{.store_id = "store",
                       .applied = {1, 1},
                       .highest = {1, 1},
                       .reign = 7,
                       .root = RingSet("one")->root,
                       .in_force = true}});
  Wait(std::chrono::seconds(28));
  EXPECT_FALSE(Runs("rest", "one"));
  Wait(std::chrono::seconds(3));
  EXPECT_TRUE(Runs("rest", "one"));
}

TEST_F(RingsTest, AComplaintTakesThePolicyBackFromItsRingAlone) {
  Policy("one");
  Wait(std::chrono::seconds(70));
  Policy("two");
  EXPECT_TRUE(Runs("canary", "two"));
  Wait(std::chrono::seconds(10));
  Complain(1, "is not well");
  EXPECT_TRUE(Runs("canary", "one"));
  EXPECT_TRUE(Runs("rest", "one"));
  EXPECT_EQ(server_.GetStatus().rings[0].state, RingStatus::State::kRolledBack);
  EXPECT_EQ(server_.GetStatus().rings[0].why, "canary is not well");
  EXPECT_NE(log_.find("rolled back ring 0"), std::string::npos);
  Complain(1, "");
  Wait(std::chrono::seconds(100));
  EXPECT_TRUE(Runs("canary", "one")) << "what was bad once is bad";
  EXPECT_TRUE(Runs("rest", "one"));
  Policy("three");
  Wait(std::chrono::seconds(40));
  EXPECT_TRUE(Runs("canary", "three"));
  EXPECT_TRUE(Runs("rest", "three"));
}

TEST_F(RingsTest, ARefusalInALaterRingLeavesTheRingsBeforeIt) {
  Policy("one");
  Wait(std::chrono::seconds(70));
  refuses_ = "rest";
  Policy("two");
  Wait(std::chrono::seconds(40));
  refuses_.clear();
  Wait(std::chrono::seconds(40));
  EXPECT_TRUE(Runs("canary", "two"));
  EXPECT_TRUE(Runs("rest", "one")) << "neither the refused object nor its neighbours";
  EXPECT_EQ(server_.GetStatus().rings[1].state, RingStatus::State::kRolledBack);
}

TEST_F(RingsTest, WhoComplainedBeforeSaysNothingAboutThePolicy) {
  Policy("one");
  Wait(std::chrono::seconds(70));
  Complain(1, "is not well");
  Policy("two");
  Wait(std::chrono::seconds(100));
  EXPECT_TRUE(Runs("canary", "two"));
  EXPECT_FALSE(Runs("rest", "two")) << "nor that it is good";
  Complain(1, "");
  Wait(std::chrono::seconds(40));
  EXPECT_TRUE(Runs("rest", "two"));
}

TEST_F(RingsTest, APersonMayBeInAHurry) {
  Policy("one");
  EXPECT_TRUE(server_.HasWaitingRing());
  On(Express{"operator"});
  EXPECT_TRUE(Runs("rest", "one"));
  EXPECT_FALSE(server_.HasWaitingRing());
  EXPECT_NE(log_.find("every ring at once"), std::string::npos);
}

}  // namespace
}  // namespace weft::relay::server
