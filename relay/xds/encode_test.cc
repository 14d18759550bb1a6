#include "relay/xds/encode.h"

#include <gtest/gtest.h>

#include "relay/proto/istio_networking.pb.h"
#include "relay/proto/istio_security.pb.h"
#include "relay/proto/mcp.pb.h"

namespace weft::relay::mcp {
namespace {

const ObjectKey kRoute{"VirtualService.networking.istio.io", "shop", "main"};

ObjectPtr Route(const std::string& spec, std::map<std::string, std::string> annotations = {}) {
  return MakeObject(kRoute,
                    R"({"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":)"
                    R"({"name":"main","namespace":"shop","labels":{"a":"b"}},"spec":)" +
                        spec + "}",
                    std::move(annotations));
}

istio::mcp::v1alpha1::Resource Decoded(const ObjectPtr& object) {
  const Result<std::string> bytes = EncodeResource(*object);
  EXPECT_TRUE(bytes.ok()) << (bytes.ok() ? "" : bytes.error());
  istio::mcp::v1alpha1::Resource resource;
  EXPECT_TRUE(resource.ParseFromString(bytes.value()));
  return resource;
}

TEST(McpEncode, AnObjectIsWrappedAsIstiodReadsIt) {
  const auto resource = Decoded(
      Route(R"({"hosts":["shop.example"],"http":[{"timeout":"1.5s","retries":{"attempts":2},)"
            R"("route":[{"destination":{"host":"a.shop.svc.cluster.local","port":{"number":80}},)"
            R"("weight":70}],"match":[{"uri":{"prefix":"/x"},"headers":{"h":{"exact":"1"}}}]}]})",
            {{"weft.dev/source", "a.weft:1"}}));
  EXPECT_EQ(resource.metadata().name(), "shop/main");
  EXPECT_EQ(resource.metadata().labels().at("a"), "b");
  EXPECT_EQ(resource.metadata().annotations().at("weft.dev/source"), "a.weft:1");
  EXPECT_EQ(resource.body().type_url(),
            "type.googleapis.com/istio.networking.v1alpha3.VirtualService");
  istio::networking::v1alpha3::VirtualService route;
  ASSERT_TRUE(resource.body().UnpackTo(&route));
  EXPECT_EQ(route.hosts(0), "shop.example");
  EXPECT_EQ(route.http(0).timeout().nanos(), 500'000'000);
  EXPECT_EQ(route.http(0).route(0).weight(), 70);
  EXPECT_EQ(route.http(0).route(0).destination().port().number(), 80U);
  EXPECT_EQ(route.http(0).match(0).uri().prefix(), "/x");
  EXPECT_EQ(route.http(0).match(0).headers().at("h").exact(), "1");
}

TEST(McpEncode, PoliciesToo) {
  const ObjectKey key{"AuthorizationPolicy.security.istio.io", "shop", "p"};
  const auto resource = Decoded(MakeObject(
      key, R"({"metadata":{"name":"p","namespace":"shop"},"spec":{"action":"DENY","selector":)"
           R"({"matchLabels":{"app":"a"}},"rules":[{"from":[{"source":{"notPrincipals":["x"]}}],)"
           R"("to":[{"operation":{"ports":["80"]}}]}]}})"));
  EXPECT_EQ(resource.body().type_url(),
            "type.googleapis.com/istio.security.v1beta1.AuthorizationPolicy");
  istio::security::v1beta1::AuthorizationPolicy policy;
  ASSERT_TRUE(resource.body().UnpackTo(&policy));
  EXPECT_EQ(policy.action(), istio::security::v1beta1::AuthorizationPolicy::DENY);
  EXPECT_EQ(policy.selector().match_labels().at("app"), "a");
  EXPECT_EQ(policy.rules(0).from(0).source().not_principals(0), "x");
}

TEST(McpEncode, TheVersionIsThatOfWhatIsSaid) {
  const auto version = [](const ObjectPtr& object) { return Decoded(object).metadata().version(); };
  const std::string first = version(Route(R"({"hosts":["a"]})"));
  EXPECT_EQ(version(Route(R"({"hosts":["a"]})")), first);
  EXPECT_NE(version(Route(R"({"hosts":["b"]})")), first);
  EXPECT_NE(version(Route(R"({"hosts":["a"]})", {{"x", "y"}})), first);
}

TEST(McpEncode, WhatIstiodWouldDropIsRefusedWithItsReason) {
  EXPECT_FALSE(EncodeResource(*Route(R"({"hosts":["a"],"nothing":1})")).ok());
  EXPECT_FALSE(EncodeResource(*Route(R"({"hosts":{"a":1}})")).ok());
  EXPECT_FALSE(EncodeResource(*Route(R"({"http":[{"timeout":"soon"}]})")).ok());
  const Result<std::string> limits = EncodeResource(
      *MakeObject({"ConfigMap", "limits", "config"}, R"({"metadata":{},"data":{}})"));
  ASSERT_FALSE(limits.ok());
  EXPECT_NE(limits.error().find("from Kubernetes only"), std::string::npos);
}

TEST(McpEncode, ContentIsByKindWithAVersionEach) {
  const ObjectPtr route = Route(R"({"hosts":["a"]})");
  const Result<ContentPtr> one = EncodeContent(*MakeSnapshot({{kRoute, route}}));
  ASSERT_TRUE(one.ok());
  ASSERT_EQ(one.value()->kinds.size(), 1U);
  EXPECT_EQ(one.value()->kinds.at(kRoute.kind).resources.size(), 1U);
  const Result<ContentPtr> again = EncodeContent(*MakeSnapshot({{kRoute, route}}));
  EXPECT_EQ(again.value()->version, one.value()->version);
  const Result<ContentPtr> other =
      EncodeContent(*MakeSnapshot({{kRoute, Route(R"({"hosts":["b"]})")}}));
  EXPECT_NE(other.value()->kinds.at(kRoute.kind).version,
            one.value()->kinds.at(kRoute.kind).version);
  const Result<ContentPtr> bad =
      EncodeContent(*MakeSnapshot({{kRoute, Route(R"({"nothing":1})")}}));
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().find("main"), std::string::npos) << bad.error();
}

}  // namespace
}  // namespace weft::relay::mcp
