// What the server releases and offers when an agent refuses objects.
#include "relay/core/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "dsl/overloaded.h"

namespace weft::relay::server {
namespace {

using Contents = std::map<std::string, std::string>;  // name -> content

ObjectKey Key(const std::string& name) {
  return {"VirtualService.networking.istio.io", "shop", name};
}

SnapshotPtr Set(const Contents& contents) {
  std::map<ObjectKey, ObjectPtr> objects;
  for (const auto& [name, content] : contents) {
    objects[Key(name)] = MakeObject(Key(name), content);
  }
  return MakeSnapshot(std::move(objects));
}

// A server with one cluster, `east`; every transaction succeeds, the agent's answers are given.
class ServerTest : public testing::Test {
 protected:
  ServerTest() : server_({}, Image(), Time(0)) {}

  static ServerImage Image() {
    ServerImage image{.store_id = "store", .term = 1};
    image.reigns[1] = {7, 0};
    return image;
  }

  void On(const Event& event) {
    now_ += std::chrono::seconds(1);
    std::deque<Event> events = {event};
    while (!events.empty()) {
      for (const Action& action : server_.On(events.front(), now_)) {
        std::visit(
            Overloaded{[&](const Send& send) { sent_.push_back(send.message); },
                       [&](const Commit& commit) {
                         for (const auto& [name, record] : commit.records) {
                           released_ = record.desired;
                         }
                         events.emplace_back(Committed{});
                       },
                       [&](const Compile& compile) { serial_ = compile.serial; },
                       [&](const CheckLeadership&) { events.emplace_back(Leadership{true}); },
                       [](const auto&) {}},
            action);
      }
      events.pop_front();
    }
  }
  void Say(AgentMessage message) { On(Received{session_, std::move(message)}); }
  void Connect(const Hello& hello) {
    if (session_ > 0) On(SessionClosed{session_});
    On(SessionOpened{++session_, "east"});
    Say(hello);
    Discover({{"discovered", "1"}});
  }
  // A proved policy that wants this of the cluster.
  void Policy(const std::string& name, const Contents& contents) {
    On(PolicyRead{name, ""});
    On(Tick{});
    On(Compiled{{.serial = serial_,
                 .policy = name,
                 .verdict = Verdict::kProved,
                 .findings = "[]",
                 .declared = {"east"},
                 .outputs = {{"east", Set(contents)}}}});
  }
  // The newest offer; it must be there.
  [[nodiscard]] Offer LastOffer() const {
    for (auto message = sent_.rbegin(); message != sent_.rend(); ++message) {
      if (const Offer* offer = std::get_if<Offer>(&*message)) return *offer;
    }
    ADD_FAILURE() << "nothing was offered";
    return {};
  }
  // Whether the object was offered with this content since Forget().
  [[nodiscard]] bool Offered(const std::string& name, const std::string& content) const {
    const Digest digest = DigestOf(Key(name), content);
    return std::any_of(sent_.begin(), sent_.end(), [&](const ServerMessage& message) {
      const Offer* offer = std::get_if<Offer>(&message);
      return offer != nullptr &&
             std::any_of(offer->delta.changed.begin(), offer->delta.changed.end(),
                         [&](const auto& one) { return one->digest == digest; });
    });
  }
  void Forget() { sent_.clear(); }
  void Take() {
    const Offer offer = LastOffer();
    Say(Ack{.version = offer.version, .phase = Phase::kEffective, .root = offer.delta.root});
  }
  void Refuse(const std::string& name, const std::string& content,
              const std::optional<ObjectKey>& needs = std::nullopt) {
    const Digest digest = DigestOf(Key(name), content);
    Say(Ack{.version = LastOffer().version, .errors = {{Key(name), digest, "no", needs}}});
  }
  void Discover(const Contents& contents) {
    Say(Discovery{
        .sequence = ++sequence_, .full = true, .delta = Diff(*EmptySnapshot(), *Set(contents))});
  }

