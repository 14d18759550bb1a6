#include <gtest/gtest.h>

#include "engine/hosts.h"
#include "engine/match.h"
#include "engine/request.h"
#include "engine/rewrite.h"

namespace weft::engine {
namespace {

struct Row {
  Pattern pattern;
  std::string value;
  bool matches;
};
class Patterns : public testing::TestWithParam<Row> {};

TEST_P(Patterns, MatchTheWholeValue) {
  EXPECT_EQ(Matches(GetParam().pattern, GetParam().value), GetParam().matches)
      << Describe(GetParam().pattern) << " on " << GetParam().value;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Patterns,
    testing::Values(Row{Exact{"/a"}, "/a", true}, Row{Exact{"/a"}, "/a/", false},
                    Row{Under{"/api"}, "/api", true}, Row{Under{"/api"}, "/api/x", true},
                    Row{Under{"/api"}, "/apix", false}, Row{Under{"/"}, "/x", true},
                    Row{Prefix{"/api"}, "/apix", true}, Row{Suffix{".js"}, "/a.js", true},
                    Row{Template{"/a/*/c"}, "/a/b/c", true},
                    Row{Template{"/a/*/c"}, "/a//c", false},
                    Row{Template{"/a/*/c"}, "/a/b/d/c", false}, Row{Template{"/a/**"}, "/a/", true},
                    Row{Template{"/a/**"}, "/a/b/c", true}, Row{Template{"/a/**"}, "/a", false},
                    Row{Regex{"/v[0-9]+"}, "/v12", true}, Row{Regex{"/v[0-9]+"}, "/v12x", false}));

TEST(Patterns, AgreeWithTheirRegex) {
  const std::vector<Pattern> patterns = {Exact{"/a.b"},     Under{"/api"},   Under{"/"},
                                         Prefix{"/a+"},     Suffix{".js"},   Template{"/a/*/c"},
                                         Template{"/a/**"}, Regex{"/v[0-9]"}};
  const std::vector<std::string> values = {"/a.b", "/axb",  "/api",   "/api/x", "/apix",  "/",
                                           "/a+b", "/x.js", "/a/b/c", "/a/",    "/a/b/d", "/v1"};
  for (const Pattern& pattern : patterns) {
    for (const std::string& value : values) {
      EXPECT_EQ(Matches(pattern, value), Matches(Regex{ToRegex(pattern)}, value))
          << Describe(pattern) << " on " << value;
    }
  }
}

TEST(Hosts, TheMostSpecificPatternWins) {
  EXPECT_TRUE(HostMatches("*.b", "a.b"));
  EXPECT_TRUE(HostMatches("*.b", "x.a.b"));
  EXPECT_FALSE(HostMatches("*.b", "b"));
  EXPECT_EQ(BestHost({"*", "*.b", "a.b"}, "a.b"), "a.b");
  EXPECT_EQ(BestHost({"*", "*.b", "*.a.b"}, "x.a.b"), "*.a.b");
  EXPECT_EQ(BestHost({"c"}, "a.b"), std::nullopt);
}

TEST(Rewrite, ReplacesTheMatchedPart) {
  const auto match = [](Pattern pattern) {
    return Condition::Of(PathMatch{{std::move(pattern)}}, {});
  };
  EXPECT_EQ(RewritePath(match(Under{"/api"}), {.path = "/v2"}, "/api/x"), "/v2/x");
  EXPECT_EQ(RewritePath(match(Under{"/api"}), {.path = "/"}, "/api/x"), "/x");
  EXPECT_EQ(RewritePath(match(Under{"/api"}), {.path = "/"}, "/api"), "/");
  EXPECT_EQ(RewritePath(match(Exact{"/a"}), {.path = "/b"}, "/a"), "/b");
  EXPECT_EQ(RewritePath(match(Prefix{"/a"}), {.path = "/b"}, "/ax"), "/bx");
  EXPECT_EQ(RewritePath(match(Under{"/a"}), {.path = "/b/\\1", .regex = "/a/(.*)"}, "/a/x"),
            "/b/x");
}

// A mesh of one service `server` in cluster `east`, closed but for its client on GET below /api.
class OneService : public testing::Test {
 protected:
  void SetUp() override {
    model_.clusters = {{.name = "east", .trust_domain = "east.t", .network = "east"}};
    model_.workspaces = {{.name = "w", .namespaces = {{ClusterId{0}, "n"}}}};
    model_.workloads = {
        {.cluster = {0}, .workspace = {0}, .ns = "n", .name = "client", .account = "client"},
        {.cluster = {0}, .workspace = {0}, .ns = "n", .name = "server", .account = "server"},
        {.cluster = {0}, .workspace = {0}, .ns = "n", .name = "stranger", .account = "stranger"}};
    ServicePort port{.number = 80, .target = 8080};
    model_.services = {{.ns = "n",
                        .name = "server",
                        .workspace = {0},
                        .instances = {{.cluster = {0}, .ports = {port}, .workloads = {{1}}}}}};
    AccessRule allow;
    allow.callers = {{.any_of = {IdentitySet{"east.t", "n", "client"}}}};
    allow.when = Condition::And(
        {Condition::Of(MethodMatch{{"GET"}}, {}), Condition::Of(PathMatch{{Under{"/api"}}}, {})});
    AccessRule deny;
    deny.effect = AccessRule::Effect::kDeny;
    deny.when = Condition::Of(PathMatch{{Under{"/api/secret"}}}, {});
    model_.access_rules = {allow, deny};
    model_.guards = {{.target = ServiceId{0},
                      .cluster = {0},
                      .mtls = MtlsMode::kStrict,
                      .closed = true,
                      .allow = {{0}},
                      .deny = {{1}}}};
  }

  [[nodiscard]] std::string Ask(Request request) const {
    request.cluster = {0};
    request.host = "server.n";
    const Outcome outcome = Evaluate(model_, request);
    const Block* block = outcome.FirstBlock();
    return block == nullptr ? "served" : std::string(StageName(block->stage));
  }

  Model model_;
};

TEST_F(OneService, AllowsWhatARuleAllows) {
  EXPECT_EQ(Ask({.source = {0}, .path = "/api/x"}), "served");
  EXPECT_EQ(Ask({.source = {0}, .path = "/apix"}), "not-allowed");
  EXPECT_EQ(Ask({.source = {0}, .method = "POST", .path = "/api/x"}), "not-allowed");
  EXPECT_EQ(Ask({.source = {2}, .path = "/api/x"}), "not-allowed");
}

TEST_F(OneService, DenyWinsOverAllow) {
  EXPECT_EQ(Ask({.source = {0}, .path = "/api/secret/x"}), "denied");
}

TEST_F(OneService, StrictMtlsRefusesClearText) {
  EXPECT_EQ(Ask({.source = {0}, .plaintext = true, .path = "/api/x"}), "mtls");
  model_.guards[0].mtls = MtlsMode::kPermissive;
  EXPECT_EQ(Ask({.source = {0}, .plaintext = true, .path = "/api/x"}), "not-allowed");
}

TEST_F(OneService, AnUnknownPortOrALostClusterIsUnavailable) {
  EXPECT_EQ(Ask({.source = {0}, .port = 81, .path = "/api/x"}), "unavailable");
  EXPECT_EQ(Ask({.source = {0}, .path = "/api/x", .lost_clusters = {ClusterId{0}}}), "unavailable");
}

}  // namespace
}  // namespace weft::engine
