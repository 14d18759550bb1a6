#include <algorithm>
#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/filters.h"
#include "dsl/literals.h"
#include "dsl/readers.h"
#include "dsl/values.h"
#include "dsl/words.h"

namespace weft::dsl {
namespace {

Duration DurationOrNone(Cursor& c, std::string_view what) {
  if (c.IsWord("none")) {
    Duration none{Millis(0), c.SpanAt()};
    c.Skip();
    return none;
  }
  return c.ExpectDuration(what);
}

TimeoutItem ReadTimeout(Cursor& c) { return {DurationOrNone(c, "timeout")}; }

// `5xx`, `reset`, `503`.
Name ExpectRetryCondition(Cursor& c) {
  Name word;
  if (c.Is(TokenKind::kNumber)) {
    word = {std::string(c.Text()), c.SpanAt()};
    c.Skip();
  } else {
    word = c.ExpectName("a retry condition such as `5xx` or `reset`");
  }
  Diagnostic* d = c.Refuse(word.span, RetryConditionFault(word.value));
  const std::string near = d == nullptr ? "" : NearestName(word.value, RetryConditions());
  if (!near.empty()) d->edit = Edit{d->span, near};
  return word;
}

RetriesItem ReadRetries(Cursor& c) {
  RetriesItem retries;
  if (c.IsWord("none")) {
    retries.attempts = {0, c.SpanAt()};
    c.Skip();
    return retries;
  }
  retries.attempts = c.ExpectNumber("`retries`", kCountOrNone);
  if (c.AcceptWords({"per", "try"})) retries.per_try = c.ExpectDuration("per try");
  if (c.AcceptWord("on")) {
    c.ExpectList([&] { retries.on.push_back(ExpectRetryCondition(c)); });
  }
  retries.across_localities = c.AcceptWords({"across", "localities"});
  const bool more = retries.per_try || !retries.on.empty() || retries.across_localities;
  if (!c.failed() && retries.attempts.value == 0 && more) {
    c.Fail(codes::kBadLiteral, retries.attempts.span, "no retry is made, and more is said of it")
        .help = "write `retries none`, or a number from 1";
  }
  return retries;
}

void ReadFault(Cursor& c, Item& item) {
  const auto share = [&] {
    return c.AcceptWord("for") ? c.ExpectPercent("a fault", Share::kSome) : Percent{100, {}};
  };
  if (c.AcceptWord("delay")) {
    FaultDelayItem delay;
    delay.delay = c.ExpectDuration("delay");
    delay.share = share();
    item.value = delay;
  } else {
    c.ExpectWord("abort");
    FaultAbortItem abort;
    abort.status = c.ExpectNumber("the status of `abort`", kStatus);
    abort.share = share();
    item.value = abort;
  }
}

MirrorItem ReadMirror(Cursor& c) {
  MirrorItem mirror{{100, {}}, {}};
  if (!c.IsWord("to")) mirror.share = c.ExpectPercent("`mirror`");
  c.ExpectWord("to");
  mirror.to = ReadTarget(c);
  return mirror;
}

HeadersItem ReadHeaders(Cursor& c) {
  HeadersItem headers;
  c.ReadBlock("`headers`", {"request", "response"}, [&](std::string_view word) {
    if (word != "request" && word != "response") return false;
    HeaderOp op;
    op.side = word == "request" ? HeaderOp::Side::kRequest : HeaderOp::Side::kResponse;
    c.Skip();
    if (c.AcceptWord("set")) {
      op.kind = HeaderOp::Kind::kSet;
    } else if (c.AcceptWord("add")) {
      op.kind = HeaderOp::Kind::kAdd;
    } else {
      c.ExpectWord("remove");
      op.kind = HeaderOp::Kind::kRemove;
    }
    op.name = ExpectHeader(c, "the name of a header", HeaderPlace::kChange);
    if (op.kind != HeaderOp::Kind::kRemove) {
      c.Expect(TokenKind::kEquals, "`=`");
      op.value = ExpectHeaderValue(c, "the value of the header");
    }
    headers.ops.push_back(std::move(op));
    return true;
  });
  return headers;
}

// What stands in place of what the expression matched.
Str ExpectReplacement(Cursor& c, const Str& regex) {
  Str text = c.ExpectString("what replaces it");
  if (c.failed()) return text;
  const std::string fault = ReplacementFault(regex.value, text.value);
  if (!fault.empty()) {
    c.Fail(codes::kBadPattern, text.span, "not a replacement for this expression: " + fault);
  }
  return text;
}

RewriteItem ReadRewrite(Cursor& c) {
  RewriteItem rewrite;
  const auto one = [&] {
    if (c.AcceptWords({"host", "to", "target"})) {
      rewrite.host_of_target = true;
    } else if (c.AcceptWord("host")) {
      rewrite.host = ReadHost(c);
    } else if (c.AcceptWord("path")) {
      if (c.AcceptWord("matches")) {
        rewrite.regex = ExpectRegex(c, "an RE2 expression");
        c.ExpectWord("to");
        rewrite.path = ExpectReplacement(c, *rewrite.regex);
      } else {
        rewrite.path = ExpectPath(c, "a path");
      }
    } else {
      c.FailExpected("`path` or `host`");
    }
  };
  one();
  if (!c.failed() && (c.IsWord("host") || c.IsWord("path")) && c.Kind(1) == TokenKind::kString) {
    one();
  }
  return rewrite;
}

// A method that other origins may be told of; `"*"` for all.
Name ExpectCorsMethod(Cursor& c) {
  static const std::vector<std::string> kKnown = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                                  "DELETE", "CONNECT", "OPTIONS", "TRACE"};
  if (c.Is(TokenKind::kString) && c.Text() == "\"*\"") return c.ExpectString("a method");
  Name method = ExpectMethod(c);
  if (c.failed() || std::find(kKnown.begin(), kKnown.end(), method.value) != kKnown.end()) {
    return method;
  }
  c.Fail(codes::kBadLiteral, method.span, "`cors` does not know the method `" + method.value + "`")
      .help = "methods here are GET, HEAD, POST, PUT, PATCH, DELETE, CONNECT, OPTIONS and TRACE";
  return method;
}

void CheckCors(Cursor& c, const CorsItem& cors, bool origins, Span span) {
  if (c.failed()) return;
  if (cors.max_age && cors.max_age->value.count() % 1000 != 0) {
    c.Fail(codes::kBadLiteral, cors.max_age->span, "`age` is in whole seconds");
  } else if (!origins) {
    c.Fail(codes::kMissingItem, span, "`cors` names no origin").help =
        "say who may read: `origins [\"https://shop.example\"]`";
  }
}

CorsItem ReadCors(Cursor& c) {
  CorsItem cors;
  bool origins = false;  // `origins []` says that nobody may read
  const Span span = c.LastSpan();
  c.ReadBlock("`cors`", {"origins", "methods", "headers", "expose", "age", "credentials"},
              [&](std::string_view word) {
                if (word == "origins") {
                  c.Skip();
                  cors.origins = ReadOrigins(c);
                  origins = true;
                } else if (word == "methods") {
                  c.Skip();
                  c.ExpectList([&] { cors.methods.push_back(ExpectCorsMethod(c)); });
                } else if (word == "headers") {
                  c.Skip();
                  cors.headers = ExpectHeaders(c, "a header");
                } else if (word == "expose") {
                  c.Skip();
                  cors.expose = ExpectHeaders(c, "a header");
                } else if (word == "age") {
                  c.Skip();
                  cors.max_age = c.ExpectDuration("age", Zero::kAllowed);
                } else if (word == "credentials") {
                  cors.credentials = Spanned<bool>{true, c.SpanAt()};
                  c.Skip();
                } else {
                  return false;
                }
                return true;
              },
              {"origins", "methods", "headers", "expose", "age", "credentials"});
  CheckCors(c, cors, origins, span);
  return cors;
}

AuthenticateItem::Require ReadRequire(Cursor& c) {
  AuthenticateItem::Require require;
  if (c.AcceptWord("scope")) {
    require.scope = c.ExpectString("a scope");
    return require;
  }
  c.ExpectWord("claim");
  require.claim = c.ExpectString("a claim");
  require.patterns = ReadPatterns(c, false);
  return require;
}

void ReadAuthenticateBlock(Cursor& c, AuthenticateItem& item) {
  c.ReadBlock("`authenticate`", {"require", "reroute"},
              [&](std::string_view) {
                if (c.AcceptWord("require")) {
                  item.require.push_back(ReadRequire(c));
                } else if (c.AcceptWords({"reroute", "never"})) {
                  item.reroute = AuthenticateItem::Reroute::kNever;
                } else if (c.AcceptWords({"reroute", "always"})) {
                  item.reroute = AuthenticateItem::Reroute::kAlways;
                } else {
                  return false;
                }
                return true;
              },
              {"reroute"});
}

AuthenticateItem ReadAuthenticate(Cursor& c) {
  AuthenticateItem item;
  c.ExpectWord("by");
  item.providers = c.ExpectNames("a jwt provider");
  item.optional = c.AcceptWord("optional");
  item.tolerant = c.AcceptWord("tolerant");
  item.phase = ReadPhase(c);
  if (!c.failed() && c.Is(TokenKind::kOpenBrace)) ReadAuthenticateBlock(c, item);
  return item;
}

AuthorizeItem ReadAuthorize(Cursor& c) {
  AuthorizeItem item;
  c.ExpectWord("by");
  item.provider = c.ExpectName("an authorizer");
  if (c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`authorize`", {"config", "context", "settings"},
                [&](std::string_view word) {
                  if (word == "config") {
                    c.Skip();
                    item.config = c.ExpectString("the name of a configuration");
                  } else if (word == "context") {
                    c.Skip();
                    item.context = c.ExpectLabelBlock("a context extension");
                  } else if (word == "settings") {
                    c.Skip();
                    item.settings = c.ExpectString("the authorizer's own settings");
                  } else {
                    return false;
                  }
                  return true;
                },
                {"config", "context", "settings"});
  }
  if (item.settings && !item.config && !c.failed()) {
    c.Fail(codes::kMissingItem, item.settings->span, "settings of an authorizer need a name").help =
        "name them, `config \"main\"`: the authorizer is told by which of its settings to check";
  }
  if (c.AcceptWord("when")) item.when = ReadCondition(c);
  return item;
}