  Server server_;
  Time now_{0};
  std::uint64_t session_ = 0;
  std::uint64_t serial_ = 0;
  std::uint64_t sequence_ = 0;
  std::vector<ServerMessage> sent_;
  SnapshotPtr released_ = EmptySnapshot();
};

TEST_F(ServerTest, KeepsARefusedObjectAsItWas) {
  Connect({.root = EmptySnapshot()->root});
  Policy("one", {{"a", "a1"}, {"b", "b1"}});
  Take();
  Policy("two", {{"a", "a2"}, {"b", "b2"}});
  Refuse("a", "a2");
  EXPECT_EQ(released_->root, Set({{"a", "a1"}, {"b", "b2"}})->root);
  Take();
  ASSERT_EQ(server_.GetStatus().clusters.front().errors.size(), 1U);
  EXPECT_TRUE(server_.GetStatus().clusters.front().in_sync);
}

TEST_F(ServerTest, ASecondRefusalDoesNotMakeItForgetTheFirst) {
  Connect({.root = EmptySnapshot()->root});
  Policy("one", {{"a", "a1"}, {"b", "b1"}});
  Take();
  Policy("two", {{"a", "a2"}, {"b", "b1"}});
  Refuse("a", "a2");
  Take();
  // The agent comes back without anything, and by now cannot take the former object either.
  Connect({.root = EmptySnapshot()->root});
  Refuse("a", "a1");
  Forget();
  for (int i = 0; i < 30; ++i) On(Tick{});
  EXPECT_FALSE(Offered("a", "a2"));
  EXPECT_FALSE(Offered("a", "a1"));
  EXPECT_EQ(released_->root, Set({{"b", "b1"}})->root);
  EXPECT_EQ(server_.GetStatus().clusters.front().errors.size(), 2U);
  Take();
  // Another content is another question.
  Policy("three", {{"a", "a3"}, {"b", "b1"}});
  EXPECT_TRUE(Offered("a", "a3"));
  Take();
  EXPECT_TRUE(server_.GetStatus().clusters.front().errors.empty());
}

TEST_F(ServerTest, ReleasesNothingWhoseContentItDoesNotHave) {
  // The store is lost: it never saw what the agent has.
  const SnapshotPtr had = Set({{"a", "a0"}, {"b", "b0"}});
  Connect({.root = had->root});
  Say(Holdings{had->root,
               {{Key("a"), DigestOf(Key("a"), "a0")}, {Key("b"), DigestOf(Key("b"), "b0")}}});
  Policy("one", {{"a", "a1"}, {"b", "b1"}});
  const std::vector<Hold> holds = server_.GetStatus().clusters.front().holds;
  ASSERT_EQ(holds.size(), 1U);
  On(Approve{holds.front().id, "operator"});
  On(Tick{});
  Refuse("a", "a1");
  for (const auto& [key, object] : released_->objects) {
    EXPECT_EQ(DigestOf(key, object->content), object->digest) << ToText(key);
  }
  const Inquire* inquire = std::get_if<Inquire>(&sent_.back());
  ASSERT_NE(inquire, nullptr);
  ASSERT_EQ(inquire->wanted, std::vector<Digest>{DigestOf(Key("a"), "a0")});
  // A forged answer helps nobody, the true one does.
  Say(relay::Contents{{MakeObject(Key("a"), "forged")}});
  EXPECT_NE(released_->root, Set({{"a", "a0"}, {"b", "b1"}})->root);
  Say(relay::Contents{{had->objects.at(Key("a"))}});
  ASSERT_EQ(released_->root, Set({{"a", "a0"}, {"b", "b1"}})->root);
  EXPECT_EQ(released_->objects.at(Key("a"))->content, "a0");
  ASSERT_EQ(LastOffer().delta.changed.size(), 1U);
  Take();
  EXPECT_TRUE(server_.GetStatus().clusters.front().in_sync);
}

TEST_F(ServerTest, ARollbackDoesWithoutWhatIsRefused) {
  Connect({.root = EmptySnapshot()->root});
  Policy("one", {{"a", "a1"}, {"b", "b1"}});
  Take();
  Policy("two", {{"a", "a2"}, {"b", "b2"}});
  Refuse("a", "a2");
  Take();
  Forget();
  On(Rollback{{{"east", Set({{"a", "a2"}, {"b", "b1"}})}}, 1, "operator"});
  EXPECT_FALSE(Offered("a", "a2"));
  EXPECT_EQ(released_->root, Set({{"a", "a1"}, {"b", "b1"}})->root);
  Take();
  EXPECT_TRUE(server_.GetStatus().clusters.front().in_sync);
}

TEST_F(ServerTest, WhatLackedAnObjectIsOfferedAgainOnceThatIsThere) {
  Connect({.root = EmptySnapshot()->root});
  Policy("one", {{"a", "a1"}, {"b", "b1"}});
  Refuse("a", "a1", Key("later"));
  Take();
  Forget();
  for (int i = 0; i < 60; ++i) On(Tick{});
  Discover({{"discovered", "2"}});
  EXPECT_FALSE(Offered("a", "a1"));
  Discover({{"discovered", "2"}, {"later", "1"}});
  EXPECT_TRUE(Offered("a", "a1"));
  EXPECT_EQ(released_->root, Set({{"a", "a1"}, {"b", "b1"}})->root);
  // The agent says that it is not there, whatever was discovered: not at once, then.
  Refuse("a", "a1", Key("later"));
  Take();
  Forget();
  for (int i = 0; i < 20; ++i) On(Tick{});
  EXPECT_FALSE(Offered("a", "a1"));
  for (int i = 0; i < 20; ++i) On(Tick{});
  EXPECT_TRUE(Offered("a", "a1"));
  Take();
  EXPECT_TRUE(server_.GetStatus().clusters.front().errors.empty());
}

TEST_F(ServerTest, TellsDriftForAnHour) {
  Connect({.root = EmptySnapshot()->root});
  Policy("one", {{"a", "a1"}, {"b", "b1"}});
  Take();
  Say(Drift{.objects = {{Key("a"), "gone"}}});
  Say(Drift{.objects = {{Key("a"), "gone"}, {Key("b"), "changed"}}, .held = true});
  std::vector<DriftStatus> drift = server_.GetStatus().clusters.front().drift;
  ASSERT_EQ(drift.size(), 2U);
  EXPECT_EQ(drift[0].object.key, Key("a"));
  EXPECT_EQ(drift[0].times, 2U);
  EXPECT_TRUE(drift[0].held);
  Take();  // it could be put right after all
  drift = server_.GetStatus().clusters.front().drift;
  ASSERT_EQ(drift.size(), 2U);
  EXPECT_FALSE(drift[0].held);
  now_ += std::chrono::hours(1);
  On(Tick{});
  EXPECT_TRUE(server_.GetStatus().clusters.front().drift.empty());
}

TEST_F(ServerTest, TellsOfSoMuchDriftAndNoMore) {
  Connect({.root = EmptySnapshot()->root});
  for (int i = 0; i < 300; ++i) Say(Drift{.objects = {{Key(std::to_string(i)), "gone"}}});
  EXPECT_EQ(server_.GetStatus().clusters.front().drift.size(), 100U);
}

// Two agents are ahead; the word for the second comes while the first one's is on its way to a disk
// that is full.
TEST(Server, AFailedCommitForgetsNoTermThatIsToBeRaised) {
  ServerImage image{.store_id = "store", .term = 1};
  image.reigns[1] = {7, 0};
  Server server({}, image, Time(0));
  std::uint64_t raised = 0;
  const auto on = [&](const Event& event, Time now) {
    for (const Action& action : server.On(event, now)) {
      if (const Commit* commit = std::get_if<Commit>(&action)) raised = commit->new_term;
    }
  };
  on(SessionOpened{1, "east"}, Time(1));
  on(SessionOpened{2, "west"}, Time(1));
  on(Received{1, Hello{.highest = {2, 3}, .root = EmptySnapshot()->root}}, Time(2));
  on(Received{2, Hello{.highest = {5, 6}, .root = EmptySnapshot()->root}}, Time(2));
  on(Leadership{true}, Time(3));
  const Status status = server.GetStatus();
  ASSERT_EQ(status.clusters.size(), 2U);
  ASSERT_EQ(status.clusters[0].holds.size() + status.clusters[1].holds.size(), 2U);
  on(Approve{status.clusters[0].holds[0].id, "operator"}, Time(4));
  EXPECT_EQ(raised, 3U);
  on(Approve{status.clusters[1].holds[0].id, "operator"}, Time(5));
  on(Committed{Committed::Outcome::kFailed, "no space left"}, Time(6));
  on(Tick{}, Time(10'000));
  EXPECT_EQ(raised, 6U);
}

}  // namespace
}  // namespace weft::relay::server
