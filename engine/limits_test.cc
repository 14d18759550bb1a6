// Authorizers, limiters, origins and bodies, as `test` blocks state them.
#include <gtest/gtest.h>

#include <string>

#include "dsl/parse.h"
#include "dsl/render.h"
#include "engine/lower.h"

namespace weft::engine {
namespace {

constexpr std::string_view kMesh = R"weft(
mesh shop
cluster east { region "r" }
workspace web { namespaces ["web"] }
jwt corp { issuer "https://id"  jwks from "https://id/k" }

workspace web
service opa in "web" { port grpc 9191 }
service counts in "web" { port grpc 8081 }
authorizer opa { service opa in "web"  on failure deny status 503 }
authorizer lenient { service opa in "web"  on failure allow }
limiter main { service counts in "web"  on error deny }

service cart in "web" {
  port http 8080
  authorize by opa when path under "/admin"
  authorize by lenient when path under "/open"
  limit 100/s per header "x-user"
  limit 10/min when method = POST on error allow
  limit 5/h per jwt corp claim "sub"
  limit 3/s when path = "/admin/x" phase before authorization
}
service front in "web" { port http 8080 }
access cart { allow from front  deny when path = "/no" }

gateway gw in "web" {
  select { istio = "gw" }
  listen 80 http
  authorize by opa
}
route main on gateway gw for "a.shop" {
  when path under "/free"  -> front { without authorization  limit 7/s }
  when path under "/ask"   -> front { authorize by lenient }
  when path under "/forms" -> front { csrf { origins ["b.shop", ends ".c.shop"] }  body at most 1KiB }
  otherwise                -> front
}
)weft";

struct Row {
  std::string_view request;  // after `test "t" {`
  std::string_view expect;
};

class Deciders : public testing::TestWithParam<Row> {};

TEST_P(Deciders, DecideAsTheTestStates) {
  SourceMap sources;
  Diagnostics diagnostics;
  const std::string text = std::string(kMesh) + "test \"t\" {\n  " +
                           std::string(GetParam().request) + "\n  expect " +
                           std::string(GetParam().expect) + "\n}\n";
  const FileId id = sources.Add("a.weft", text, SourceKind::kWeft);
  const dsl::Program program = dsl::Load(
      {&sources.Get(id)}, [](const std::string&) { return nullptr; }, diagnostics);
  const Model model = Lower(program, {}, diagnostics);
  const std::vector<TestCase> tests = LowerTests(program, model, diagnostics);
  for (const Diagnostic& d : diagnostics.Sorted()) {
    if (d.severity == Severity::kError) FAIL() << RenderHuman(d, sources, {});
  }
  ASSERT_EQ(tests.size(), 1U);
  const TestResult result = RunTest(model, tests[0]);
  EXPECT_TRUE(result.passed) << GetParam().request << ": " << result.message;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Deciders,
    testing::Values(
        // external authorization
        Row{R"(GET "http://cart:8080/admin" from front)", "allowed"},
        Row{R"(GET "http://cart:8080/admin" from front with opa denying)",
            "blocked at external-authorization"},
        Row{R"(GET "http://cart:8080/x" from front with opa denying)", "allowed"},
        Row{R"(GET "http://cart:8080/admin" from front with opa unavailable)",
            "blocked at external-authorization"},
        Row{R"(GET "http://cart:8080/open" from front with lenient unavailable)", "allowed"},
        Row{R"(GET "http://cart:8080/open" from front with lenient denying)",
            "blocked at external-authorization"},
        Row{R"(GET "http://cart:8080/no" from front with opa denying)", "blocked at denied"},
        // limits
        Row{R"(GET "http://cart:8080/x" from front with header "x-user" = "a" after 99 requests in the second)",
            "allowed"},
        Row{R"(GET "http://cart:8080/x" from front with header "x-user" = "a" after 100 requests in the second)",
            "blocked at rate-limited"},
        Row{R"(GET "http://cart:8080/x" from front after 100 requests in the second)", "allowed"},
        Row{R"(GET "http://cart:8080/x" from front with header "x-user" = "a" after 100 requests in the minute)",
            "allowed"},
        Row{R"(POST "http://cart:8080/x" from front after 10 requests in the second)",
            "blocked at rate-limited"},
        Row{R"(POST "http://cart:8080/x" from front after 10 requests in the hour)", "allowed"},
        Row{R"(GET "http://cart:8080/x" from front with jwt corp { sub = "u" } after 5 requests in the hour)",
            "blocked at rate-limited"},
        Row{R"(GET "http://cart:8080/x" from front with invalid jwt corp after 5 requests in the hour)",
            "blocked at authentication"},
        Row{R"(GET "http://cart:8080/no" from front with header "x-user" = "a" after 100 requests in the second)",
            "blocked at denied"},
        Row{R"(GET "http://cart:8080/admin/x" from front with opa denying after 3 requests in the second)",
            "blocked at rate-limited"},
        Row{R"(GET "http://cart:8080/x" from front with header "x-user" = "a" with limiter main unavailable)",
            "blocked at rate-limited"},
        Row{R"(POST "http://cart:8080/x" from front with limiter main unavailable)", "allowed"},
        // routes of a gateway
        Row{R"(GET "http://a.shop/" through gw with opa denying)",
            "blocked at external-authorization"},
        Row{R"(GET "http://a.shop/free" through gw with opa denying)", "allowed"},
        Row{R"(GET "http://a.shop/free" through gw after 7 requests in the second)",
            "blocked at rate-limited"},
        Row{R"(GET "http://a.shop/ask" through gw with opa denying)", "allowed"},
        Row{R"(GET "http://a.shop/ask" through gw with lenient denying)",
            "blocked at external-authorization"},
        // origins and bodies
        Row{R"(GET "http://a.shop/forms" through gw)", "allowed"},
        Row{R"(POST "http://a.shop/forms" through gw)", "blocked at foreign-origin"},
        Row{R"(POST "http://a.shop/forms" through gw with header "origin" = "https://a.shop")",
            "allowed"},
        Row{R"(POST "http://a.shop/forms" through gw with header "origin" = "https://b.shop")",
            "allowed"},
        Row{R"(POST "http://a.shop/forms" through gw with header "origin" = "https://evil/x.c.shop")",
            "blocked at foreign-origin"},
        Row{R"(POST "http://a.shop/forms" through gw with header "referer" = "https://x.c.shop/p")",
            "allowed"},
        Row{R"(GET "http://a.shop/forms" through gw with body 1KiB)", "allowed"},
        Row{R"(GET "http://a.shop/forms" through gw with body 2KiB)",
            "blocked at body-too-large"}));

}  // namespace
}  // namespace weft::engine
