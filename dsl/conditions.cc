#include <algorithm>
#include <string_view>
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"
#include "dsl/words.h"

namespace weft::dsl {
namespace {

constexpr int kMaxDepth = 64;

// ---- patterns

Pattern UnderPattern(Cursor& c, Str text) {
  while (text.value.size() > 1 && text.value.ends_with('/')) text.value.pop_back();
  if (!c.failed() && !text.value.starts_with('/')) {
    c.Fail(codes::kBadPattern, text.span, "a path begins with `/`, found `" + text.value + "`");
  }
  return Under{std::move(text.value)};
}

// `*` and `**` stand for whole segments, `**` only as the last.
Pattern TemplatePattern(Cursor& c, Str text) {
  std::string_view rest = text.value;
  while (!rest.empty()) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    if (segment.find('*') != std::string_view::npos && segment != "*" && segment != "**") {
      c.Fail(codes::kBadPattern, text.span,
             "`*` in a template stands for a whole segment, found `" + std::string(segment) + "`")
          .help = "use `starts`, `ends` or `matches` for a part of a segment";
    } else if (segment == "**" && !last) {
      c.Fail(codes::kBadPattern, text.span, "`**` can only be the last segment of a template");
    }
    rest = last ? "" : rest.substr(slash + 1);
  }
  return Template{std::move(text.value)};
}

Pattern RegexPattern(Cursor& c, Str text) {
  const std::string fault = c.failed() ? "" : RegexFault(text.value);
  if (!fault.empty()) c.Fail(codes::kBadPattern, text.span, fault);
  return Regex{std::move(text.value)};
}

std::vector<Spanned<Pattern>> ReadValues(Cursor& c, const std::function<Pattern(Str)>& make) {
  std::vector<Spanned<Pattern>> patterns;
  for (Str& text : c.ExpectStrings("a pattern")) {
    const Span span = text.span;
    patterns.push_back({make(std::move(text)), span});
  }
  return patterns;
}

// ---- sources

Str ExpectAccount(Cursor& c) {
  Str name = c.ExpectString("a service account \"namespace/name\"");
  const std::size_t slash = name.value.find('/');
  const bool fits = slash != std::string::npos && IsObjectName(name.value.substr(0, slash)) &&
                    IsObjectName(name.value.substr(slash + 1));
  if (!c.failed() && !fits) {
    c.Fail(codes::kBadLiteral, name.span, "`" + name.value + "` is no service account").help =
        "write `account \"NAMESPACE/NAME\"`; all of a namespace is `namespace \"NAMESPACE\"`";
  }
  return name;
}

SourceClause ReadSourceValue(Cursor& c) {
  SourceClause source;
  if (c.AcceptWord("anyone")) {
    source.value = SourceAnyone{};
  } else if (c.AcceptWords({"any", "identity"})) {
    source.value = SourceAnyIdentity{};
  } else if (c.AcceptWords({"outside", "workspace"})) {
    source.value = SourceWorkspace{c.ExpectName("a workspace"), true};
  } else if (c.AcceptWord("outside")) {
    source.value = SourceOutside{};
  } else if (c.IsWord("workspace") && c.Kind(1) == TokenKind::kWord) {
    c.Skip();
    source.value = SourceWorkspace{c.ExpectName("a workspace"), false};
  } else if (c.IsWord("gateway") && c.Kind(1) == TokenKind::kWord) {
    c.Skip();
    source.value = SourceGateway{c.ExpectQName("a gateway")};
  } else if (c.IsWord("service") && c.Kind(1) == TokenKind::kWord) {
    c.Skip();
    source.value = SourceService{c.ExpectQName("a service")};
  } else if (c.IsWord("namespace") && c.Kind(1) == TokenKind::kString) {
    c.Skip();
    source.value = SourceNamespace{ExpectNamespace(c)};
  } else if (c.IsWord("account") && c.Kind(1) == TokenKind::kString) {
    c.Skip();
    source.value = SourceAccount{ExpectAccount(c)};
  } else if (c.IsWord("accounts") && c.Kind(1) != TokenKind::kDot) {
    c.Skip();
    source.value = SourceAccounts{ReadSelection(c)};
  } else if (c.IsWord("identity")) {
    c.Skip();
    std::vector<Spanned<Pattern>> patterns = ReadPatterns(c, false);
    if (!patterns.empty()) source.value = SourceIdentity{std::move(patterns.front().value)};
  } else {
    source.value = SourceName{c.ExpectQName("a source: a service, gateway, `workspace w`, …")};
  }
  return source;
}

// ---- conditions

class ConditionReader {
 public:
  ConditionReader(Cursor& c, HeaderPlace headers) : c_(c), headers_(headers) {}

