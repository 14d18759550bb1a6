#include "dsl/diagnostic.h"

#include <gtest/gtest.h>

#include "dsl/codes.h"
#include "dsl/render.h"
#include "dsl/source.h"

namespace weft {
namespace {

TEST(NearestName, FindsTyposAndNothingFarAway) {
  const std::vector<std::string> names = {"timeout", "retries", "mirror"};
  EXPECT_EQ(NearestName("tiemout", names), "timeout");
  EXPECT_EQ(NearestName("Retry", names), "");
  EXPECT_EQ(NearestName("mirro", names), "mirror");
  EXPECT_EQ(NearestName("xyz", names), "");
}

TEST(Diagnostics, DropsASecondReportOfOneCause) {
  Diagnostics diagnostics;
  const Span span{FileId{0}, 1, 2};
  diagnostics.Error(dsl::codes::kDuplicate, span, "same").clusters = {"west"};
  Diagnostic second{.number = dsl::codes::kDuplicate.number, .message = "same", .span = span};
  second.clusters = {"east"};
  diagnostics.Add(second);
  EXPECT_EQ(diagnostics.errors(), 1U);
  EXPECT_EQ(diagnostics.all().front().clusters, (std::vector<std::string>{"east", "west"}));
}

TEST(Render, ShowsTheLineTheMarkAndTheRelatedPlace) {
  SourceMap sources;
  const FileId a = sources.Add("a.weft", "one\ntwo three\n", SourceKind::kWeft);
  Diagnostic d{.severity = Severity::kError,
               .number = 4102,
               .name = "isolation-broken",
               .message = "message",
               .span = {a, 8, 13},
               .label = "here"};
  d.related.push_back({{a, 0, 3}, "there"});
  d.help = "do it";
  EXPECT_EQ(RenderHuman(d, sources, {.color = false, .plain = true}),
            "a.weft:2:5: error[W4102 isolation-broken]: message\n"
            "2 | two three\n"
            "  |     ^^^^^ here\n"
            "  --> a.weft:1:1\n"
            "1 | one\n"
            "  | --- there\n"
            "  help: do it\n");
}

TEST(Codes, AreUniqueAndInTheirRange) {
  std::vector<int> seen;
  for (const Code& code : dsl::codes::kDslCodes) {
    EXPECT_GE(code.number, 1000);
    EXPECT_LT(code.number, 3000);
    EXPECT_FALSE(code.help.empty());
    EXPECT_EQ(std::count(seen.begin(), seen.end(), code.number), 0) << code.number;
    seen.push_back(code.number);
  }
}

}  // namespace
}  // namespace weft