Value ReadArgumentValue(Cursor& c) {
  if (c.Is(TokenKind::kOpenBracket)) return c.ExpectStrings("an argument");
  if (c.Is(TokenKind::kString) || c.Is(TokenKind::kText)) return c.ExpectString("an argument");
  if (c.Is(TokenKind::kNumber)) {
    const Span span = c.SpanAt();
    if (const auto duration = ParseDuration(c.Text()); duration && !ParseNumber(c.Text())) {
      c.Skip();
      return Duration{*duration, span};
    }
    if (const auto percent = ParsePercent(c.Text())) {
      c.Skip();
      return Percent{*percent, span};
    }
    return c.ExpectNumber("an argument", kAnyNumber);
  }
  if (c.bindings() != nullptr && c.Is(TokenKind::kWord)) {
    const auto bound = c.bindings()->find(std::string(c.Text()));
    if (bound != c.bindings()->end()) {
      c.Skip();
      return bound->second;
    }
  }
  return c.ExpectQName("an argument");
}

}  // namespace

TemplateUse ReadTemplateUse(Cursor& c) {
  TemplateUse use;
  use.name = c.ExpectQName("a policy item or template");
  if (!c.Accept(TokenKind::kOpenParen)) return use;
  while (!c.failed() && !c.Is(TokenKind::kCloseParen)) {
    TemplateUse::Argument argument;
    const std::uint32_t first = c.at();
    if (c.Is(TokenKind::kWord) && c.Kind(1) == TokenKind::kColon) {
      argument.name = c.ExpectPlainName("a parameter");
      c.Skip();
    }
    argument.value = ReadArgumentValue(c);
    argument.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
    use.arguments.push_back(std::move(argument));
    if (!c.Accept(TokenKind::kComma)) break;
  }
  c.Expect(TokenKind::kCloseParen, "`)`");
  return use;
}

