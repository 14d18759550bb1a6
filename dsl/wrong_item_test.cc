// Each mistake gives one diagnostic that says what to write instead.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "dsl/parse.h"
#include "dsl/render.h"

namespace weft::dsl {
namespace {

struct Wrong {
  std::string_view text;
  std::uint16_t code;
  std::string_view says;
};

class WrongItem : public testing::TestWithParam<Wrong> {};

TEST_P(WrongItem, GivesOneDiagnostic) {
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id =
      sources.Add("a.weft", "workspace w\n" + std::string(GetParam().text), SourceKind::kWeft);
  (void)Load(
      {&sources.Get(id)}, [](const std::string&) { return nullptr; }, diagnostics);
  std::string text;
  for (const Diagnostic& d : diagnostics.Sorted()) text += RenderHuman(d, sources, {});
  ASSERT_EQ(diagnostics.errors(), 1U) << text;
  EXPECT_EQ(diagnostics.all().front().number, GetParam().code) << text;
  EXPECT_NE(text.find(GetParam().says), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongItem,
    testing::Values(
        Wrong{"route r for \"h\" { -> a { buffer 4KiB per connection } }\n", 2016, "gateways"},
        Wrong{"service s in \"n\" { csrf off }\n", 2016, "routes"},
        Wrong{"destination d at \"d.x\" { backs a  log all }\n", 2016, "workloads"},
        Wrong{"route r for \"h\" { -> a { body at most 5 } }\n", 2002, "5KiB"},
        Wrong{"route r for \"h\" { -> a { csfr off } }\n", 1022, "`csrf`"},
        Wrong{"route r for \"h\" { -> a { limit by t { } } }\n", 2007, "send"},
        Wrong{"route r for \"h\" { -> a { limit by t { send match \"v\" when path = \"/x\" } } }\n",
              1020, "headers"},
        Wrong{"route r for \"h\" { when path = \"/x\" -> default }\n", 2007, "default -> NAME"},
        Wrong{"limits l { \"k\" 5 }\n", 2002, "5/s"}, Wrong{"limits l { }\n", 2007, "descriptor"},
        Wrong{"service s in \"n\" { adapt concurrency { floor 3 } }\n", 2007, "update every"},
        Wrong{"policy p on workloads all { wasm \"filter\" }\n", 2001, "oci://"},
        Wrong{"workload v in \"n\" { identity aws { rle = \"x\" } }\n", 1022, "`role`"},
        Wrong{"trust root r { secret \"a\"  generated for 5d }\n", 2005, "several sources"},
        Wrong{"trust root r { secret \"a\"  retire at 80% }\n", 1022, "retire"}));

// What a proxy would refuse is refused where it is written.
INSTANTIATE_TEST_SUITE_P(
    Values, WrongItem,
    testing::Values(
        Wrong{"route r for \"h\" { -> a { fault abort 99 for 1% } }\n", 2001,
              "between 200 and 599"},
        Wrong{"route r for \"h\" { -> a { fault abort 600 for 1% } }\n", 2001, "`600`"},
        Wrong{"route r for \"h\" { -> a { fault delay 1s for 0% } }\n", 2001, "0.0001%"},
        Wrong{"route r for \"h\" { -> a { timeout 0s } }\n", 2001, "at least `1ms`"},
        Wrong{"route r for \"h\" { -> a { retries 99999999999 } }\n", 2001, "2147483647"},
        Wrong{"route r for \"h\" { -> a { retries 99999999999999999999999 } }\n", 2001,
              "2147483647"},
        Wrong{"route r for \"h\" { -> a { retries 0 per try 1s } }\n", 2001, "retries none"},
        Wrong{"route r for \"h\" { -> a { retries 2 on [rest] } }\n", 2001, "`reset`"},
        Wrong{"route r for \"h\" { -> a { retries 2 on [5xy] } }\n", 2001, "`5xx`"},
        Wrong{"route r for \"h\" { -> a { retries 2 on [600] } }\n", 2001,
              "statuses such as `503`"},
        Wrong{"route r for \"h\" { -> a { headers { request set \"x y\" = \"1\" } } }\n", 2001,
              "no name of a header"},
        Wrong{"route r for \"h\" { -> a { headers { request set \":path\" = \"/\" } } }\n", 2001,
              "rewrite path"},
        Wrong{"route r for \"h\" { -> a { headers { request set \"Host\" = \"b\" } } }\n", 2001,
              "rewrite host"},
        Wrong{"route r for \"h\" { -> a { headers { request set \"a\" = \"5%\" } } }\n", 2001,
              "`%%`"},
        Wrong{"route r for \"h\" { -> a { headers { request set \"a\" = \"b\\nc\" } } }\n", 2001,
              "line breaks"},
        Wrong{"route r for \"h\" { -> a { rewrite path matches \"(\" to \"/\" } }\n", 2003, "RE2"},
        Wrong{"route r for \"h\" { -> a { rewrite path matches \"a\" to \"\\\\1\" } }\n", 2003,
              "replacement"},
        Wrong{"route r for \"h\" { -> a { rewrite path \"x\" } }\n", 2003, "begins with `/`"},
        Wrong{"route r for \"h\" { -> a { cors { } } }\n", 2007, "names no origin"},
        Wrong{"route r for \"h\" { -> a { cors { origins [\"https://a\"]  methods [PURGE] } } }\n",
              2001, "does not know"},
        Wrong{"route r for \"h\" { -> a { cors { origins [\"https://a\"]  age 1500ms } } }\n", 2001,
              "whole seconds"},
        Wrong{"route r for \"h\" { -> a { mask { pattern \"n\" [\"a\" group 1] } } }\n", 2001,
              "no group 1"},
        Wrong{"route r for \"h\" { when header \":path\" = \"/\" -> a }\n", 2001, "say `path"},
        Wrong{"route r for \"h\" { when header \"x\" matches \"(\" -> a }\n", 2003, "RE2"},
        Wrong{"route r for \"h\" { when header \"x\" matches \"\" -> a }\n", 2003, "empty"},
        Wrong{"route r for \"h\" { get when path = \"/\" -> a }\n", 2001, "`GET`"},
        Wrong{"route r for \"h\" { GTE when path = \"/\" -> a }\n", 2001, "`GET`"},
        Wrong{"route r for \"h\" { when method in [get] -> a }\n", 2001, "`GET`"},
        Wrong{"route r for \"h\" { when method = \"post\" -> a }\n", 2001, "`POST`"},
        Wrong{"route r for \"h\" { -> redirect code 299 }\n", 2001, "between 300 and 399"},
        Wrong{"route r for \"h\" { -> respond 600 }\n", 2001, "between 200 and 599"},
        Wrong{"service s in \"n\" { eject after 5 errors at most 0% }\n", 2001,
              "between `1%` and `100%`"},
        Wrong{"service s in \"n\" { eject after 5 errors at most 12.5% }\n", 2001,
              "whole percentage"},
        Wrong{"service s in \"n\" { eject after 0 errors }\n", 2001, "nothing is ever ejected"},
        Wrong{"service s in \"n\" { connections { at most 0 } }\n", 2001, "from 1"},
        Wrong{"service s in \"n\" { label a = \"x y\" }\n", 2001, "value of a label"},
        Wrong{"service s in \"n\" { label \"a b\" = \"x\" }\n", 2001, "key of a label"},
        Wrong{"service s in \"n\" { subset v_1 { version = \"v1\" } }\n", 2001, "name of a subset"},
        Wrong{"service s in \"N\" { port http 80 }\n", 2001, "name of a namespace"},
        Wrong{"service My_Cart in \"n\" { port http 80 }\n", 2001, "name of a Service"},
        Wrong{"gateway g { select { a = \"b\" }  listen 443 https { hosts [\"a.b\"] } }\n", 2007,
              "no certificate"},
        Wrong{"gateway g { select { a = \"b\" }  listen 80 http { certificate secret \"s\" } }\n",
              2016, "without TLS"},
        Wrong{"gateway g { select { a = \"b\" }  listen 443 tls { tls passthrough  certificate "
              "secret \"s\" } }\n",
              2016, "of its own"},
        Wrong{"gateway g { select { a = \"b\" }  listen 443 https { certificate secret \"s\"  min "
              "tls 1.3  max tls 1.2 } }\n",
              2001, "below the lowest"},
        Wrong{"jwt j { issuer \"i\"  jwks from \"id.example/keys\" }\n", 2001, "no URL"},
        Wrong{"jwt j { issuer \"i\"  jwks inline \"[]\" }\n", 2001, "JSON"},
        Wrong{"limiter l { service s  timeout 0ms }\n", 2001, "at least `1ms`"}));

}  // namespace
}  // namespace weft::dsl
