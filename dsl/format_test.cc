#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "dsl/parse.h"
#include "dsl/render.h"
#include "dsl/syntax.h"

namespace weft::dsl {
namespace {

namespace fs = std::filesystem;

// Tokens and comments as text, in order.
std::vector<std::string> Parts(std::string_view text) {
  SourceMap sources;
  Diagnostics diagnostics;
  const Source& source = sources.Get(sources.Add("a.weft", std::string(text), SourceKind::kWeft));
  const Syntax syntax = Tokenize(source, diagnostics);
  std::vector<std::string> parts;
  std::size_t comment = 0;
  for (std::uint32_t i = 0; i < syntax.tokens.size(); ++i) {
    for (; comment < syntax.comments.size() && syntax.comments[comment].before == i; ++comment) {
      const Comment& c = syntax.comments[comment];
      std::string words = source.text.substr(c.begin, c.end - c.begin);
      words.erase(words.find_last_not_of(" \t\r") + 1);
      parts.push_back(words);
    }
    parts.emplace_back(syntax.Text(syntax.tokens[i]));
  }
  return parts;
}

std::optional<std::string> TryFormat(std::string_view text, std::string& errors) {
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add("a.weft", std::string(text), SourceKind::kWeft);
  std::optional<std::string> formatted = Format(sources.Get(id), diagnostics);
  for (const Diagnostic& d : diagnostics.Sorted()) errors += RenderHuman(d, sources, {});
  return formatted;
}

// The formatted text, after the checks that hold for every text.
std::string Formatted(std::string_view text) {
  std::string errors;
  const std::optional<std::string> once = TryFormat(text, errors);
  if (!once) {
    ADD_FAILURE() << errors;
    return {};
  }
  EXPECT_EQ(Parts(*once), Parts(text));
  EXPECT_EQ(TryFormat(*once, errors), once) << "formatted again";
  EXPECT_THAT(*once, testing::Not(testing::HasSubstr("\n\n\n")));
  EXPECT_THAT(*once, testing::Not(testing::HasSubstr(" \n")));
  EXPECT_TRUE(once->empty() || (once->ends_with('\n') && !once->ends_with("\n\n")));
  return *once;
}

constexpr std::string_view kLoose = R"(

workspace   bookinfo
use std.resilience.{ standard_retries }


service reviews in "bookinfo-backends"
{
      port http 9080
  subset v1    {version="v1"}
  subset canary {version="v2"}
}
/// One name for reviews everywhere; stays close, survives a region.
destination reviews-global at "reviews.global" { backs reviews on [ east,west ]  // both

  failover same zone, same region, any }

predicate internal = source.ip in [10.0.0.0/8]
  or (mtls and not(method=POST))

route main on gateways.north-south for "books.shop.example" {

  GET when path = "/productpage"->productpage
  GET, HEAD   when path under "/static"    -> productpage {timeout 1s} // pages
  // the new look
  when header "x-canary" = "1" -> reviews.v2
  when path under "/reviews" -> 90% reviews.v1, 10% reviews.v2 { timeout 2s   standard_retries }
  otherwise  -> respond 404

}
access reviews {
  allow from productpage,
    gateway north-south
  when method in [GET, HEAD]
  deny                           when path under "/reviews/drafts"
}
policy bounded(within: duration=5s , attempts: number = 2) { timeout within  retries attempts }

prove "drafts are never served"   { no request to reviews where path under "/reviews/drafts" is allowed }
prove "in private"   { no request to workspace bookinfo without mtls is allowed }
prove "only us"   { no request to ratings from outside workspace bookinfo is allowed } //end
)";

constexpr std::string_view kTidy = R"(workspace bookinfo
use std.resilience.{standard_retries}

service reviews in "bookinfo-backends" {
  port http 9080
  subset v1     { version = "v1" }
  subset canary { version = "v2" }
}
/// One name for reviews everywhere; stays close, survives a region.
destination reviews-global at "reviews.global" {
  backs reviews on [east, west]  // both

  failover same zone, same region, any
}

predicate internal = source.ip in [10.0.0.0/8]
  or (mtls and not (method = POST))

route main on gateways.north-south for "books.shop.example" {
  GET when path = "/productpage"      -> productpage
  GET, HEAD when path under "/static" -> productpage { timeout 1s }  // pages
  // the new look
  when header "x-canary" = "1"        -> reviews.v2
  when path under "/reviews"          -> 90% reviews.v1, 10% reviews.v2 {
    timeout 2s
    standard_retries
  }
  otherwise                           -> respond 404
}
access reviews {
  allow from productpage,
    gateway north-south
    when method in [GET, HEAD]
  deny when path under "/reviews/drafts"
}
policy bounded(within: duration = 5s, attempts: number = 2) { timeout within  retries attempts }

prove "drafts are never served" {
  no request to reviews where path under "/reviews/drafts" is allowed
}
prove "in private" { no request to workspace bookinfo without mtls is allowed }
prove "only us"    { no request to ratings from outside workspace bookinfo is allowed }  //end
)";

