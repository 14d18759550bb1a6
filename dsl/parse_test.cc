#include "dsl/parse.h"

#include <gtest/gtest.h>

#include <string>

#include "dsl/codes.h"
#include "dsl/render.h"

namespace weft::dsl {
namespace {

constexpr std::string_view kPlatform = R"(
mesh shop

cluster east { region "us-east-1"  network east  trust "east.shop" }
cluster west { region "us-west-2"  network west  trust "west.shop" }

/// Ingress team. Owns the gateways, nothing else.
workspace gateways { namespaces ["istio-gateway"] on [east, west] }

workspace bookinfo {
  namespaces ["bookinfo-*"] on [east, west]
  export to gateways { route main, service productpage, service reviews }
  export to reporting { service reviews }
  isolate { mtls strict  trim proxies }
}

workspace reporting { namespaces ["reporting"] on [east] }

jwt corp { issuer "https://id.shop.example"  jwks from "https://id.shop.example/keys"  audience "shop" }

gateway north-south {
  select { istio = "ingressgateway" }
  listen 80  http  { redirect https }
  listen 443 https { hosts ["*.shop.example"]  certificate secret "shop-tls"  min tls 1.3 }
  accept routes from [bookinfo] for hosts ["books.shop.example"]
}
)";

constexpr std::string_view kApplication = R"(
workspace bookinfo
use std.resilience.{standard_retries}

service reviews in "bookinfo-backends" {
  port http 9080
  subset v1 { version = "v1" }
  subset v2 { version = "v2" }
}

/// One name for reviews everywhere; stays close, survives a region.
destination reviews-global at "reviews.global" {
  backs reviews on [east, west]
  failover same zone, same region, any
  eject after 5 errors in 10s for 30s at most 50%
}

predicate internal = source.ip in [10.0.0.0/8]

route main on gateways.north-south for "books.shop.example" {
  GET when path = "/productpage"         -> productpage
  GET, HEAD when path under "/static"    -> productpage { timeout 1s }
  when header "x-canary" = "1"           -> reviews.v2
  when path under "/reviews"             -> 90% reviews.v1, 10% reviews.v2 { timeout 2s  standard_retries }
  otherwise                              -> respond 404
}

access reviews {
  allow from productpage, gateway north-south when method in [GET, HEAD] and path under "/reviews"
  allow from workspace reporting when jwt corp claim "role" has "auditor" and internal
  deny                           when path under "/reviews/drafts"
}

limit reviews { 100/s per source.identity  burst 20  on error allow }

test "productpage reads reviews" {
  GET "http://reviews:9080/reviews/7" from productpage on east
  expect allowed, served by reviews
}

prove "drafts are never served"   { no request to reviews where path under "/reviews/drafts" is allowed }
prove "reviews survive a region"  { on loss of any region: every request allowed to reviews-global is served }
prove "only we touch ratings"     { no request to ratings from outside workspace bookinfo is allowed }
prove "nothing in clear text"     { no request to workspace bookinfo without mtls is allowed }
)";

struct Parsed {
  SourceMap sources;
  Diagnostics diagnostics;
  Program program;
  [[nodiscard]] std::string Errors() const {
    std::string text;
    for (const Diagnostic& d : diagnostics.Sorted()) text += RenderHuman(d, sources, {});
    return text;
  }
};

void ParseInto(std::string_view text, Parsed& parsed) {
  const FileId id = parsed.sources.Add("a.weft", std::string(text), SourceKind::kWeft);
  parsed.program = Parse(parsed.sources.Get(id), parsed.diagnostics);
}

