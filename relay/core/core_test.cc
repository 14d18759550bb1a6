#include <gtest/gtest.h>

#include "relay/core/budget.h"
#include "relay/core/object.h"
#include "relay/core/order.h"

namespace weft::relay {
namespace {

constexpr char kRoute[] = "VirtualService.networking.istio.io";
constexpr char kRule[] = "DestinationRule.networking.istio.io";
constexpr char kAccess[] = "AuthorizationPolicy.security.istio.io";

using Contents = std::map<ObjectKey, std::string>;

SnapshotPtr Set(const Contents& contents) {
  std::map<ObjectKey, ObjectPtr> objects;
  for (const auto& [key, content] : contents) objects[key] = MakeObject(key, content);
  return MakeSnapshot(std::move(objects));
}

SnapshotPtr Routes(int from, int to) {
  Contents contents;
  for (int i = from; i < to; ++i) contents[{kRoute, "shop", "r" + std::to_string(i)}] = "x";
  return Set(contents);
}

TEST(Root, IsThatOfKeysAndContents) {
  const SnapshotPtr one = Set({{{kRoute, "shop", "a"}, "1"}, {{kRule, "shop", "a"}, "1"}});
  EXPECT_EQ(one->root, Set({{{kRule, "shop", "a"}, "1"}, {{kRoute, "shop", "a"}, "1"}})->root);
  EXPECT_NE(one->root, Set({{{kRoute, "shop", "a"}, "2"}, {{kRule, "shop", "a"}, "1"}})->root);
  EXPECT_NE(one->root, Set({{{kRoute, "shop", "a"}, "1"}})->root);
  EXPECT_NE(one->root, Set({{{kRoute, "sho", "pa"}, "1"}, {{kRule, "shop", "a"}, "1"}})->root);
}

TEST(Root, DoesNotDependOnAnnotations) {
  const ObjectKey key{kRoute, "shop", "a"};
  EXPECT_EQ(MakeObject(key, "1", {{"weft.dev/source", "a.weft:1"}})->digest,
            MakeObject(key, "1", {{"weft.dev/source", "a.weft:9"}})->digest);
}

TEST(Delta, LeadsFromOneSetToTheOther) {
  const SnapshotPtr from = Routes(0, 10);
  const SnapshotPtr to = Routes(3, 12);
  const Delta delta = Diff(*from, *to);
  EXPECT_EQ(delta.changed.size(), 2U);
  EXPECT_EQ(delta.removed.size(), 3U);
  const Result<SnapshotPtr> result = ApplyDelta(*from, delta);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value()->root, to->root);
}

TEST(Delta, IsRefusedWhenItDoesNotFit) {
  const SnapshotPtr from = Routes(0, 10);
  const Delta good = Diff(*from, *Routes(1, 11));
  EXPECT_FALSE(ApplyDelta(*Routes(0, 9), good).ok());
  Delta bad = good;
  bad.removed.push_back({kRoute, "shop", "stranger"});
  EXPECT_FALSE(ApplyDelta(*from, bad).ok());
  bad = good;
  bad.removed.clear();
  EXPECT_FALSE(ApplyDelta(*from, bad).ok());
  bad = good;
  bad.changed.push_back(bad.changed.front());
  EXPECT_FALSE(ApplyDelta(*from, bad).ok());
  bad = good;
  bad.removed.push_back(bad.changed.front()->key);
  EXPECT_FALSE(ApplyDelta(*from, bad).ok());
}

std::size_t Exceeded(const PruneBudget& budget, const SnapshotPtr& from, const SnapshotPtr& to,
                     Time now) {
  return budget.Exceeded(*from, Diff(*from, *to), now).size();
}

TEST(Budget, IsFiveOrATenth) {
  const PruneBudget budget;
  EXPECT_EQ(Exceeded(budget, Routes(0, 20), Routes(5, 20), Time(0)), 0U);
  EXPECT_EQ(Exceeded(budget, Routes(0, 20), Routes(6, 20), Time(0)), 1U);
  EXPECT_EQ(Exceeded(budget, Routes(0, 100), Routes(10, 100), Time(0)), 0U);
  EXPECT_EQ(Exceeded(budget, Routes(0, 100), Routes(11, 100), Time(0)), 1U);
}

TEST(Budget, NeverReachesZero) {
  const PruneBudget budget;
  EXPECT_EQ(Exceeded(budget, Routes(0, 2), Routes(1, 2), Time(0)), 0U);
  EXPECT_EQ(Exceeded(budget, Routes(0, 2), Routes(2, 2), Time(0)), 1U);
  // All replaced is not zero.
  EXPECT_EQ(Exceeded(budget, Routes(0, 2), Routes(2, 4), Time(0)), 0U);
}

TEST(Budget, CountsSlowDripsForAnHour) {
  PruneBudget budget;
  budget.Spend(Diff(*Routes(0, 20), *Routes(3, 20)), Time(0));
  const Time soon = std::chrono::minutes(59);
  EXPECT_EQ(Exceeded(budget, Routes(3, 20), Routes(5, 20), soon), 0U);
  EXPECT_EQ(Exceeded(budget, Routes(3, 20), Routes(6, 20), soon), 1U);
  EXPECT_EQ(Exceeded(budget, Routes(3, 20), Routes(6, 20), std::chrono::minutes(61)), 0U);
}

TEST(Budget, SurvivesARestart) {
  PruneBudget before;
  before.Spend(Diff(*Routes(0, 20), *Routes(5, 20)), Time(1000));
  PruneBudget after;
  after.Restore(before.Spent(Time(2000)), Time(0));
  EXPECT_EQ(Exceeded(after, Routes(5, 20), Routes(6, 20), Time(0)), 1U);
}

TEST(Order, MakesBeforeItBreaks) {
  const SnapshotPtr from = Set({{{kRoute, "shop", "main"}, "to v1"},
                                {{kRule, "shop", "v1"}, "v1"},
                                {{kAccess, "shop", "v1"}, R"({"action":"ALLOW"})"}});
  const SnapshotPtr to = Set({{{kRoute, "shop", "main"}, "to v2"},
                              {{kRule, "shop", "v2"}, "v2"},
                              {{kAccess, "shop", "v2"}, R"({"action":"ALLOW"})"}});
  const std::vector<SnapshotPtr> steps = ApplicationSteps(*from, *to);
  ASSERT_EQ(steps.size(), 5U);
  EXPECT_TRUE(steps[0]->objects.contains({kRule, "shop", "v2"}));
  EXPECT_EQ(steps[0]->objects.size(), 4U);
  EXPECT_TRUE(steps[1]->objects.contains({kAccess, "shop", "v2"}));
  EXPECT_EQ(steps[2]->objects.at({kRoute, "shop", "main"})->content, "to v2");
  EXPECT_FALSE(steps[3]->objects.contains({kRule, "shop", "v1"}));
  EXPECT_TRUE(steps[3]->objects.contains({kAccess, "shop", "v1"}));
  EXPECT_EQ(steps[4]->root, to->root);
}

TEST(Order, WidensAccessAfterTheRoutes) {
  const SnapshotPtr from = Set({{{kRoute, "shop", "main"}, "1"},
                                {{kAccess, "shop", "a"}, R"({"action":"ALLOW"})"},
                                {{kAccess, "shop", "d"}, R"({"action":"DENY"})"}});
  const SnapshotPtr to = Set({{{kRoute, "shop", "main"}, "2"},
                              {{kAccess, "shop", "a"}, R"({"action":"ALLOW","x":1})"},
                              {{kAccess, "shop", "d"}, R"({"action":"DENY","x":1})"}});
  const std::vector<SnapshotPtr> steps = ApplicationSteps(*from, *to);
  ASSERT_EQ(steps.size(), 3U);
  const auto changed = [&](std::size_t step, const ObjectKey& key) {
    return steps[step]->objects.at(key)->content == to->objects.at(key)->content;
  };
  EXPECT_TRUE(changed(0, {kAccess, "shop", "d"}));
  EXPECT_FALSE(changed(0, {kRoute, "shop", "main"}));
  EXPECT_TRUE(changed(1, {kRoute, "shop", "main"}));
  EXPECT_FALSE(changed(1, {kAccess, "shop", "a"}));
}

}  // namespace
}  // namespace weft::relay