TEST(Format, GivesTheCanonicalText) { EXPECT_EQ(Formatted(kLoose), kTidy); }

struct Case {
  const char* name;
  std::string_view text;
  std::string_view want;
};

class Formats : public testing::TestWithParam<Case> {};

TEST_P(Formats, As) { EXPECT_EQ(Formatted(GetParam().text), GetParam().want); }

INSTANTIATE_TEST_SUITE_P(
    Table, Formats,
    testing::Values(
        Case{"Empty", "", ""}, Case{"Blank", " \n\n", ""},
        Case{"OnlyComments", "\n  // a  \n\n\n// b", "// a\n\n// b\n"},
        Case{"CarriageReturns", "mesh m\r\n\r\n// a\r\nworkspace w { }\r\n",
             "mesh m\n\n// a\nworkspace w {}\n"},
        Case{"BlankLines", "mesh m\n\n\n\ncluster a {\n\n  region \"x\"\n\n\n  zone \"y\"\n\n}\n\n",
             "mesh m\n\ncluster a {\n  region \"x\"\n\n  zone \"y\"\n}\n"},
        Case{"CommentsInABlock",
             "mesh m\ncluster a { // one\n\n// two\n\n  region \"x\" // three\n      // four\n\n}",
             "mesh m\ncluster a {  // one\n  // two\n\n  region \"x\"  // three\n  // four\n}\n"},
        Case{"CommentInAnEmptyBlock", "mesh m\nworkspace w {\n// none\n}",
             "mesh m\nworkspace w {\n  // none\n}\n"},
        Case{"CommentBeforeABrace", "mesh m\nworkspace w // why\n{ trim proxies }",
             "mesh m\nworkspace w  // why\n{ trim proxies }\n"},
        Case{"ItemsStayWhereTheyAre",
             "mesh m\ncluster a { region \"x\"   network n\n  trust \"t\" }",
             "mesh m\ncluster a {\n  region \"x\"  network n\n  trust \"t\"\n}\n"},
        Case{"DeclarationsHaveLines", "mesh m cluster a { zone \"z\" } cluster b {zone \"z\"}",
             "mesh m cluster a { zone \"z\" }\ncluster b { zone \"z\" }\n"},
        Case{"Lists",
             "mesh m\nworkspace w { export to v { route main,\n  service a,\nservice b } }\n",
             "mesh m\nworkspace w {\n  export to v {\n    route main,\n    service a,\n"
             "    service b\n  }\n}\n"},
        Case{"Brackets", "mesh m\nworkspace w { namespaces [\n\"a\",\n     \"b\" ,\n] on [ e ] }\n",
             "mesh m\nworkspace w {\n  namespaces [\n    \"a\",\n    \"b\",\n  ] on [e]\n}\n"},
        Case{"RawText",
             "workspace w\nroute r for \"h\" { -> respond 200 \"\"\"a\n   b\"\"\" }\n"
             "route s for \"i\" { -> a }",
             "workspace w\nroute r for \"h\" {\n  -> respond 200 \"\"\"a\n   b\"\"\"\n}\n"
             "route s for \"i\" { -> a }\n"},
        Case{"ArrowsInParagraphs",
             "workspace w\ntable t {\n  when path = \"/a\" -> a\n  otherwise -> b\n\n"
             "  when path = \"/long\" -> a\n  timeout 1s\n  when mtls -> a\n}\n",
             "workspace w\ntable t {\n  when path = \"/a\" -> a\n  otherwise        -> b\n\n"
             "  when path = \"/long\" -> a\n  timeout 1s\n  when mtls -> a\n}\n"},
        Case{"ArrowOnTheNextLine",
             "workspace w\ntable t {\n  when path = \"/a\"\n  and mtls\n  -> a\n  -> b\n}\n",
             "workspace w\ntable t {\n  when path = \"/a\"\n    and mtls\n    -> a\n  -> b\n}\n"},
        Case{"Tabs", "mesh m\ncluster\ta\t{\tregion\t\"x\"\t\tzone \"z\"\t}\t\n",
             "mesh m\ncluster a { region \"x\"  zone \"z\" }\n"}),
    [](const auto& of) { return std::string(of.param.name); });