namespace {

MtlsItem ReadMtls(Cursor& c) {
  MtlsItem mtls{MtlsMode::kStrict, std::nullopt};
  if (const auto mode = ReadMtlsMode(c)) mtls.mode = mode->value;
  if (c.AcceptWord("port")) mtls.port = c.ExpectPort("`mtls`");
  return mtls;
}

// The use of a template ends its item; a word with something behind it is no template but a
// mistake.
void RequireItemEnd(Cursor& c, std::uint32_t first) {
  if (c.failed() || !c.GoesOn()) return;
  const Token& word = c.syntax().tokens[first];
  const std::string text(c.syntax().Text(word));
  Diagnostic& d = c.Fail(codes::kUnknownItem, {c.syntax().file, word.begin, word.end},
                         "unknown item `" + text + "`");
  std::vector<std::string> words(c.known().begin(), c.known().end());
  words.insert(words.end(), ItemWords().begin(), ItemWords().end());
  const std::string near = NearestName(text, words);
  if (near.empty()) return;
  d.help = "did you mean `" + near + "`?";
  d.edit = Edit{d.span, near};
}

// Reads the item whose word is at the cursor; false when it is no item's word.
bool ReadKnownItem(Cursor& c, Item& item) {
  if (c.AcceptWord("timeout")) {
    item.value = ReadTimeout(c);
  } else if (c.AcceptWord("retries")) {
    item.value = ReadRetries(c);
  } else if (c.AcceptWord("fault")) {
    ReadFault(c, item);
  } else if (c.AcceptWord("mirror")) {
    item.value = ReadMirror(c);
  } else if (c.AcceptWord("headers")) {
    item.value = ReadHeaders(c);
  } else if (c.AcceptWord("rewrite")) {
    item.value = ReadRewrite(c);
  } else if (c.AcceptWord("cors")) {
    item.value = ReadCors(c);
  } else if (c.AcceptWord("authenticate")) {
    item.value = ReadAuthenticate(c);
  } else if (c.AcceptWord("authorize")) {
    item.value = ReadAuthorize(c);
  } else if (c.AcceptWords({"without", "authorization"})) {
    item.value = WithoutAuthorizationItem{};
  } else if (c.AcceptWord("limit") || c.Is(TokenKind::kNumber)) {
    ReadLimitItem(c, item);
  } else if (c.AcceptWord("mtls")) {
    item.value = ReadMtls(c);
  } else if (c.AcceptWord("trim")) {
    item.value = ReadTrim(c);
  } else {
    return ReadDestinationItem(c, item) || ReadFilterItem(c, item);
  }
  return true;
}

}  // namespace