TEST(Parse, ReadsThePlatformSample) {
  Parsed p;
  ParseInto(kPlatform, p);
  EXPECT_EQ(p.Errors(), "");
  ASSERT_EQ(p.program.clusters.size(), 2U);
  EXPECT_EQ(p.program.clusters[1].trust->value, "west.shop");
  ASSERT_EQ(p.program.workspaces.size(), 3U);
  EXPECT_EQ(p.program.workspaces[0].header.doc, "Ingress team. Owns the gateways, nothing else.");
  const WorkspaceDecl& bookinfo = p.program.workspaces[1];
  ASSERT_EQ(bookinfo.exports.size(), 2U);
  EXPECT_EQ(bookinfo.exports[0].resources.size(), 3U);
  EXPECT_EQ(bookinfo.exports[0].resources[0].kind, ResourceKind::kRoute);
  ASSERT_TRUE(bookinfo.isolate);
  EXPECT_EQ(bookinfo.isolate->mtls->value, MtlsMode::kStrict);
  EXPECT_TRUE(bookinfo.isolate->trim);
  ASSERT_EQ(p.program.gateways.size(), 1U);
  const GatewayDecl& gateway = p.program.gateways[0];
  ASSERT_EQ(gateway.listeners.size(), 2U);
  EXPECT_TRUE(gateway.listeners[0].redirect_https);
  EXPECT_EQ(gateway.listeners[1].min_version->value, TlsVersion::kTls13);
  EXPECT_EQ(gateway.accepts[0].hosts[0].value, "books.shop.example");
}

TEST(Parse, ReadsTheApplicationSample) {
  Parsed p;
  ParseInto(kApplication, p);
  EXPECT_EQ(p.Errors(), "");
  ASSERT_EQ(p.program.routes.size(), 1U);
  const RouteDecl& route = p.program.routes[0];
  EXPECT_EQ(route.header.owner, "bookinfo");
  ASSERT_EQ(route.rules.size(), 5U);
  EXPECT_EQ(route.rules[1].methods.size(), 2U);
  EXPECT_EQ(route.rules[3].items.size(), 2U);
  EXPECT_TRUE(route.rules[4].otherwise);
  ASSERT_EQ(p.program.accesses.size(), 1U);
  EXPECT_EQ(p.program.accesses[0].clauses.size(), 3U);
  EXPECT_EQ(p.program.accesses[0].clauses[2].effect, AccessClause::Effect::kDeny);
  ASSERT_EQ(p.program.proves.size(), 4U);
  EXPECT_EQ(p.program.proves[1].loss, ProveDecl::LossKind::kRegion);
  EXPECT_TRUE(p.program.proves[1].only_allowed);
  EXPECT_EQ(p.program.proves[3].mtls, std::optional<bool>(false));
  ASSERT_EQ(p.program.tests.size(), 1U);
  EXPECT_EQ(p.program.tests[0].expectations.size(), 2U);
  ASSERT_EQ(p.program.limits.size(), 1U);
  ASSERT_EQ(p.program.destinations.size(), 1U);
  EXPECT_EQ(p.program.destinations[0].items.size(), 2U);
}

struct Bad {
  std::string_view text;
  std::uint16_t code;
  std::uint32_t line;
  std::string_view help;
};

class BadInput : public testing::TestWithParam<Bad> {};

