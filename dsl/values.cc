#include "dsl/values.h"

#include <algorithm>

#include "dsl/codes.h"
#include "dsl/words.h"

namespace weft::dsl {
namespace {

// What to write instead of a pseudo-header.
std::string_view FieldOf(std::string_view header) {
  const std::string upper = Upper(header);
  if (upper == ":PATH") return "path";
  if (upper == ":METHOD") return "method";
  if (upper == ":AUTHORITY" || upper == "HOST") return "host";
  return "";
}

void RefuseInner(Cursor& c, const Str& name, HeaderPlace place) {
  const std::string_view field = FieldOf(name.value);
  Diagnostic& d =
      c.Fail(codes::kBadLiteral, name.span,
             place == HeaderPlace::kField ? "`" + name.value + "` is not asked for as a header"
                                          : "`" + name.value + "` cannot be changed as a header");
  if (field.empty()) return;
  if (place == HeaderPlace::kField) {
    d.help = "say `" + std::string(field) + " = \"…\"`";
  } else if (field != "method") {
    d.help = "say `rewrite " + std::string(field) + " \"…\"`";
  }
}

void CheckHeaderName(Cursor& c, const Str& name, HeaderPlace place) {
  if (c.failed()) return;
  const bool inner = name.value.starts_with(':') || Upper(name.value) == "HOST";
  if (inner && place == HeaderPlace::kPseudo) return;
  if (inner) {
    RefuseInner(c, name, place);
  } else if (!IsHttpToken(name.value)) {
    c.Fail(codes::kBadLiteral, name.span, "`" + name.value + "` is no name of a header").help =
        "it is made of letters, digits and `-`, as in \"x-user\"";
  }
}

}  // namespace

Str ExpectHeader(Cursor& c, std::string_view what, HeaderPlace place) {
  Str name = c.ExpectString(what);
  CheckHeaderName(c, name, place);
  return name;
}

std::vector<Str> ExpectHeaders(Cursor& c, std::string_view what, HeaderPlace place) {
  std::vector<Str> names = c.ExpectStrings(what);
  for (const Str& name : names) CheckHeaderName(c, name, place);
  return names;
}

Str ExpectHeaderValue(Cursor& c, std::string_view what) {
  Str value = c.ExpectString(what);
  if (c.failed() || IsHeaderValue(value.value)) return value;
  Diagnostic& d = c.Fail(codes::kBadLiteral, value.span, "this is no value of a header");
  d.help = value.value.find('%') == std::string::npos
               ? "it has no line breaks and no control characters"
               : "a `%` is written `%%`; alone it begins a command such as `%REQ(x)%`";
  return value;
}

std::vector<LabelTerm> ExpectHeaderBlock(Cursor& c, std::string_view what) {
  std::vector<LabelTerm> terms = c.ExpectLabelBlock(what);
  for (const LabelTerm& term : terms) CheckHeaderName(c, term.key, HeaderPlace::kPseudo);
  return terms;
}

namespace {

// Whether the text is a method but for its small letters; reports it.
bool RefuseSmall(Cursor& c, std::string_view text, Span span) {
  const std::string upper = Upper(text);
  if (upper == text || !IsMethod(upper)) return false;
  Diagnostic& d = c.Fail(codes::kBadLiteral, span,
                         "methods are written in capitals, found `" + std::string(text) + "`");
  d.help = "write `" + upper + "`";
  d.edit = Edit{d.span, upper};
  return true;
}

}  // namespace

bool RefuseSmallMethod(Cursor& c) {
  return !c.failed() && c.Is(TokenKind::kWord) && RefuseSmall(c, c.Text(), c.SpanAt());
}

Name ExpectMethod(Cursor& c) {
  if (c.failed() || RefuseSmallMethod(c)) return {};
  if (c.Is(TokenKind::kString)) {
    Name method = c.ExpectString("a method");
    if (c.failed()) return method;
    if (!IsHttpToken(method.value)) {
      c.Fail(codes::kBadLiteral, method.span, "`" + method.value + "` is no method");
    } else {
      (void)RefuseSmall(c, method.value, method.span);
    }
    return method;
  }
  Name method = c.ExpectName("a method such as `GET`");
  if (c.failed() || IsMethod(method.value)) return method;
  Diagnostic& d =
      c.Fail(codes::kBadLiteral, method.span, "`" + method.value + "` is no method of HTTP");
  const std::string near = NearestName(method.value, Methods());
  if (near.empty()) {
    d.help = "a method of your own stands in quotes: \"" + method.value + "\"";
  } else {
    d.help = "did you mean `" + near + "`? A method of your own stands in quotes";
    d.edit = Edit{d.span, near};
  }
  return method;
}

Str ExpectRegex(Cursor& c, std::string_view what) {
  Str regex = c.ExpectString(what);
  if (c.failed()) return regex;
  const std::string fault = RegexFault(regex.value);
  if (!fault.empty()) c.Fail(codes::kBadPattern, regex.span, fault);
  return regex;
}

Number ExpectGroup(Cursor& c, const Str& regex) {
  const Number group = c.ExpectNumber("`group`", kCountOrNone);
  if (!c.failed() && group.value > GroupsOf(regex.value)) {
    c.Fail(codes::kBadLiteral, group.span,
           "the expression has no group " + std::to_string(group.value));
  }
  return group;
}

Str ExpectPath(Cursor& c, std::string_view what) {
  Str path = c.ExpectString(what);
  if (!c.failed() && !path.value.starts_with('/')) {
    Diagnostic& d =
        c.Fail(codes::kBadPattern, path.span, "a path begins with `/`, found `" + path.value + "`");
    d.edit = Edit{d.span, "\"/" + path.value + "\""};
  }
  return path;
}

void CheckLabel(Cursor& c, const LabelTerm& term) {
  if (c.failed()) return;
  if (!IsLabelKey(term.key.value)) {
    c.Fail(codes::kBadLiteral, term.key.span, "`" + term.key.value + "` is no key of a label")
        .help =
        "it is made of letters, digits, `-`, `_` and `.`, with a domain before a `/` if any";
  } else if (!IsLabelValue(term.value.value)) {
    c.Fail(codes::kBadLiteral, term.value.span, "`" + term.value.value + "` is no value of a label")
        .help = "it is made of letters, digits, `-`, `_` and `.`, at most 63 of them";
  }
}

Str ExpectNamespace(Cursor& c) {
  Str name = c.ExpectString("a namespace");
  if (!c.failed() && !IsDnsLabel(name.value)) {
    c.Fail(codes::kBadLiteral, name.span, "`" + name.value + "` is no name of a namespace").help =
        "it is made of lower-case letters, digits and `-`";
  }
  return name;
}

Str ExpectObjectName(Cursor& c, std::string_view what) {
  Str name = c.ExpectString(what);
  if (!c.failed() && !IsObjectName(name.value)) {
    c.Fail(codes::kBadLiteral, name.span,
           "`" + name.value + "` is no name of an object of Kubernetes")
        .help = "it is made of lower-case letters, digits, `-` and `.`";
  }
  return name;
}

}  // namespace weft::dsl