const std::vector<std::string>& ItemWords() {
  static const std::vector<std::string> words = {
      "timeout",  "retries",     "fault",     "mirror",   "headers",      "rewrite", "cors",
      "eject",    "balance",     "tls",       "failover", "authenticate", "mtls",    "limit",
      "override", "connections", "authorize", "priority", "trim",         "csrf",    "body",
      "buffer",   "proxy",       "transform", "lua",      "wasm",         "waf",     "mask",
      "log",      "health",      "adapt",     "without"};
  return words;
}

std::optional<Spanned<MtlsMode>> ReadMtlsMode(Cursor& c) {
  static constexpr std::array<std::pair<std::string_view, MtlsMode>, 3> kModes = {{
      {"strict", MtlsMode::kStrict},
      {"permissive", MtlsMode::kPermissive},
      {"disable", MtlsMode::kDisable},
  }};
  const Span span = c.SpanAt();
  for (const auto& [word, mode] : kModes) {
    if (c.AcceptWord(word)) return Spanned<MtlsMode>{mode, span};
  }
  const bool assigned = c.Is(TokenKind::kEquals) || c.Is(TokenKind::kColon);
  const Span found = assigned ? Join(c.SpanAt(), c.SpanAt(1)) : c.SpanAt();
  const std::string near =
      NearestName(c.Text(assigned ? 1 : 0), {"strict", "permissive", "disable"});
  Diagnostic* d = c.ReportExpected("`strict`, `permissive` or `disable`");
  if (d != nullptr && !near.empty()) {
    d->help = "write `mtls " + near + "`";
    d->edit = Edit{found, near};
  }
  return std::nullopt;
}

TrimItem ReadTrim(Cursor& c) {
  TrimItem trim;
  c.ExpectWord("proxies");
  if (!c.AcceptWord("to")) return trim;
  trim.listed = true;
  if (c.AcceptWord("nothing")) return trim;
  if (ReadResource(c, trim.selected)) {
    while (c.Accept(TokenKind::kComma)) {
      if (!ReadResource(c, trim.selected)) c.FailExpected("`services …` or `destinations …`");
    }
    return trim;
  }
  trim.to = c.ExpectQNames("a service or destination");
  return trim;
}

bool ReadItem(Cursor& c, std::vector<Item>& items) {
  if (!c.Is(TokenKind::kWord) && !c.Is(TokenKind::kNumber)) return false;
  Item item;
  const std::uint32_t first = c.at();
  if (c.AcceptWord("override")) item.override_ = true;
  if (c.IsWord("priority") && c.Kind(1) == TokenKind::kNumber) {
    c.Skip();
    item.priority = c.ExpectNumber("`priority`", kRank);
  }
  if (!ReadKnownItem(c, item)) {
    item.value = ReadTemplateUse(c);
    RequireItemEnd(c, first);
  }
  item.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  if (!c.failed()) items.push_back(std::move(item));
  return true;
}

}  // namespace weft::dsl
