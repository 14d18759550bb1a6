#include "dsl/yaml.h"

#include <gtest/gtest.h>

#include <string>

#include "dsl/codes.h"

namespace weft::yaml {
namespace {

struct Read {
  SourceMap sources;
  Diagnostics diagnostics;
  std::vector<Document> documents;
};

void ReadInto(const std::string& text, Read& read) {
  const FileId id = read.sources.Add("a.yaml", text, SourceKind::kYaml);
  read.documents = Parse(read.sources.Get(id), read.diagnostics);
}

struct Scalar {
  std::string_view text;
  Kind kind;
};
class Scalars : public testing::TestWithParam<Scalar> {};

TEST_P(Scalars, HaveTheTypeKubernetesGivesThem) {
  Read read;
  ReadInto("key: " + std::string(GetParam().text) + "\n", read);
  ASSERT_EQ(read.documents.size(), 1U);
  EXPECT_EQ(read.documents[0].root.Find("key")->kind, GetParam().kind) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Traps, Scalars,
    testing::Values(Scalar{"yes", Kind::kBool}, Scalar{"\"yes\"", Kind::kString},
                    Scalar{"off", Kind::kBool}, Scalar{"0o17", Kind::kInt},
                    Scalar{"010", Kind::kInt}, Scalar{"1e3", Kind::kFloat},
                    Scalar{"1.20", Kind::kFloat}, Scalar{"1.2.3", Kind::kString},
                    Scalar{"~", Kind::kNull}, Scalar{"0x1F", Kind::kInt},
                    Scalar{"1_000", Kind::kInt}, Scalar{"'10'", Kind::kString},
                    Scalar{".inf", Kind::kFloat}, Scalar{"2026-01-01", Kind::kString},
                    Scalar{"!!str 5", Kind::kString}, Scalar{"v1", Kind::kString}));

TEST(Yaml, ReportsADuplicateKeyWithBothPlaces) {
  Read read;
  ReadInto("a: 1\nb: 2\na: 3\n", read);
  ASSERT_EQ(read.diagnostics.errors(), 1U);
  const Diagnostic& d = read.diagnostics.all().front();
  EXPECT_EQ(d.number, dsl::codes::kYamlDuplicateKey.number);
  EXPECT_EQ(read.sources.Locate(d.span.file, d.span.begin).line, 3U);
  ASSERT_EQ(d.related.size(), 1U);
  EXPECT_EQ(read.sources.Locate(d.span.file, d.related[0].span.begin).line, 1U);
}

TEST(Yaml, SpansAreInBytesBehindMultiByteText) {
  Read read;
  ReadInto("name: \"h\u00e9llo w\u00f6rld\"\nkey: value\n", read);
  const Node* value = read.documents[0].root.Find("key");
  EXPECT_EQ(read.sources.Get(value->span.file).text.substr(value->span.begin, 5), "value");
}

TEST(Yaml, ClusterCommentsBelongToTheDocumentsBehindThem) {
  Read read;
  ReadInto(
      "a: 1\n---\n# applied to cluster: east\nb: 1\n---\nc: 1\n---\n# applied to cluster: west\nd: "
      "1\n",
      read);
  ASSERT_EQ(read.documents.size(), 4U);
  EXPECT_EQ(read.documents[0].cluster, "");
  EXPECT_EQ(read.documents[1].cluster, "east");
  EXPECT_EQ(read.documents[2].cluster, "east");
  EXPECT_EQ(read.documents[3].cluster, "west");
}

TEST(Yaml, BoundsDepthAndAliases) {
  for (const std::string& text :
       {std::string(10'000, '['), std::string("a: ") + std::string(5000, '{')}) {
    Read read;
    ReadInto(text, read);
    ASSERT_TRUE(read.diagnostics.HasErrors());
    EXPECT_EQ(read.diagnostics.all().front().number, dsl::codes::kYamlLimit.number);
  }
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 8; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) bomb += ", " + before;
    bomb += "]\n";
  }
  Read read;
  ReadInto(bomb, read);
  ASSERT_TRUE(read.diagnostics.HasErrors());
  EXPECT_EQ(read.diagnostics.all().front().number, dsl::codes::kYamlLimit.number);
}

TEST(Yaml, QuotedStringsComeBackAsTheyWere) {
  for (const std::string text :
       {"yes", "1.20", "0o17", "a: b", "", "null", "plain", "with \"quotes\"", "tab\there",
        "line\nbreak", "#x", "- a", "*", "{x}", "caf\u00e9", "010"}) {
    Read read;
    ReadInto("key: " + QuoteString(text) + "\n", read);
    ASSERT_EQ(read.documents.size(), 1U) << text;
    const Node* value = read.documents[0].root.Find("key");
    EXPECT_EQ(value->kind, Kind::kString) << text;
    EXPECT_EQ(value->text, text);
  }
}

TEST(Yaml, MergeKeysFillInWhatIsMissing) {
  Read read;
  ReadInto("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", read);
  const Node* use = read.documents[0].root.Find("use");
  EXPECT_EQ(use->Find("x")->text, "1");
  EXPECT_EQ(use->Find("y")->text, "3");
}

TEST(Yaml, AStrayCommaEndsTheReading) {
  SourceMap sources;
  const FileId id = sources.Add("a.yaml", ", ~,Verno\", ~,)", SourceKind::kYaml);
  Diagnostics diagnostics;
  (void)Parse(sources.Get(id), diagnostics);
  EXPECT_TRUE(diagnostics.HasErrors());
}

}  // namespace
}  // namespace weft::yaml
