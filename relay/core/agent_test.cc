// What an agent does with a target that holds other things beside its own, and can refuse objects.
#include "relay/core/agent.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace weft::relay::agent {
namespace {

ObjectKey Key(const std::string& name) {
  return {"VirtualService.networking.istio.io", "shop", name};
}

SnapshotPtr Set(const std::map<std::string, std::string>& contents) {
  std::map<ObjectKey, ObjectPtr> objects;
  for (const auto& [name, content] : contents) objects[Key(name)] = MakeObject(Key(name), content);
  return MakeSnapshot(std::move(objects));
}

class AgentTest : public testing::Test {
 protected:
  AgentTest() : agent_({.cluster = "east", .stepwise = true, .try_first = true}) {}

  void On(const Event& event) {
    now_ += std::chrono::seconds(1);
    for (Action& action : agent_.On(event, now_)) actions_.push_back(std::move(action));
  }
  // The only action of this type since the last call, which forgets the others.
  template <typename T>
  T The() {
    std::vector<T> found;
    for (const Action& action : actions_) {
      if (const T* one = std::get_if<T>(&action)) found.push_back(*one);
    }
    EXPECT_EQ(found.size(), 1U);
    actions_.clear();
    return found.empty() ? T{} : found.front();
  }
  template <typename T>
  [[nodiscard]] bool Any() const {
    return std::any_of(actions_.begin(), actions_.end(),
                       [](const Action& action) { return std::holds_alternative<T>(action); });
  }
  Ack LastAck() {
    const Send send = The<Send>();
    const Ack* ack = std::get_if<Ack>(&send.message);
    EXPECT_NE(ack, nullptr);
    return ack == nullptr ? Ack{} : *ack;
  }
  void Start(const std::optional<AgentRecord>& last_good, const SnapshotPtr& found) {
    On(Started{last_good, found});
    On(SessionOpened{1});
    On(Received{1, Welcome{"store", 1, {}}});
    actions_.clear();
  }
  void Be(const Snapshot& from, const SnapshotPtr& to) {
    On(Received{
        1, Offer{.store_id = "store", .version = {1, ++generation_}, .delta = Diff(from, *to)}});
  }
  Agent agent_;
  Time now_{0};
  std::vector<Action> actions_;
  std::uint64_t generation_ = 0;
};

TEST_F(AgentTest, KeepsNothingTheTargetWouldRefuse) {
  Start(std::nullopt, EmptySnapshot());
  const SnapshotPtr wanted = Set({{"a", "1"}, {"b", "2"}});
  Be(*EmptySnapshot(), wanted);
  EXPECT_FALSE(Any<Persist>());
  ASSERT_EQ(The<TryTarget>().objects.size(), 2U);
  const ObjectPtr b = wanted->objects.at(Key("b"));
  On(Tried{{{b->key, b->digest, "no such field"}}, ""});
  EXPECT_FALSE(Any<Persist>());
  const Ack ack = LastAck();
  EXPECT_EQ(ack.phase, Phase::kRejected);
  ASSERT_EQ(ack.errors.size(), 1U);
  EXPECT_EQ(ack.errors.front().detail, "no such field");
  // A target that cannot be asked refuses no object.
  Be(*EmptySnapshot(), Set({{"a", "1"}}));
  On(Tried{{}, "connection refused"});
  EXPECT_TRUE(LastAck().errors.empty());
  Be(*EmptySnapshot(), Set({{"a", "1"}}));
  On(Tried{});
  EXPECT_EQ(The<Persist>().record.release->root, Set({{"a", "1"}})->root);
}

TEST_F(AgentTest, AnOfferThatComesWhileTheTargetIsAskedIsTakenAfterwards) {
  Start(std::nullopt, EmptySnapshot());
  Be(*EmptySnapshot(), Set({{"a", "1"}}));
  actions_.clear();
  Be(*EmptySnapshot(), Set({{"a", "2"}}));
  EXPECT_TRUE(actions_.empty());
  On(Tried{{}, "connection refused"});
  EXPECT_EQ(The<TryTarget>().objects.front()->content, "2");
}

TEST_F(AgentTest, RemovalsStayNamedUntilTheyAreSeenGone) {
  const SnapshotPtr both = Set({{"a", "1"}, {"b", "2"}});
  const SnapshotPtr one = Set({{"a", "1"}});
  AgentRecord record{.store_id = "store", .applied = {1, 1}, .highest = {1, 1}, .release = both};
  generation_ = 1;
  Start(record, both);
  Be(*both, one);
  // Nothing is changed, so that there is nothing to ask.
  const AgentRecord kept = The<Persist>().record;
  EXPECT_EQ(kept.leaving, std::set<ObjectKey>{Key("b")});
  On(Persisted{true, ""});
  EXPECT_EQ(The<WriteTarget>().leaving, kept.leaving);

  // It dies before it could write, and begins again from its disk.
  agent_ = Agent({.cluster = "east", .stepwise = true, .try_first = true});
  On(Started{kept, both});
  const WriteTarget again = The<WriteTarget>();
  EXPECT_EQ(again.leaving, kept.leaving);
  EXPECT_EQ(again.objects->root, one->root);
  On(TargetWritten{true, ""});
  const ReadTarget read = The<ReadTarget>();
  EXPECT_EQ(read.leaving, kept.leaving);
  EXPECT_EQ(read.wanted->root, one->root);
  On(TargetRead{one, ""});
  now_ += std::chrono::seconds(20);
  On(Tick{});
  EXPECT_TRUE(The<ReadTarget>().leaving.empty()) << "seen gone";
}

// What was said since the last call.
template <typename T>
std::vector<T> Said(std::vector<Action>& actions) {
  std::vector<T> said;
  for (const Action& action : actions) {
    const Send* send = std::get_if<Send>(&action);
    const T* one = send == nullptr ? nullptr : std::get_if<T>(&send->message);
    if (one != nullptr) said.push_back(*one);
  }
  actions.clear();
  return said;
}

TEST_F(AgentTest, DriftIsReportedOnceItIsPutRight) {
  const SnapshotPtr wanted = Set({{"a", "1"}, {"b", "2"}});
  Start(AgentRecord{.store_id = "store", .applied = {1, 1}, .highest = {1, 1}, .release = wanted},
        wanted);
  now_ += std::chrono::seconds(20);
  On(Tick{});
  On(TargetRead{Set({{"a", "9"}, {"c", "3"}}), ""});
  EXPECT_TRUE(Said<Drift>(actions_).empty()) << "it is not put right yet";
  // The target knows who it was.
  while (!Any<ReadTarget>()) {
    On(TargetWritten{true, "", {{Key("a"), "changed by `kubectl`"}}});
    On(Tick{});
  }
  On(TargetRead{wanted, ""});
  const std::vector<Drift> drift = Said<Drift>(actions_);
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_FALSE(drift.front().held);
  ASSERT_EQ(drift.front().objects.size(), 3U);
  EXPECT_EQ(drift.front().objects[0].detail, "changed by `kubectl`");
  EXPECT_EQ(drift.front().objects[1].detail, "gone");
  EXPECT_EQ(drift.front().objects[2].detail, "not of the release");
  now_ += std::chrono::seconds(20);
  On(Tick{});
  On(TargetRead{wanted, ""});
  EXPECT_TRUE(Said<Drift>(actions_).empty()) << "told twice";
}

TEST_F(AgentTest, DriftThatComesBackEachTimeIsHeld) {
  const SnapshotPtr wanted = Set({{"a", "1"}});
  Start(AgentRecord{.store_id = "store", .applied = {1, 1}, .highest = {1, 1}, .release = wanted},
        wanted);
  now_ += std::chrono::seconds(20);
  On(Tick{});
  std::vector<Drift> drift;
  for (int i = 0; i < 10 && drift.empty(); ++i) {
    actions_.clear();
    On(TargetRead{EmptySnapshot(), ""});
    if (Any<WriteTarget>()) On(TargetWritten{true, ""});
    drift = Said<Drift>(actions_);
  }
  ASSERT_EQ(drift.size(), 1U);
  EXPECT_TRUE(drift.front().held);
  EXPECT_EQ(drift.front().objects.front().key, Key("a"));
}

TEST_F(AgentTest, ATargetThatCannotBeReadIsNoDrift) {
  const SnapshotPtr one = Set({{"a", "1"}});
  Start(AgentRecord{.store_id = "store", .applied = {1, 1}, .highest = {1, 1}, .release = one},
        one);
  for (int i = 0; i < 10; ++i) {
    now_ += std::chrono::seconds(20);
    On(Tick{});
    ASSERT_TRUE(Any<ReadTarget>());
    actions_.clear();
    On(TargetRead{nullptr, "connection refused"});
    EXPECT_FALSE(Any<WriteTarget>());
    EXPECT_FALSE(agent_.GetStatus().effective);
  }
  EXPECT_EQ(agent_.GetStatus().drift_repairs, 0U);
  now_ += std::chrono::seconds(20);
  On(Tick{});
  actions_.clear();
  On(TargetRead{one, ""});
  EXPECT_EQ(LastAck().phase, Phase::kEffective);
  EXPECT_TRUE(agent_.GetStatus().effective);
  EXPECT_EQ(agent_.GetStatus().last_error, "");
}

}  // namespace
}  // namespace weft::relay::agent
