#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/literals.h"
#include "dsl/readers.h"

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

RetriesItem ReadRetries(Cursor& c) {
  RetriesItem retries;
  if (c.IsWord("none")) {
    retries.attempts = {0, c.SpanAt()};
    c.Skip();
    return retries;
  }
  retries.attempts = c.ExpectNumber("`retries`");
  if (c.AcceptWords({"per", "try"})) retries.per_try = c.ExpectDuration("per try");
  if (c.AcceptWord("on")) {
    c.ExpectList([&] {
      if (c.Is(TokenKind::kNumber)) {  // `5xx`
        retries.on.push_back({std::string(c.Text()), c.SpanAt()});
        c.Skip();
      } else {
        retries.on.push_back(c.ExpectName("a retry condition such as `5xx` or `reset`"));
      }
    });
  }
  return retries;
}

void ReadFault(Cursor& c, Item& item) {
  const auto share = [&] {
    return c.AcceptWord("for") ? c.ExpectPercent("a fault") : Percent{100, {}};
  };
  if (c.AcceptWord("delay")) {
    FaultDelayItem delay;
    delay.delay = c.ExpectDuration("delay");
    delay.share = share();
    item.value = delay;
  } else {
    c.ExpectWord("abort");
    FaultAbortItem abort;
    abort.status = c.ExpectNumber("the status");
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
    op.name = c.ExpectString("the name of a header");
    if (op.kind != HeaderOp::Kind::kRemove) {
      c.Expect(TokenKind::kEquals, "`=`");
      op.value = c.ExpectString("the value of the header");
    }
    headers.ops.push_back(std::move(op));
    return true;
  });
  return headers;
}