TEST_P(BadInput, GivesOneLocatedDiagnostic) {
  Parsed p;
  ParseInto(GetParam().text, p);
  ASSERT_EQ(p.diagnostics.errors(), 1U) << p.Errors();
  const Diagnostic& d = p.diagnostics.all().front();
  EXPECT_EQ(d.number, GetParam().code) << p.Errors();
  EXPECT_EQ(p.sources.Locate(d.span.file, d.span.begin).line, GetParam().line) << p.Errors();
  EXPECT_NE(d.help.find(GetParam().help), std::string::npos) << p.Errors();
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadInput,
    testing::Values(
        Bad{"mesh m\nservce a in \"b\" { port http 80 }\n", 1021, 2, "`service`"},
        Bad{"workspace w\nroute r for \"h\" {\n  -> a { timeout 5 }\n}\n", 2002, 3, "`5s`"},
        Bad{"workspace w\nroute r for \"h\" {\n  when path = \"x\" -> a\n  otherwise -> b\n}\n",
            2003, 3, ""},
        Bad{"workspace w\nroute r for \"h\" {\n  when path like \"/a*\" -> a\n}\n", 2003, 3,
            "starts"},
        Bad{"workspace w\nroute r for \"h\" {\n  when path matches \"(\" -> a\n}\n", 2003, 3, ""},
        Bad{"workspace w\nroute r for \"*.*.x\" { -> a }\n", 2006, 2, "wildcard"},
        Bad{"workspace w\nlimit a { 100 per source.identity }\n", 2002, 2, "100/s"},
        Bad{"workspace w\naccess a { allow from b when header \"x\" != \"1\" }\n", 1020, 2, "not"},
        Bad{"workspace w\npredicate p = source.ip in [10.0.0.0/33]\n", 2001, 2, ""},
        Bad{"workspace w\nservice a in \"b\" { port http 80\n", 1012, 2, ""},
        Bad{"workspace w\nservice a in \"b { port http 80 }\n", 1011, 2, "close it"},
        Bad{"mesh m\nworkspace w { namespaces [] }\n", 2004, 2, "\"*\""},
        Bad{"service a in \"b\" { port http 80 }\n", 1023, 1, "workspace NAME"},
        Bad{"workspace w\naccess a { }\n", 2007, 2, "allow"},
        Bad{"mesh m\n# comment\n", 1010, 2, "//"}));

TEST(Parse, GoesOnAfterAnError) {
  Parsed p;
  ParseInto(
      "workspace w\nroute r for \"h\" {\n  when path = 5 -> a\n  when nonsense nonsense -> b\n"
      "  otherwise -> c\n}\nservice s in \"n\" { port http 99999 }\nservice t in \"n\"\n",
      p);
  EXPECT_EQ(p.diagnostics.errors(), 3U) << p.Errors();
  ASSERT_EQ(p.program.routes.size(), 1U);
  EXPECT_EQ(p.program.routes[0].rules.size(), 1U);
  EXPECT_EQ(p.program.services.size(), 2U);
}

TEST(Parse, SurvivesDeepNesting) {
  Parsed p;
  ParseInto("workspace w\npredicate p = " + std::string(10'000, '(') + "mtls" +
                std::string(10'000, ')') + "\n",
            p);
  EXPECT_TRUE(p.diagnostics.HasErrors());
}

TEST(Parse, RefusesBytesThatAreNotUtf8) {
  Parsed p;
  ParseInto("mesh m\n\xff\n", p);
  ASSERT_EQ(p.diagnostics.errors(), 1U);
  EXPECT_EQ(p.diagnostics.all().front().number, codes::kNotUtf8.number);
}

TEST(Load, ExpandsTemplatesAndPredicates) {
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add("a.weft",
                                "workspace w\nuse lib.r.{twice}\npredicate internal = mtls\n"
                                "route r for \"h\" { when internal -> a { twice(per_try: 1s) } }\n",
                                SourceKind::kWeft);
  const FileId module =
      sources.Add("lib/r.weft",
                  "mesh lib\npolicy twice(n: number = 2, per_try: duration) { retries n per try "
                  "per_try }\n",
                  SourceKind::kWeft);
  const Program program = Load(
      {&sources.Get(id)},
      [&](const std::string& name) { return name == "lib/r" ? &sources.Get(module) : nullptr; },
      diagnostics);
  ASSERT_FALSE(diagnostics.HasErrors());
  const RouteRule& rule = program.routes[0].rules[0];
  ASSERT_EQ(rule.items.size(), 1U);
  const auto* retries = std::get_if<RetriesItem>(&rule.items[0].value);
  ASSERT_NE(retries, nullptr);
  EXPECT_EQ(retries->attempts.value, 2);
  EXPECT_EQ(retries->per_try->value, Millis(1000));
  EXPECT_EQ(rule.items[0].via.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<HasMtls>(*rule.when->matcher));
}

}  // namespace
}  // namespace weft::dsl
