// The reflector over what API servers say, as they say it.
#include "relay/kube/reflector.h"

#include <gtest/gtest.h>

#include "relay/kube/decode.h"

namespace weft::relay::kube {
namespace {

const Resource kServices{"v1", "Service", "services"};

std::string Service(const std::string& name, const std::string& uid, int version, int port) {
  return R"({"apiVersion":"v1","kind":"Service","metadata":{"namespace":"shop","name":")" + name +
         R"(","uid":")" + uid + R"(","resourceVersion":")" + std::to_string(version) +
         R"("},"spec":{"ports":[{"port":)" + std::to_string(port) + "}]}}";
}
std::string ListOf(const std::string& items, int version, const std::string& token = "") {
  return R"({"kind":"ServiceList","metadata":{"resourceVersion":")" + std::to_string(version) +
         R"(","continue":")" + token + R"("},"items":[)" + items + "]}";
}
std::string EventOf(const std::string& type, const std::string& object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}";
}
const std::string kGoneStatus =
    R"({"kind":"Status","status":"Failure","message":"too old resource version: 3 9",)"
    R"("reason":"Expired","code":410})";

class ReflectorTest : public testing::Test {
 protected:
  void On(const Event& event) {
    for (const Action& action : reflector_.On(event, now_)) {
      asked_ += std::visit(
          [](const auto& one) {
            using T = std::decay_t<decltype(one)>;
            if constexpr (std::is_same_v<T, List>) {
              return "list " + std::to_string(one.limit) + " " + one.token + ";";
            } else if constexpr (std::is_same_v<T, Watch>) {
              return "watch " + one.version + ";";
            } else {
              return std::string("stop;");
            }
          },
          action);
    }
  }
  // What was asked of the API server since the last call.
  std::string Asked() { return std::exchange(asked_, ""); }
  void Answer(const std::string& list) {
    const Result<Page> page = ReadPage(kServices, list);
    ASSERT_TRUE(page.ok()) << page.error();
    On(page.value());
  }
  void Hear(const std::string& line) {
    std::visit([this](const auto& event) { On(event); }, ReadEvent(kServices, line));
  }
  // A watch from version 5 with services a and b.
  void Begin() {
    On(Tick{});
    Answer(ListOf(Service("a", "u1", 1, 80) + "," + Service("b", "u2", 2, 80), 5));
    On(WatchOpened{});
    ASSERT_EQ(Asked(), "list 500 ;watch 5;");
  }
  [[nodiscard]] std::string Names() const {
    std::string names;
    for (const auto& [key, item] : reflector_.items()) names += key.name + item.uid + " ";
    return names;
  }
  // Ticks until something is asked; how long that took.
  Time Wait() {
    const Time from = now_;
    while (asked_.empty() && now_ - from < std::chrono::minutes(2)) {
      now_ += Time(50);
      On(Tick{});
    }
    return now_ - from;
  }

  Reflector reflector_{false, 1};
  Time now_{1000};
  std::string asked_;
};

TEST_F(ReflectorTest, ListsPageByPageThenWatches) {
  On(Tick{});
  EXPECT_EQ(Asked(), "list 500 ;");
  Answer(ListOf(Service("a", "u1", 1, 80), 5, "next"));
  EXPECT_EQ(Asked(), "list 500 next;");
  EXPECT_FALSE(reflector_.synced());
  EXPECT_EQ(Names(), "");
  Answer(ListOf(Service("b", "u2", 2, 80), 5));
  EXPECT_EQ(Asked(), "watch 5;");
  EXPECT_TRUE(reflector_.synced());
  EXPECT_EQ(Names(), "au1 bu2 ");
}

TEST_F(ReflectorTest, FollowsWhatHappens) {
  Begin();
  Hear(EventOf("ADDED", Service("c", "u3", 6, 80)));
  Hear(EventOf("MODIFIED", Service("a", "u1", 7, 81)));
  Hear(EventOf("DELETED", Service("b", "u2", 8, 80)));
  EXPECT_EQ(Names(), "au1 cu3 ");
  const Item& a = reflector_.items().begin()->second;
  EXPECT_NE(a.object->content.find("81"), std::string::npos);
  // The watch is renewed from the last event.
  now_ += std::chrono::minutes(5);
  On(WatchEnded{});
  EXPECT_EQ(Asked(), "watch 8;");
}