RewriteItem ReadRewrite(Cursor& c) {
  RewriteItem rewrite;
  const auto one = [&] {
    if (c.AcceptWord("host")) {
      rewrite.host = ReadHost(c);
    } else if (c.AcceptWord("path")) {
      if (c.AcceptWord("matches")) {
        rewrite.regex = c.ExpectString("an RE2 expression");
        c.ExpectWord("to");
      }
      rewrite.path = c.ExpectString("a path");
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

CorsItem ReadCors(Cursor& c) {
  CorsItem cors;
  c.ReadBlock("`cors`", {"origins", "methods", "headers", "expose", "age", "credentials"},
              [&](std::string_view word) {
                if (word == "origins") {
                  c.Skip();
                  c.ExpectList([&] {
                    if (c.Is(TokenKind::kString)) {
                      const Str origin = c.ExpectString("an origin");
                      cors.origins.push_back({Exact{origin.value}, origin.span});
                      return;
                    }
                    c.AcceptWord("exact");
                    if (c.Is(TokenKind::kString)) {
                      const Str origin = c.ExpectString("an origin");
                      cors.origins.push_back({Exact{origin.value}, origin.span});
                      return;
                    }
                    for (auto& pattern : ReadPatterns(c, false)) cors.origins.push_back(pattern);
                  });
                } else if (word == "methods") {
                  c.Skip();
                  cors.methods = c.ExpectNames("a method");
                } else if (word == "headers") {
                  c.Skip();
                  cors.headers = c.ExpectStrings("a header");
                } else if (word == "expose") {
                  c.Skip();
                  cors.expose = c.ExpectStrings("a header");
                } else if (word == "age") {
                  c.Skip();
                  cors.max_age = c.ExpectDuration("age");
                } else if (word == "credentials") {
                  cors.credentials = Spanned<bool>{true, c.SpanAt()};
                  c.Skip();
                } else {
                  return false;
                }
                return true;
              });
  return cors;
}

ConnectionsItem ReadConnections(Cursor& c) {
  ConnectionsItem item;
  c.ReadBlock("`connections`",
              {"at", "pending", "requests", "per", "retries", "connect", "idle", "keepalive"},
              [&](std::string_view /*word*/) {
                if (c.AcceptWords({"at", "most"})) {
                  item.max_connections = c.ExpectNumber("connections");
                } else if (c.AcceptWords({"pending", "at", "most"})) {
                  item.max_pending = c.ExpectNumber("pending requests");
                } else if (c.AcceptWords({"requests", "at", "most"})) {
                  item.max_requests = c.ExpectNumber("requests");
                } else if (c.AcceptWords({"per", "connection"})) {
                  item.requests_per_connection = c.ExpectNumber("requests per connection");
                } else if (c.AcceptWords({"retries", "at", "most"})) {
                  item.max_retries = c.ExpectNumber("retries");
                } else if (c.AcceptWords({"connect", "within"})) {
                  item.connect_timeout = c.ExpectDuration("connect within");
                } else if (c.AcceptWord("idle")) {
                  item.idle_timeout = c.ExpectDuration("idle");
                } else if (c.AcceptWord("keepalive")) {
                  item.keepalive = c.ExpectDuration("keepalive");
                } else {
                  return false;
                }
                return true;
              });
  return item;
}

EjectItem ReadEject(Cursor& c) {
  EjectItem eject;
  c.ExpectWord("after");
  eject.errors = c.ExpectNumber("`eject after`");
  if (c.AcceptWord("gateway")) eject.gateway_errors = true;
  if (!c.AcceptWord("error")) c.ExpectWord("errors");
  if (c.AcceptWord("in")) eject.interval = c.ExpectDuration("in");
  if (c.AcceptWord("for")) eject.base_time = c.ExpectDuration("for");
  if (c.AcceptWords({"at", "most"})) eject.max_share = c.ExpectPercent("`at most`");
  return eject;
}

void ReadHash(Cursor& c, BalanceItem& balance) {
  c.ExpectWord("hash");
  c.ExpectWord("of");
  if (c.AcceptWord("header")) {
    balance.kind = BalanceItem::Kind::kHashHeader;
    balance.key = c.ExpectString("a header");
  } else if (c.AcceptWord("cookie")) {
    balance.kind = BalanceItem::Kind::kHashCookie;
    balance.key = c.ExpectString("a cookie");
    if (c.AcceptWord("ttl")) balance.ttl = c.ExpectDuration("ttl");
  } else if (c.AcceptWord("query")) {
    balance.kind = BalanceItem::Kind::kHashQuery;
    balance.key = c.ExpectString("a query parameter");
  } else {
    c.ExpectWord("source");
    c.ExpectWord("ip");
    balance.kind = BalanceItem::Kind::kHashSourceIp;
  }
}

BalanceItem ReadBalance(Cursor& c) {
  BalanceItem balance;
  if (c.AcceptWords({"round", "robin"})) {
    balance.kind = BalanceItem::Kind::kRoundRobin;
  } else if (c.AcceptWords({"least", "request"})) {
    balance.kind = BalanceItem::Kind::kLeastRequest;
  } else if (c.AcceptWord("random")) {
    balance.kind = BalanceItem::Kind::kRandom;
  } else if (c.AcceptWord("passthrough")) {
    balance.kind = BalanceItem::Kind::kPassthrough;
  } else if (c.AcceptWord("by")) {
    ReadHash(c, balance);
  } else {
    c.FailExpected("`round robin`, `least request`, `random`, `passthrough` or `by hash of …`");
  }
  if (c.AcceptWords({"warm", "up"})) balance.warm_up = c.ExpectDuration("warm up");
  return balance;
}

std::optional<Spanned<FailoverItem::Step>> ReadStep(Cursor& c) {
  const std::uint32_t first = c.at();
  std::optional<FailoverItem::Step> step;
  if (c.AcceptWord("any")) {
    step = FailoverItem::Step::kAny;
  } else if (c.AcceptWords({"same", "zone"})) {
    step = FailoverItem::Step::kSameZone;
  } else if (c.AcceptWords({"same", "region"})) {
    step = FailoverItem::Step::kSameRegion;
  } else if (c.AcceptWords({"same", "cluster"})) {
    step = FailoverItem::Step::kSameCluster;
  } else if (c.AcceptWords({"same", "network"})) {
    step = FailoverItem::Step::kSameNetwork;
  } else {
    c.FailExpected("`same zone`, `same region`, `same cluster`, `same network` or `any`");
    return std::nullopt;
  }
  return Spanned<FailoverItem::Step>{*step, c.SpanFrom(first)};
}

FailoverItem ReadFailover(Cursor& c) {
  FailoverItem failover;
  if (!c.IsWord("from")) {
    do {
      if (auto step = ReadStep(c)) failover.order.push_back(*step);
    } while (c.Accept(TokenKind::kComma));
    return failover;
  }
  do {
    FailoverItem::Mapping mapping;
    c.ExpectWord("from");
    c.ExpectWord("region");
    mapping.from = c.ExpectString("a region");
    c.ExpectWord("to");
    c.ExpectWord("region");
    mapping.to = c.ExpectString("a region");
    if (c.AcceptWord("weight")) mapping.weight = c.ExpectPercent("`weight`");
    failover.mappings.push_back(std::move(mapping));
  } while (c.Accept(TokenKind::kComma));
  return failover;
}

std::optional<Phase> ReadPhase(Cursor& c) {
  if (!c.AcceptWord("phase")) return std::nullopt;
  Phase phase = Phase::kAfterAuthorization;
  if (c.AcceptWord("before")) {
    phase = Phase::kBeforeAuthorization;
  } else {
    c.ExpectWord("after");
  }
  c.ExpectWord("authorization");
  return phase;
}

AuthenticateItem ReadAuthenticate(Cursor& c) {
  AuthenticateItem item;
  c.ExpectWord("by");
  item.provider = c.ExpectName("a jwt provider");
  item.optional = c.AcceptWord("optional");
  item.phase = ReadPhase(c);
  return item;
}

AuthorizeItem ReadAuthorize(Cursor& c) {
  AuthorizeItem item;
  c.ExpectWord("by");
  item.provider = c.ExpectName("an authorizer");
  if (c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`authorize`", {"config", "context"}, [&](std::string_view word) {
      if (word == "config") {
        c.Skip();
        item.config = c.ExpectString("the name of a configuration");
      } else if (word == "context") {
        c.Skip();
        item.context = c.ExpectLabelBlock("a context extension");
      } else {
        return false;
      }
      return true;
    });
  }
  if (c.AcceptWord("when")) item.when = ReadCondition(c);
  return item;
}

std::optional<LimitKey> ReadLimitKey(Cursor& c) {
  LimitKey key;
  const auto dotted = [&](std::string_view a, std::string_view b) {
    if (!c.IsWord(a) || c.Kind(1) != TokenKind::kDot || c.Text(2) != b) return false;
    c.Skip();
    c.Skip();
    c.Skip();
    return true;
  };
  if (dotted("source", "identity")) {
    key.kind = LimitKey::Kind::kSourceIdentity;
  } else if (dotted("source", "ip")) {
    key.kind = LimitKey::Kind::kSourceIp;
  } else if (dotted("remote", "ip")) {
    key.kind = LimitKey::Kind::kRemoteIp;
  } else if (c.AcceptWord("path")) {
    key.kind = LimitKey::Kind::kPath;
  } else if (c.AcceptWord("method")) {
    key.kind = LimitKey::Kind::kMethod;
  } else if (c.AcceptWord("header")) {
    key.kind = LimitKey::Kind::kHeader;
    key.name = c.ExpectString("a header");
  } else if (c.AcceptWord("jwt")) {
    key.kind = LimitKey::Kind::kClaim;
    key.provider = c.ExpectName("a jwt provider");
    c.ExpectWord("claim");
    key.name = c.ExpectString("a claim");
  } else {
    c.FailExpected(
        "what a limit counts by: `source.identity`, `remote.ip`, `path`, `header \"x\"`");
    return std::nullopt;
  }
  return key;
}

// Begins at the rate.
LimitItem ReadLimitItem(Cursor& c) {
  LimitItem limit;
  const std::optional<Rate> rate = c.Is(TokenKind::kNumber) ? ParseRate(c.Text()) : std::nullopt;
  if (!rate) {
    if (c.Is(TokenKind::kNumber) && ParseNumber(c.Text())) {
      Diagnostic& d =
          c.Fail(codes::kMissingUnit, c.SpanAt(),
                 "a limit takes a rate, found the number `" + std::string(c.Text()) + "`");
      d.help = "write `" + std::string(c.Text()) + "/s` or `" + std::string(c.Text()) + "/min`";
      d.edit = Edit{d.span, std::string(c.Text()) + "/s"};
    } else {
      c.FailExpected("a rate such as `100/s`");
    }
    return limit;
  }
  limit.requests = {rate->count, c.SpanAt()};
  limit.unit = rate->unit;
  c.Skip();
  if (c.AcceptWord("per")) {
    const bool group = c.Accept(TokenKind::kOpenParen);
    do {
      if (auto key = ReadLimitKey(c)) limit.per.push_back(std::move(*key));
    } while (group && c.Accept(TokenKind::kComma));
    if (group) c.Expect(TokenKind::kCloseParen, "`)`");
  }
  while (!c.failed()) {
    if (c.AcceptWord("burst")) {
      limit.burst = c.ExpectNumber("`burst`");
    } else if (c.AcceptWords({"on", "error"})) {
      limit.allow_on_error = c.AcceptWord("allow");
      if (!*limit.allow_on_error) c.ExpectWord("deny");
    } else if (c.AcceptWord("when")) {
      limit.when = ReadCondition(c);
    } else if (c.IsWord("phase")) {
      limit.phase = ReadPhase(c);
    } else {
      break;
    }
  }
  return limit;
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
    return c.ExpectNumber("an argument");
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

TemplateUse ReadTemplateUse(Cursor& c) {
  TemplateUse use;
  use.name = c.ExpectQName("a policy item or template");
  if (!c.Accept(TokenKind::kOpenParen)) return use;
  while (!c.failed() && !c.Is(TokenKind::kCloseParen)) {
    TemplateUse::Argument argument;
    const std::uint32_t first = c.at();
    if (c.Is(TokenKind::kWord) && c.Kind(1) == TokenKind::kColon) {
      argument.name = c.ExpectName("a parameter");
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

MtlsItem ReadMtls(Cursor& c) {
  MtlsItem mtls{MtlsMode::kStrict, std::nullopt};
  if (const auto mode = ReadMtlsMode(c)) mtls.mode = mode->value;
  if (c.AcceptWord("port")) mtls.port = c.ExpectPort("`mtls`");
  return mtls;
}

// The use of a template ends its item; a word with something behind it is no template but a
// mistake.
void RequireItemEnd(Cursor& c, std::uint32_t first) {
  if (c.failed() || c.AtEnd()) return;
  const Token& next = c.syntax().tokens[c.at()];
  if (next.line_start || next.gap_before) return;
  const Token& word = c.syntax().tokens[first];
  const std::string text(c.syntax().Text(word));
  Diagnostic& d = c.Fail(codes::kUnknownItem, {c.syntax().file, word.begin, word.end},
                         "unknown item `" + text + "`");
  const std::string near = NearestName(text, ItemWords());
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
  } else if (c.AcceptWord("connections")) {
    item.value = ReadConnections(c);
  } else if (c.AcceptWord("eject")) {
    item.value = ReadEject(c);
  } else if (c.AcceptWord("balance")) {
    item.value = ReadBalance(c);
  } else if (c.AcceptWord("tls")) {
    item.value = ReadClientTls(c);
  } else if (c.AcceptWord("failover")) {
    item.value = ReadFailover(c);
  } else if (c.AcceptWord("authenticate")) {
    item.value = ReadAuthenticate(c);
  } else if (c.AcceptWord("authorize")) {
    item.value = ReadAuthorize(c);
  } else if (c.AcceptWords({"without", "authorization"})) {
    item.value = WithoutAuthorizationItem{};
  } else if (c.AcceptWord("limit") || c.Is(TokenKind::kNumber)) {
    item.value = ReadLimitItem(c);
  } else if (c.AcceptWord("mtls")) {
    item.value = ReadMtls(c);
  } else if (c.AcceptWord("trim")) {
    item.value = ReadTrim(c);
  } else {
    return false;
  }
  return true;
}

}  // namespace

const std::vector<std::string>& ItemWords() {
  static const std::vector<std::string> words = {
      "timeout",  "retries",     "fault",     "mirror",   "headers",      "rewrite", "cors",
      "eject",    "balance",     "tls",       "failover", "authenticate", "mtls",    "limit",
      "override", "connections", "authorize", "priority", "trim"};
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
  c.FailExpected("`strict`, `permissive` or `disable`");
  return std::nullopt;
}

ClientTlsItem ReadClientTls(Cursor& c) {
  ClientTlsItem tls;
  if (c.AcceptWord("off")) {
    tls.mode = ClientTlsItem::Mode::kOff;
  } else if (c.AcceptWord("istio")) {
    tls.mode = ClientTlsItem::Mode::kIstioMutual;
  } else if (c.AcceptWord("mutual")) {
    tls.mode = ClientTlsItem::Mode::kMutual;
  } else {
    c.ExpectWord("simple");
  }
  if (c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`tls`", {"sni", "ca", "certificate", "sans", "without"}, [&](std::string_view w) {
      if (w == "sni") {
        c.Skip();
        tls.sni = c.ExpectString("an SNI");
      } else if (c.AcceptWords({"ca", "secret"})) {
        tls.ca_secret = c.ExpectString("a secret");
      } else if (c.AcceptWords({"certificate", "secret"})) {
        tls.certificate_secret = c.ExpectString("a secret");
      } else if (w == "sans") {
        c.Skip();
        tls.sans = c.ExpectStrings("a subject alternative name");
      } else if (c.AcceptWords({"without", "verification"})) {
        tls.skip_verify = true;
      } else {
        return false;
      }
      return true;
    });
  } else if (c.AcceptWord("sni")) {
    tls.sni = c.ExpectString("an SNI");
  }
  return tls;
}

TrimItem ReadTrim(Cursor& c) {
  TrimItem trim;
  c.ExpectWord("proxies");
  if (c.AcceptWord("to")) {
    trim.listed = true;
    trim.to = c.ExpectQNames("a service or destination");
  }
  return trim;
}

bool ReadItem(Cursor& c, std::vector<Item>& items) {
  if (!c.Is(TokenKind::kWord) && !c.Is(TokenKind::kNumber)) return false;
  Item item;
  const std::uint32_t first = c.at();
  if (c.AcceptWord("override")) item.override_ = true;
  if (c.IsWord("priority") && c.Kind(1) == TokenKind::kNumber) {
    c.Skip();
    item.priority = c.ExpectNumber("`priority`");
  }
  if (!ReadKnownItem(c, item)) {
    item.value = ReadTemplateUse(c);
    RequireItemEnd(c, first);
  }
  item.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  if (!c.failed()) items.push_back(std::move(item));
  return true;
}

std::vector<Item> ReadBody(const Syntax& syntax, std::uint32_t begin, std::uint32_t end,
                           const ParameterBindings& bindings, Diagnostics& diagnostics) {
  std::vector<Item> items;
  Cursor c(syntax, begin, end, diagnostics, &bindings);
  c.ReadItems(end, "the template", {}, [&](std::string_view) { return ReadItem(c, items); });
  return items;
}

}  // namespace weft::dsl
