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

void CheckHeaderName(Cursor& c, const Str& name, HeaderPlace place) {
  Diagnostic* d = c.Refuse(name.span, HeaderFault(name.value, place));
  const std::string_view field = FieldOf(name.value);
  if (d == nullptr || field.empty()) return;
  if (place == HeaderPlace::kField) {
    d->help = "say `" + std::string(field) + " = \"…\"`";
  } else if (field != "method") {
    d->help = "say `rewrite " + std::string(field) + " \"…\"`";
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
  c.Refuse(value.span, HeaderValueFault(value.value));
  return value;
}

std::vector<LabelTerm> ExpectHeaderBlock(Cursor& c, std::string_view what) {
  std::vector<LabelTerm> terms = c.ExpectLabelBlock(what);
  for (const LabelTerm& term : terms) CheckHeaderName(c, term.key, HeaderPlace::kPseudo);
  return terms;
}

bool RefuseSmallMethod(Cursor& c) {
  if (c.failed() || !c.Is(TokenKind::kWord) || !IsMethod(Upper(c.Text()))) return false;
  Diagnostic* d = c.Refuse(c.SpanAt(), MethodFault(std::string(c.Text())));
  if (d != nullptr) d->edit = Edit{d->span, Upper(c.Text())};
  return d != nullptr;
}

Name ExpectMethod(Cursor& c) {
  if (c.failed() || RefuseSmallMethod(c)) return {};
  if (c.Is(TokenKind::kString)) {
    Name method = c.ExpectString("a method");
    c.Refuse(method.span, MethodFault(method.value));
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
  c.Refuse(regex.span, ExpressionFault(regex.value));
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
  if (Diagnostic* d = c.Refuse(path.span, PathFault(path.value))) {
    d->edit = Edit{d->span, "\"/" + path.value + "\""};
  }
  return path;
}

void CheckLabel(Cursor& c, const LabelTerm& term) {
  const bool key = !IsLabelKey(term.key.value);
  c.Refuse(key ? term.key.span : term.value.span, LabelFault(term.key.value, term.value.value));
}

Str ExpectNamespace(Cursor& c) {
  Str name = c.ExpectString("a namespace");
  c.Refuse(name.span, NamespaceFault(name.value));
  return name;
}

Str ExpectObjectName(Cursor& c, std::string_view what) {
  Str name = c.ExpectString(what);
  c.Refuse(name.span, ObjectNameFault(name.value));
  return name;
}

}  // namespace weft::dsl