  Condition ReadOr() {
    return ReadChain("or", Condition::Kind::kOr, [this] { return ReadAnd(); });
  }

 private:
  template <typename F>
  Condition ReadChain(std::string_view word, Condition::Kind kind, F operand) {
    const std::uint32_t first = c_.at();
    Condition left = operand();
    if (c_.failed() || !c_.IsWord(word)) return left;
    Condition chain{.kind = kind};
    chain.children.push_back(std::move(left));
    while (c_.AcceptWord(word)) chain.children.push_back(operand());
    chain.span = c_.SpanFrom(first);
    return chain;
  }

  Condition ReadAnd() {
    return ReadChain("and", Condition::Kind::kAnd, [this] { return ReadNot(); });
  }

  Condition ReadNot() {
    const std::uint32_t first = c_.at();
    if (++depth_ > kMaxDepth) {
      if (!c_.failed()) c_.Fail(codes::kTooDeep, c_.SpanAt(), "the condition nests too deep");
      return {};
    }
    Condition condition;
    if (c_.AcceptWord("not")) {
      condition.kind = Condition::Kind::kNot;
      condition.children.push_back(ReadNot());
    } else if (c_.Accept(TokenKind::kOpenParen)) {
      condition = ReadOr();
      c_.Expect(TokenKind::kCloseParen, "`)`");
    } else {
      condition.matcher = ReadMatcher();
    }
    if (c_.at() > first) condition.span = c_.SpanFrom(first);
    --depth_;
    return condition;
  }

  std::vector<Str> ReadMethods() {
    std::vector<Str> methods;
    c_.ExpectList([&] { methods.push_back(ExpectMethod(c_)); });
    return methods;
  }

  void ExpectIs() {
    if (!c_.AcceptWord("in") && !c_.Accept(TokenKind::kEquals)) c_.FailExpected("`=` or `in`");
  }

  // `source.ip`, `remote.ip`
  bool IsDotted(std::string_view first, std::string_view second) const {
    return c_.IsWord(first) && c_.Kind(1) == TokenKind::kDot && c_.Text(2) == second;
  }

  std::vector<Str> ReadBlocksAfter() {
    c_.Skip();
    c_.Skip();
    c_.Skip();
    ExpectIs();
    return c_.ExpectBlocks("an address block");
  }

  Matcher ReadJwt() {
    c_.Skip();
    Name provider = c_.ExpectName("a jwt provider");
    if (c_.AcceptWord("claim")) {
      Str claim = c_.ExpectString("a claim");
      return JwtClaim{std::move(provider), std::move(claim), ReadPatterns(c_, false)};
    }
    if (c_.AcceptWord("scope")) return JwtScope{std::move(provider), c_.ExpectString("a scope")};
    return JwtValid{std::move(provider)};
  }

  Matcher ReadSourceMatcher() {
    c_.Skip();
    SourceIn in;
    if (c_.AcceptWord("in")) {
      c_.ExpectList([&] { in.sources.push_back(ReadSource(c_)); });
    } else {
      c_.ExpectWord("from");
      in.sources = ReadSources(c_);
    }
    return in;
  }

  // Whether something like ` = "x"` or ` under [` follows, as behind a field.
  [[nodiscard]] bool AtOperator() const {
    if (c_.Is(TokenKind::kEquals) || c_.Is(TokenKind::kNotEquals)) return true;
    for (const std::string_view word :
         {"in", "has", "under", "starts", "ends", "like", "matches", "present"}) {
      if (c_.IsWord(word)) return true;
    }
    return c_.Is(TokenKind::kString);
  }

  Matcher ReadPredicateName() {
    PredicateRef ref{c_.ExpectQName("a condition such as `path under \"/api\"` or a predicate")};
    if (c_.failed() || !AtOperator()) return ref;
    static const std::vector<std::string> kFields = {
        "method", "path", "host", "header", "query", "port", "sni", "source.ip", "remote.ip"};
    Diagnostic& d = c_.Fail(codes::kUnknownTemplate, ref.name.span,
                            "there is no field `" + ref.name.Text() + "`");
    const std::string near = NearestName(ref.name.Text(), kFields);
    if (near.empty()) {
      d.help =
          "fields are method, path, host, header \"n\", query \"n\", port, sni, source.ip and "
          "remote.ip";
    } else {
      d.help = "did you mean `" + near + "`?";
      d.edit = Edit{d.span, near};
    }
    return ref;
  }