TEST_F(ReflectorTest, WhatIsSaidTwiceCountsOnce) {
  Begin();
  Hear(EventOf("ADDED", Service("c", "u3", 7, 80)));
  const std::uint64_t changes = reflector_.changes();
  Hear(EventOf("ADDED", Service("c", "u3", 7, 80)));
  Hear(EventOf("MODIFIED", Service("c", "u3", 6, 99)));  // older than what is known
  EXPECT_EQ(reflector_.changes(), changes);
}

TEST_F(ReflectorTest, AnObjectMadeAnewOutlivesTheEndOfTheOldOne) {
  Begin();
  Hear(EventOf("ADDED", Service("a", "u9", 6, 80)));
  Hear(EventOf("DELETED", Service("a", "u1", 7, 80)));
  EXPECT_EQ(Names(), "au9 bu2 ");
}

TEST_F(ReflectorTest, A410InsideTheStreamLeadsToANewList) {
  Begin();
  now_ += std::chrono::minutes(1);
  Hear(EventOf("ERROR", kGoneStatus));
  EXPECT_EQ(Asked(), "stop;list 500 ;");
  EXPECT_EQ(Names(), "au1 bu2 ") << "what is known stays until the list is whole";
  // `b` went and `a` was made anew while nobody looked.
  Answer(ListOf(Service("a", "u7", 20, 80), 21));
  EXPECT_EQ(Names(), "au7 ");
  EXPECT_EQ(Asked(), "watch 21;");
  EXPECT_EQ(reflector_.trouble(now_), "");
}

TEST_F(ReflectorTest, A410AsStatusOfTheWatchDoesTheSame) {
  Begin();
  now_ += std::chrono::minutes(1);
  On(Failed{410, "too old"});
  EXPECT_EQ(Asked(), "stop;list 500 ;");
}

TEST_F(ReflectorTest, A410RightAfterAListIsNotAnsweredAtOnce) {
  Begin();
  Hear(EventOf("ERROR", kGoneStatus));
  EXPECT_EQ(Asked(), "stop;");
  EXPECT_GE(Wait(), Time(100));
  EXPECT_EQ(Asked(), "list 500 ;");
}

TEST_F(ReflectorTest, WaitsLongerAfterEachFailureAndNeverWithoutBound) {
  On(Tick{});
  Time longest{0};
  for (int i = 0; i < 30; ++i) {
    Asked();
    On(Failed{503, "busy"});
    const Time waited = Wait();
    if (i == 0) {
      EXPECT_LE(waited, Time(300));
    }
    longest = std::max(longest, waited);
  }
  EXPECT_GE(longest, std::chrono::seconds(20));
  EXPECT_LE(longest, std::chrono::seconds(31));
}

TEST_F(ReflectorTest, AnExpiredTokenBeginsTheListAnew) {
  On(Tick{});
  Answer(ListOf(Service("a", "u1", 1, 80), 5, "next"));
  Asked();
  On(Failed{410, "the provided continue parameter is too old"});
  EXPECT_EQ(Asked(), "list 500 ;");
  Answer(ListOf(Service("b", "u2", 2, 80), 9, "next"));
  On(Failed{410, "the provided continue parameter is too old"});
  EXPECT_EQ(Asked(), "list 500 next;list 0 ;") << "pages take too long: all at once";
  Answer(ListOf(Service("b", "u2", 2, 80), 12));
  EXPECT_EQ(Names(), "bu2 ") << "pages of lists that were given up do not count";
}

TEST_F(ReflectorTest, AnErrorRemovesNothingAndIsTold) {
  Begin();
  On(WatchFailed{500, "etcd is away"});
  EXPECT_EQ(reflector_.trouble(now_), "") << "too young";
  for (int i = 0; i < 40; ++i) {
    Asked();
    Wait();
    On(Failed{0, "connection refused"});
  }
  EXPECT_EQ(reflector_.trouble(now_), "connection refused");
  EXPECT_EQ(Names(), "au1 bu2 ");
  Asked();
  EXPECT_LE(Wait(), std::chrono::seconds(31));
  EXPECT_EQ(Asked(), "list 500 ;") << "after some failures the version is given up";
  Answer(ListOf(Service("a", "u1", 1, 80), 3));
  EXPECT_EQ(reflector_.trouble(now_), "");
  EXPECT_EQ(Names(), "au1 ");
}

TEST_F(ReflectorTest, NeedsNoBookmarksAndTakesThem) {
  Begin();
  // A server without them: the watch goes on where its last event was, here the list.
  now_ += std::chrono::minutes(5);
  On(WatchEnded{});
  EXPECT_EQ(Asked(), "watch 5;");
  Hear(R"({"type":"BOOKMARK","object":{"kind":"Service","metadata":{"resourceVersion":"40"}}})");
  now_ += std::chrono::minutes(5);
  On(WatchEnded{});
  EXPECT_EQ(Asked(), "watch 40;");
  EXPECT_EQ(Names(), "au1 bu2 ");
}

