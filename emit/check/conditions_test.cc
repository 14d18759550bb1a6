// The conditions that proofs take AuthorizationPolicies for say of every call what the interpreter
// says of it.
#include "emit/check/conditions.h"

#include <gtest/gtest.h>

#include "emit/check/authorization.h"
#include "engine/request.h"

namespace weft::emit::check {
namespace {

using Strings = std::vector<std::string>;

struct Attributed {
  std::string yaml;  // of a rule; `%` is the value
  Strings values;
};

// Every attribute that conditions have words for, with every form its values have.
const std::vector<Attributed>& Attributes() {
  static const Strings kTexts = {"a", "a*", "*a", "*", "ab", "*b*"};
  static const std::vector<Attributed> attributes = {
      {"to: [{operation: {hosts: [\"%\"]}}]",
       {"a.b", "A.b", "a.*", "*.b", "*", "a.b:*", "a.b:90", "a.b:9090", "*:9090", "*90",
        "a.b:909*"}},
      {"to: [{operation: {notHosts: [\"%\"]}}]", {"a.b", "*.b", "a.b:*"}},
      {"to: [{operation: {methods: [\"%\"]}}]", {"GET", "POST", "*"}},
      {"to: [{operation: {notMethods: [\"%\"]}}]", {"GET"}},
      {"to: [{operation: {paths: [\"%\"]}}]",
       {"/a", "/a*", "*/b", "*", "/a/{*}", "/{*}/b", "/a/{**}", "/a/{**}/b", "/a*b", "/{*}"}},
      {"to: [{operation: {notPaths: [\"%\"]}}]", {"/a", "/a/*", "/a/{*}"}},
      {"to: [{operation: {ports: [\"%\"]}}]", {"9090", "8080"}},
      {"from: [{source: {principals: [\"%\"]}}]",
       {"t0/ns/x/sa/y", "t0/ns/x/sa/*", "t0/ns/*", "*/sa/y", "*", "cluster.local/ns/x/sa/y", "*y",
        "t1/ns/x/sa/y", "t*"}},
      {"from: [{source: {notPrincipals: [\"%\"]}}]", {"*", "t0/ns/x/sa/y"}},
      {"from: [{source: {namespaces: [\"%\"]}}]", {"x", "sa", "ns", "*", "x*", "*s"}},
      {"from: [{source: {notNamespaces: [\"%\"]}}]", {"x"}},
      {"from: [{source: {serviceAccounts: [\"%\"]}}]", {"y", "x/y", "web/y"}},
      {"from: [{source: {trustDomains: [\"%\"]}}]", {"t0", "t*", "*0", "*", "t1"}},
      {"from: [{source: {ipBlocks: [\"%\"]}}]", {"10.0.0.0/8", "10.0.0.1", "192.168.0.0/16"}},
      {"from: [{source: {notIpBlocks: [\"%\"]}}]", {"10.0.0.0/8"}},
      {"from: [{source: {remoteIpBlocks: [\"%\"]}}]", {"203.0.113.0/24"}},
      {"from: [{source: {requestPrincipals: [\"%\"]}}]",
       {"*", "https://id/*", "https://id/me", "*/me", "*me", "https://*", "https://id/m*",
        "https://other/*"}},
      {"from: [{source: {notRequestPrincipals: [\"%\"]}}]", {"*", "https://id/*"}},
      {"when: [{key: \"request.headers[x-a]\", values: [\"%\"]}]", kTexts},
      {"when: [{key: \"request.headers[x-a]\", notValues: [\"%\"]}]", kTexts},
      {"when: [{key: \"request.auth.claims[role]\", values: [\"%\"]}]", kTexts},
      {"when: [{key: \"request.auth.claims[g][h]\", notValues: [\"%\"]}]", kTexts},
      {"when: [{key: request.auth.audiences, values: [\"%\"]}]", kTexts},
      {"when: [{key: request.auth.presenter, values: [\"%\"]}]", kTexts},
      {"when: [{key: source.ip, values: [\"%\"]}]", {"10.0.0.0/8", "nonsense"}},
      {"when: [{key: destination.port, values: [\"%\"]}]", {"9090", "90x"}},
      {"when: [{key: source.namespace, values: [\"%\"]}]", {"x"}},
      {"when: [{key: no.such.key, values: [\"%\"]}]", {"x"}},
  };
  return attributes;
}

struct Asked {
  engine::Request request;
  std::optional<engine::Identity> peer;
};

std::vector<Asked> Calls() {
  std::vector<Asked> calls;
  const std::vector<std::optional<engine::Identity>> peers = {
      std::nullopt, engine::Identity{"t0", "x", "y"}, engine::Identity{"t1", "web", "y"},
      engine::Identity{"t0", "ns", "a"}, engine::Identity{"t0", "sa", "xs"}};
  const Strings hosts = {"a.b", "c.b", "a", "a.b90"};
  const Strings paths = {"/", "/a", "/ab", "/a/b", "/a/x/b", "/a*b", "/a/"};
  const Strings texts = {"", "a", "ab", "ba", "b*", "c"};
  for (std::size_t i = 0; i < 210; ++i) {
    Asked asked;
    asked.peer = peers[i % peers.size()];
    engine::Request& request = asked.request;
    request.host = hosts[i % hosts.size()];
    request.path = paths[i % paths.size()];
    request.method = i % 3 == 0 ? "POST" : "GET";
    request.source_ip = i % 2 == 0 ? "10.0.0.1" : "192.168.3.4";
    if (i % 5 == 0) request.remote_ip = "203.0.113.9";
    const std::string& text = texts[i % texts.size()];
    if (i % 7 != 0) request.headers["x-a"] = text;
    if (i % 4 != 0) {
      engine::Token token{.provider = {0}, .valid = true, .claims = {}};
      if (i % 3 != 0) token.claims["sub"] = {i % 2 == 0 ? "me" : "you"};
      token.claims["role"] = {text};
      if (i % 2 == 0) token.claims["g.h"] = {text, "a"};
      token.claims["aud"] = {text};
      token.claims["azp"] = {text};
      request.tokens.push_back(std::move(token));
    }
    calls.push_back(std::move(asked));
  }
  return calls;
}

nlohmann::json PayloadOf(const engine::Token& token) {
  nlohmann::json payload = {{"iss", "https://id"}, {"sub", "somebody"}};
  for (const auto& [name, values] : token.claims) {
    nlohmann::json value = values;
    if (values.size() == 1) value = values.front();
    if (name == "g.h") {
      payload["g"]["h"] = value;
    } else {
      payload[name] = value;
    }
  }
  return payload;
}

Call CallOf(const Asked& asked, bool names_port) {
  Call call;
  call.peer = asked.peer ? asked.peer->Uri() : "";
  call.source_ip = asked.request.source_ip;
  call.remote_ip =
      asked.request.remote_ip.empty() ? asked.request.source_ip : asked.request.remote_ip;
  call.port = 9090;
  call.host = asked.request.host + (names_port ? ":9090" : "");
  call.method = asked.request.method;
  call.path = asked.request.path;
  call.headers = asked.request.headers;
  for (const engine::Token& token : asked.request.tokens) call.tokens.push_back(PayloadOf(token));
  return call;
}

TEST(Conditions, SayWhatTheInterpreterSays) {
  engine::Model world;
  world.jwts.push_back({.name = "id", .issuer = "https://id"});
  const std::vector<std::string> trust{"t0"};
  const std::vector<Asked> calls = Calls();
  unsigned held = 0, compared = 0;
  for (const Attributed& attributed : Attributes()) {
    for (const std::string& value : attributed.values) {
      std::string rule = attributed.yaml;
      rule.replace(rule.find('%'), 1, value);
      SourceMap sources;
      Diagnostics reading;
      const FileId id = sources.Add("policy.yaml",
                                    "metadata: {name: p, namespace: web}\n"
                                    "spec: {action: DENY, rules: [{" +
                                        rule + "}]}\n",
                                    SourceKind::kYaml);
      const auto documents = yaml::Parse(sources.Get(id), reading);
      ASSERT_EQ(documents.size(), 1U) << rule;
      const IstioObject policy = PartsOf(documents.front().root);
      for (const bool names_port : {false, true}) {
        const DemandPlace place{.world = world,
                                .ns = "web",
                                .port = 9090,
                                .http = true,
                                .names_port = names_port,
                                .trusted = {{0}}};
        const auto read = ReadRule(policy.spec.Find("rules")->items.front(), trust);
        std::string unsaid;
        const auto condition = read ? ConditionOf(*read, false, place, unsaid)
                                    : std::optional(engine::Condition::False());
        ASSERT_TRUE(condition) << rule << ": " << unsaid;
        for (const Asked& asked : calls) {
          const Verdict verdict =
              Authorize({&policy}, CallOf(asked, names_port), {.trust_domains = trust});
          const bool holds = engine::Holds(world, *condition, asked.request, asked.peer);
          EXPECT_EQ(holds, verdict.kind == Verdict::Kind::kDenied)
              << rule << "\n"
              << asked.request.method << " " << asked.request.host << asked.request.path << " from "
              << (asked.peer ? asked.peer->Uri() : "nobody") << (names_port ? " with port" : "");
          held += holds ? 1 : 0;
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(held, compared / 10);
  EXPECT_LT(held, compared - compared / 10);
}

TEST(Conditions, HaveNoWordsForEverything) {
  const engine::Model world;
  const DemandPlace place{.world = world, .ns = "web", .port = 80, .trusted = {}};
  EXPECT_FALSE(ConditionOf({.attribute = Attribute::kDestinationIp}, "10.0.0.1", place));
  EXPECT_FALSE(ConditionOf({.attribute = Attribute::kMethod}, "G*", place));
  EXPECT_FALSE(ConditionOf({.attribute = Attribute::kFilterMetadata}, "x", place));
}

}  // namespace
}  // namespace weft::emit::check