TEST(Format, LeavesALineOutOfTheColumnThatWouldGrowTooLong) {
  const std::string body(70, 'x');
  const std::string line = "  otherwise -> respond 404 \"" + body + "\"\n";
  EXPECT_EQ(Formatted("workspace w\ntable t {\n  when path = \"/a/path\" -> a\n"
                      "  when mtls -> b\n" +
                      line + "}\n"),
            "workspace w\ntable t {\n  when path = \"/a/path\" -> a\n"
            "  when mtls             -> b\n" +
                line + "}\n");
}

TEST(Format, CountsCharactersNotBytes) {
  std::string title;
  for (int i = 0; i < 60; ++i) title += "ü";
  const std::string text = "prove \"" + title + "\" { no request to a is allowed }\n";
  EXPECT_EQ(Formatted(text), text);
}

TEST(Format, RefusesATextThatDoesNotParse) {
  std::string errors;
  EXPECT_EQ(TryFormat("mesh m\nservce a {\n", errors), std::nullopt);
  EXPECT_NE(errors, "");
}

std::vector<std::string> Texts() {
  std::vector<std::string> texts = {std::string(kLoose)};
  for (const char* folder : {"examples", "stdlib"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(WEFT_SOURCE_DIR) / folder)) {
      if (entry.path().extension() != ".weft") continue;
      std::ifstream file(entry.path());
      texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  return texts;
}

// Every file of the project, with blanks and line breaks added between its tokens at random.
TEST(Format, KeepsTokensHoweverTheyAreSpaced) {
  constexpr std::array<std::string_view, 4> kSpaces = {"\n", "  ", "\n\n\n", " // c\n"};
  std::mt19937 random(7);
  for (const std::string& text : Texts()) {
    (void)Formatted(text);
    SourceMap sources;
    Diagnostics diagnostics;
    const Source& source = sources.Get(sources.Add("a.weft", text, SourceKind::kWeft));
    const Syntax syntax = Tokenize(source, diagnostics);
    for (const std::uint32_t rarity : {1U, 2U, 4U, 8U, 16U, 32U, 64U}) {
      std::string spaced;
      std::uint32_t end = 0;
      for (const Token& token : syntax.tokens) {
        spaced += text.substr(end, token.begin - end);
        const bool mutate = random() % rarity == 0;
        if (mutate) spaced += kSpaces[random() % kSpaces.size()];
        spaced += syntax.Text(token);
        end = token.end;
      }
      (void)Formatted(spaced);
      if (HasFailure()) FAIL() << spaced;
    }
  }
}

}  // namespace
}  // namespace weft::dsl