TEST_F(ReflectorTest, WatchesThatEndAtOnceAreNotRenewedAtOnce) {
  Begin();
  On(WatchEnded{});
  EXPECT_EQ(Asked(), "");
  Wait();
  EXPECT_EQ(Asked(), "watch 5;");
}

TEST_F(ReflectorTest, ALineThatCannotBeReadIsNoEvent) {
  Begin();
  for (const char* line : {"{", "[]", R"({"type":"ADDED"})", R"({"type":"ADDED","object":7})",
                           R"({"type":"NEW","object":{"metadata":{}}})",
                           R"({"type":"DELETED","object":{"metadata":{"name":"a"}}})"}) {
    EXPECT_TRUE(std::holds_alternative<WatchFailed>(ReadEvent(kServices, line))) << line;
  }
  for (const char* body : {"", "{}", "[]", R"({"items":7,"metadata":{"resourceVersion":"1"}})",
                           R"({"items":[{}],"metadata":{"resourceVersion":"1"}})"}) {
    EXPECT_FALSE(ReadPage(kServices, body).ok()) << body;
  }
}

TEST(Reflector, AKindThatIsNotInstalledHasNoObjects) {
  Reflector reflector(true, 1);
  std::vector<Action> actions = reflector.On(Tick{}, Time(0));
  actions = reflector.On(Failed{404, "not found"}, Time(10));
  EXPECT_TRUE(reflector.synced());
  EXPECT_EQ(reflector.trouble(Time(60'000)), "");
  // It is looked for again; once it had objects it does not just go.
  actions = reflector.On(Tick{}, Time(31'000));
  ASSERT_EQ(actions.size(), 1U);
  actions =
      reflector.On(ReadPage(kServices, ListOf(Service("a", "u1", 1, 80), 5)).value(), Time(31'100));
  actions = reflector.On(Failed{404, "not found"}, Time(60'000));
  EXPECT_EQ(reflector.items().size(), 1U);
  EXPECT_NE(reflector.trouble(Time(70'000)), "");
}

TEST(Trimmed, LeavesOutSecretsAndWhatChangesByTheMinute) {
  const Result<Page> page = ReadPage(
      {"v1", "Pod", "pods"},
      R"({"metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"p","namespace":"shop",
          "uid":"u","resourceVersion":"8","labels":{"app":"a"},"managedFields":[{}],
          "annotations":{"sidecar.istio.io/inject":"false","secret":"hush"}},
          "spec":{"serviceAccountName":"a","containers":[{"name":"c","image":"i",
          "env":[{"name":"PASSWORD","value":"hush"}],"ports":[{"name":"http","containerPort":80}]}]},
          "status":{"phase":"Running","podIP":"10.0.0.1","startTime":"now","conditions":[
          {"type":"Ready","status":"True","lastProbeTime":"now"},{"type":"Other"}]}}]})");
  ASSERT_TRUE(page.ok()) << page.error();
  EXPECT_EQ(page.value().items.front().object->content,
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"shop",)"
            R"("labels":{"app":"a"},"annotations":{"sidecar.istio.io/inject":"false"}},)"
            R"("spec":{"serviceAccountName":"a","containers":[{"name":"c","ports":)"
            R"([{"name":"http","containerPort":80}]}]},"status":{"phase":"Running",)"
            R"("podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"}]}})");
}

TEST(ReadPage, LeavesOutWhatWeftMade) {
  const Result<Page> page = ReadPage({"networking.istio.io/v1", "Gateway", "gateways"},
                                     R"({"metadata":{"resourceVersion":"9"},"items":[
          {"metadata":{"name":"mine","namespace":"shop","uid":"1","resourceVersion":"8",
           "labels":{"app.kubernetes.io/managed-by":"weft"}},"spec":{}},
          {"metadata":{"name":"theirs","namespace":"shop","uid":"2","resourceVersion":"8"},
           "spec":{"selector":{"istio":"ingress"}}}]})");
  ASSERT_TRUE(page.ok()) << page.error();
  ASSERT_EQ(page.value().items.size(), 2U);
  EXPECT_EQ(page.value().items[0].object->content, "");
  EXPECT_NE(page.value().items[1].object->content.find("ingress"), std::string::npos);
}

}  // namespace
}  // namespace weft::relay::kube