  Matcher ReadMatcher() {
    if (c_.IsWord("method")) {
      c_.Skip();
      ExpectIs();
      return MethodIn{ReadMethods()};
    }
    if (c_.AcceptWord("path")) return PathIs{ReadPatterns(c_, true)};
    if (c_.AcceptWord("host")) return HostIs{ReadPatterns(c_, false)};
    if (c_.AcceptWord("sni")) return SniIs{ReadPatterns(c_, false)};
    if (c_.AcceptWord("header")) {
      Str name = ExpectHeader(c_, "the name of a header", headers_);
      return HeaderIs{std::move(name), ReadPatterns(c_, false)};
    }
    if (c_.AcceptWord("query")) {
      Str name = c_.ExpectString("the name of a query parameter");
      return QueryIs{std::move(name), ReadPatterns(c_, false)};
    }
    if (c_.IsWord("port")) {
      c_.Skip();
      if (!c_.AcceptWord("in")) c_.Accept(TokenKind::kEquals);
      return PortIn{c_.ExpectPorts("the condition")};
    }
    if (IsDotted("source", "ip")) return SourceIpIn{ReadBlocksAfter()};
    if (IsDotted("remote", "ip")) return RemoteIpIn{ReadBlocksAfter()};
    if (c_.IsWord("source")) return ReadSourceMatcher();
    if (c_.IsWord("jwt")) return ReadJwt();
    if (c_.AcceptWord("mtls")) return HasMtls{};
    return ReadPredicateName();
  }

  Cursor& c_;
  HeaderPlace headers_;
  int depth_ = 0;
};

}  // namespace

std::vector<Spanned<Pattern>> ReadPatterns(Cursor& c, bool is_path) {
  const auto exact = [&](Str text) -> Pattern {
    if (is_path && !c.failed() && !text.value.starts_with('/')) {
      c.Fail(codes::kBadPattern, text.span, "a path begins with `/`, found `" + text.value + "`");
    }
    return Exact{std::move(text.value)};
  };
  if (c.Is(TokenKind::kNotEquals)) {
    c.Fail(codes::kUnexpected, c.SpanAt(), "there is no `!=`").help =
        "write `not` before the condition: `not header \"x\" = \"1\"`";
    return {};
  }
  if (c.Accept(TokenKind::kEquals) || c.AcceptWord("in")) return ReadValues(c, exact);
  if (c.AcceptWord("has")) {
    return ReadValues(c, [](Str text) -> Pattern { return Exact{std::move(text.value)}; });
  }
  if (c.AcceptWord("under")) {
    return ReadValues(c, [&](Str text) { return UnderPattern(c, std::move(text)); });
  }
  if (c.AcceptWord("starts")) {
    return ReadValues(c, [](Str text) -> Pattern { return Prefix{std::move(text.value)}; });
  }
  if (c.AcceptWord("ends")) {
    return ReadValues(c, [](Str text) -> Pattern { return Suffix{std::move(text.value)}; });
  }
  if (c.AcceptWord("like")) {
    return ReadValues(c, [&](Str text) { return TemplatePattern(c, std::move(text)); });
  }
  if (c.AcceptWord("matches")) {
    return ReadValues(c, [&](Str text) { return RegexPattern(c, std::move(text)); });
  }
  if (c.IsWord("present")) {
    const Span span = c.SpanAt();
    c.Skip();
    return {{Present{}, span}};
  }
  c.FailExpected("an operator: `=`, `under`, `starts`, `ends`, `like`, `matches`");
  return {};
}

SourceClause ReadSource(Cursor& c) {
  const std::uint32_t first = c.at();
  SourceClause source = ReadSourceValue(c);
  if (c.IsWord("on") && !c.IsWordAt(1, "loss") && !c.failed()) {
    c.Skip();
    source.clusters = c.ExpectNames("a cluster");
  }
  source.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  return source;
}

std::vector<SourceClause> ReadSources(Cursor& c) {
  std::vector<SourceClause> sources;
  if (c.Is(TokenKind::kOpenBracket)) {
    c.ExpectList([&] { sources.push_back(ReadSource(c)); });
    return sources;
  }
  do {
    sources.push_back(ReadSource(c));
  } while (c.Accept(TokenKind::kComma));
  return sources;
}

Condition ReadCondition(Cursor& c, HeaderPlace headers) {
  return ConditionReader(c, headers).ReadOr();
}

}  // namespace weft::dsl
