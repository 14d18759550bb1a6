#include "relay/xds/stream.h"

#include <gtest/gtest.h>

namespace weft::relay::mcp {
namespace {

constexpr char kRoutes[] = "networking.istio.io/v1/VirtualService";
constexpr char kPolicies[] = "security.istio.io/v1/AuthorizationPolicy";

ContentPtr Routes(const std::string& version) {
  auto content = std::make_shared<Content>();
  content->version = version;
  content->kinds["VirtualService.networking.istio.io"] = {version, {"object " + version}};
  return content;
}

// What istiod sends first: a nonce of its own making.
Request First(const std::string& type_url) {
  return {.type_url = type_url, .nonce = "2026-01-01", .refused = false, .error = ""};
}
Request Acknowledge(const Answer& answer) {
  return {.type_url = answer.type_url, .nonce = answer.nonce, .refused = false, .error = ""};
}

TEST(McpStream, TheKindIsThatOfTheTypeWhateverItsVersion) {
  EXPECT_EQ(KindOfType(kRoutes), "VirtualService.networking.istio.io");
  EXPECT_EQ(KindOfType("networking.istio.io/v1alpha3/VirtualService"),
            "VirtualService.networking.istio.io");
  EXPECT_EQ(KindOfType("/v1alpha1/MeshConfig"), "MeshConfig.");
  EXPECT_EQ(KindOfType("nonsense"), "");
  EXPECT_EQ(KindOfType("a/b"), "");
}

TEST(McpStream, NothingIsAnsweredBeforeThereIsAWholeSet) {
  Stream stream(nullptr);
  EXPECT_TRUE(stream.On(First(kRoutes)).empty());
  EXPECT_TRUE(stream.On(First(kPolicies)).empty());
  EXPECT_FALSE(stream.IsUpToDate());
  EXPECT_EQ(stream.Serve(Routes("1")).size(), 2U) << "then every type that was asked for";
}

TEST(McpStream, EveryTypeIsAnsweredAsItWasAskedForAlsoWithNothing) {
  Stream stream(Routes("1"));
  for (const char* type : {kRoutes, kPolicies, "networking.istio.io/v1alpha3/VirtualService",
                           "/v1alpha1/MeshConfig", "telemetry.istio.io/v1/Telemetry"}) {
    const std::vector<Answer> answers = stream.On(First(type));
    ASSERT_EQ(answers.size(), 1U) << type;
    EXPECT_EQ(answers.front().type_url, type);
    EXPECT_FALSE(answers.front().version.empty());
    EXPECT_FALSE(answers.front().nonce.empty());
    const bool routes = std::string(type).ends_with("VirtualService");
    EXPECT_EQ(answers.front().set->resources.size(), routes ? 1U : 0U) << type;
  }
}

TEST(McpStream, WhatIsAcknowledgedIsNotSentAgain) {
  Stream stream(Routes("1"));
  const std::vector<Answer> answers = stream.On(First(kRoutes));
  EXPECT_FALSE(stream.IsUpToDate());
  EXPECT_TRUE(stream.On(Acknowledge(answers.front())).empty());
  EXPECT_TRUE(stream.IsUpToDate());
  EXPECT_TRUE(stream.Serve(Routes("1")).empty()) << "the same objects";
  EXPECT_TRUE(stream.IsUpToDate());
  EXPECT_TRUE(stream.On(Acknowledge(answers.front())).empty()) << "twice";
}

TEST(McpStream, AChangeGoesToItsTypeAlone) {
  Stream stream(Routes("1"));
  for (const char* type : {kRoutes, kPolicies}) {
    (void)stream.On(Acknowledge(stream.On(First(type)).front()));
  }
  const std::vector<Answer> answers = stream.Serve(Routes("2"));
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers.front().type_url, kRoutes);
  EXPECT_EQ(answers.front().version, "2");
  EXPECT_FALSE(stream.IsUpToDate());
  // All of a kind goes: it is sent, empty.
  (void)stream.On(Acknowledge(answers.front()));
  const std::vector<Answer> none = stream.Serve(std::make_shared<Content>());
  ASSERT_EQ(none.size(), 1U);
  EXPECT_TRUE(none.front().set->resources.empty());
}

TEST(McpStream, OneAnswerOfATypeIsUnderWayAndTheNewestFollows) {
  Stream stream(Routes("1"));
  const Answer first = stream.On(First(kRoutes)).front();
  EXPECT_TRUE(stream.Serve(Routes("2")).empty());
  EXPECT_TRUE(stream.Serve(Routes("3")).empty());
  const std::vector<Answer> next = stream.On(Acknowledge(first));
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next.front().version, "3");
  EXPECT_NE(next.front().nonce, first.nonce);
  EXPECT_TRUE(stream.On(Acknowledge(first)).empty()) << "an old nonce";
  EXPECT_FALSE(stream.IsUpToDate());
  (void)stream.On(Acknowledge(next.front()));
  EXPECT_TRUE(stream.IsUpToDate());
}

TEST(McpStream, ARefusalIsKeptAndNotAnsweredWithTheSame) {
  Stream stream(Routes("1"));
  Request refusal = Acknowledge(stream.On(First(kRoutes)).front());
  refusal.refused = true;
  refusal.error = "no such field";
  EXPECT_TRUE(stream.On(refusal).empty());
  EXPECT_FALSE(stream.IsUpToDate());
  EXPECT_EQ(stream.refusal(), "no such field");
  const std::vector<Answer> next = stream.Serve(Routes("2"));
  ASSERT_EQ(next.size(), 1U);
  (void)stream.On(Acknowledge(next.front()));
  EXPECT_EQ(stream.refusal(), "");
  EXPECT_TRUE(stream.IsUpToDate());
}

}  // namespace
}  // namespace weft::relay::mcp
