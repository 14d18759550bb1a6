// `transform request { … }` and `transform response { … }`.
#include <utility>

#include "dsl/codes.h"
#include "dsl/filters.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

// `org from header ":path" matches "re" group 1 replace "x"`, behind `extract`.
TransformItem::Extractor ReadExtractor(Cursor& c) {
  TransformItem::Extractor extractor;
  extractor.name = c.ExpectName("the name of what is extracted");
  c.ExpectWord("from");
  if (c.AcceptWord("header")) {
    extractor.header = ExpectHeader(c, "a header", HeaderPlace::kPseudo);
  } else {
    c.ExpectWord("body");
  }
  c.ExpectWord("matches");
  extractor.regex = ExpectRegex(c, "a regular expression");
  if (c.AcceptWord("group")) extractor.group = ExpectGroup(c, extractor.regex);
  if (c.AcceptWord("replace")) {
    extractor.replace_all = c.AcceptWord("all");
    extractor.replacement = c.ExpectString("the replacement");
  }
  return extractor;
}

TransformItem::Header ReadHeader(Cursor& c, TransformItem::Header::Kind kind) {
  TransformItem::Header header{
      .kind = kind, .name = ExpectHeader(c, "a header", HeaderPlace::kPseudo), .value = {}};
  if (kind == TransformItem::Header::Kind::kRemove) return header;
  c.Expect(TokenKind::kEquals, "`=`");
  header.value = c.ExpectString("a template");
  return header;
}

TransformItem::Metadata ReadMetadata(Cursor& c) {
  TransformItem::Metadata metadata;
  metadata.key = c.ExpectString("a key");
  c.Expect(TokenKind::kEquals, "`=`");
  metadata.value = c.ExpectString("a template");
  if (c.AcceptWord("in")) metadata.in_namespace = c.ExpectString("a namespace of metadata");
  metadata.json = c.AcceptWords({"as", "json"});
  return metadata;
}

void ReadBody(Cursor& c, TransformItem& item) {
  const Span span = c.SpanAt();
  TransformItem::Body body = TransformItem::Body::kTemplate;
  if (c.AcceptWord("keep")) {
    body = TransformItem::Body::kKeep;
  } else if (c.AcceptWords({"merge", "extracted"})) {
    body = TransformItem::Body::kMergeExtracted;
  } else {
    item.body_template = c.ExpectString("a template, `keep` or `merge extracted`");
  }
  item.body = Spanned<TransformItem::Body>{body, span};
}

bool ReadSwitch(Cursor& c, TransformItem& item) {
  if (c.AcceptWords({"parse", "body", "none"})) {
    item.parse = TransformItem::Parse::kNone;
  } else if (c.AcceptWords({"parse", "body", "ignoring", "errors"})) {
    item.parse = TransformItem::Parse::kIgnoreErrors;
  } else if (c.AcceptWords({"advanced", "templates"})) {
    item.advanced = true;
  } else if (c.AcceptWords({"escape", "characters"})) {
    item.escape = true;
  } else if (item.side == TransformItem::Side::kRequest && c.AcceptWord("reroute")) {
    item.reroute = true;
  } else {
    return false;
  }
  return true;
}

}  // namespace

TransformItem ReadTransform(Cursor& c) {
  TransformItem item;
  if (c.AcceptWord("response")) {
    item.side = TransformItem::Side::kResponse;
  } else {
    c.ExpectWord("request");
  }
  c.ReadBlock(
      "`transform`",
      {"phase", "extract", "set", "add", "remove", "body", "metadata", "parse", "advanced",
       "escape", "reroute"},
      [&](std::string_view word) {
        if (word == "phase") {
          item.phase = ReadPhase(c);
        } else if (c.AcceptWord("extract")) {
          item.extractors.push_back(ReadExtractor(c));
        } else if (c.AcceptWord("set")) {
          item.headers.push_back(ReadHeader(c, TransformItem::Header::Kind::kSet));
        } else if (c.AcceptWord("add")) {
          item.headers.push_back(ReadHeader(c, TransformItem::Header::Kind::kAdd));
        } else if (c.AcceptWord("remove")) {
          item.headers.push_back(ReadHeader(c, TransformItem::Header::Kind::kRemove));
        } else if (c.AcceptWord("body")) {
          ReadBody(c, item);
        } else if (c.AcceptWord("metadata")) {
          item.metadata.push_back(ReadMetadata(c));
        } else {
          return ReadSwitch(c, item);
        }
        return true;
      },
      {"phase", "body", "parse body", "advanced templates", "escape characters", "reroute"});
  return item;
}

}  // namespace weft::dsl
