// Rate limits: the items `limit 100/s …` and `limit by NAME { … }`, and the declarations `limit`,
// `limits`, `counter` and `limiter`.
#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/literals.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

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
    key.name = ExpectHeader(c, "a header");
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

// `100/s`; a bare number lacks its unit.
std::optional<LimitRate> ReadRate(Cursor& c) {
  const std::optional<Rate> rate = c.Is(TokenKind::kNumber) ? ParseRate(c.Text()) : std::nullopt;
  if (rate) {
    const LimitRate read{rate->count, rate->unit, c.SpanAt()};
    c.Skip();
    return read;
  }
  if (c.Is(TokenKind::kNumber) && ParseNumber(c.Text())) {
    const std::string text(c.Text());
    Diagnostic& d = c.Fail(codes::kMissingUnit, c.SpanAt(),
                           "a limit takes a rate, found the number `" + text + "`");
    d.help = "write `" + text + "/s` or `" + text + "/min`";
    d.edit = Edit{d.span, text + "/s"};
  } else {
    c.FailExpected("a rate such as `100/s`");
  }
  return std::nullopt;
}

bool ReadOnError(Cursor& c, std::optional<bool>& allow) {
  if (!c.AcceptWords({"on", "error"})) return false;
  allow = c.AcceptWord("allow");
  if (!*allow) c.ExpectWord("deny");
  return true;
}

LimitItem ReadBucket(Cursor& c) {
  LimitItem limit;
  const std::optional<LimitRate> rate = ReadRate(c);
  if (!rate) return limit;
  limit.requests = {rate->requests, rate->span};
  limit.unit = rate->unit;
  if (c.AcceptWord("per")) {
    const bool group = c.Accept(TokenKind::kOpenParen);
    do {
      if (auto key = ReadLimitKey(c)) limit.per.push_back(std::move(*key));
    } while (group && c.Accept(TokenKind::kComma));
    if (group) c.Expect(TokenKind::kCloseParen, "`)`");
  }
  while (!c.failed()) {
    if (c.AcceptWord("burst")) {
      limit.burst = c.ExpectNumber("`burst`", kCount);
    } else if (ReadOnError(c, limit.allow_on_error)) {
      continue;
    } else if (c.AcceptWord("by")) {
      limit.limiter = c.ExpectName("a limiter");
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

// ---- what is sent

// A descriptor matches headers only; anything else in its condition is refused.
void RequireHeaders(Cursor& c, const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::kAnd:
    case Condition::Kind::kNot:
      for (const Condition& child : condition.children) RequireHeaders(c, child);
      return;
    case Condition::Kind::kMatcher:
      if (!condition.matcher || std::holds_alternative<HeaderIs>(*condition.matcher)) return;
      break;
    case Condition::Kind::kOr:
      break;
  }
  if (c.failed()) return;
  c.Fail(codes::kUnexpected, condition.span,
         "a descriptor matches by headers joined by `and`, found another condition");
}

void ReadMatchEntry(Cursor& c, SendEntry& entry) {
  entry.kind = SendEntry::Kind::kMatch;
  entry.value = c.ExpectString("the value of the descriptor");
  if (c.AcceptWord("as")) entry.key = c.ExpectString("the key of the descriptor");
  entry.unless = c.AcceptWord("unless");
  if (!entry.unless) c.ExpectWord("when");
  entry.when = ReadCondition(c, HeaderPlace::kPseudo);
  RequireHeaders(c, *entry.when);
}

void ReadMetadataEntry(Cursor& c, SendEntry& entry) {
  entry.kind = SendEntry::Kind::kMetadata;
  entry.key = c.ExpectString("the key of the descriptor");
  c.ExpectWord("path");
  entry.path = c.ExpectStrings("a metadata namespace or key");
  if (c.AcceptWord("default")) entry.fallback = c.ExpectString("a value");
  entry.of_route = c.AcceptWords({"of", "route"});
}

SendEntry ReadSendEntry(Cursor& c) {
  SendEntry entry;
  const std::uint32_t first = c.at();
  if (c.AcceptWords({"source", "cluster"})) {
    entry.kind = SendEntry::Kind::kSourceCluster;
  } else if (c.AcceptWords({"destination", "cluster"})) {
    entry.kind = SendEntry::Kind::kDestinationCluster;
  } else if (c.AcceptWords({"remote", "address"})) {
    entry.kind = SendEntry::Kind::kRemoteAddress;
  } else if (c.AcceptWord("header")) {
    entry.kind = SendEntry::Kind::kHeader;
    entry.value = ExpectHeader(c, "a header", HeaderPlace::kPseudo);
    if (c.AcceptWord("as")) entry.key = c.ExpectString("the key of the descriptor");
    entry.optional = c.AcceptWord("optional");
  } else if (c.AcceptWord("match")) {
    ReadMatchEntry(c, entry);
  } else if (c.AcceptWord("metadata")) {
    ReadMetadataEntry(c, entry);
  } else if (c.Is(TokenKind::kString)) {
    entry.key = c.ExpectString("the key of the descriptor");
    c.Expect(TokenKind::kEquals, "`=`");
    entry.value = c.ExpectString("the value of the descriptor");
  } else {
    c.FailExpected(
        "what is sent: `\"key\" = \"value\"`, `header \"x\" as \"k\"`, `remote address`, "
        "`match \"v\" when …`, `source cluster`, `destination cluster` or `metadata \"k\" path "
        "[…]`");
  }
  entry.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  return entry;
}

// Behind `send`.
SendClause ReadSend(Cursor& c) {
  SendClause send;
  const std::uint32_t first = c.at();
  send.set = c.AcceptWord("set");
  do {
    send.entries.push_back(ReadSendEntry(c));
  } while (!c.failed() && c.Accept(TokenKind::kComma));
  send.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  return send;
}

// Behind `limit by`.
CountedLimitItem ReadCounted(Cursor& c) {
  CountedLimitItem item;
  item.limits = c.ExpectQName("the name of a `limits` declaration");
  c.ReadBlock("`limit by`", {"send", "count", "through", "phase", "on", "when"},
              [&](std::string_view word) {
                if (c.AcceptWord("send")) {
                  item.sends.push_back(ReadSend(c));
                } else if (c.AcceptWords({"count", "by"})) {
                  item.counters.push_back(c.ExpectQName("a counter"));
                } else if (c.AcceptWord("through")) {
                  item.limiter = c.ExpectName("a limiter");
                } else if (word == "phase") {
                  item.phase = ReadPhase(c);
                } else if (c.AcceptWord("when")) {
                  item.when = ReadCondition(c);
                } else {
                  return ReadOnError(c, item.allow_on_error);
                }
                return true;
              },
              {"through", "phase", "when", "on error"});
  if (!c.failed() && item.sends.empty() && item.counters.empty()) {
    c.Fail(codes::kMissingItem, item.limits.span, "`limit by` sends nothing to count by").help =
        "say what is counted: `send remote address`, or `count by NAME`";
  }
  return item;
}

// ---- trees of descriptors

DescriptorEntry ReadDescriptorEntry(Cursor& c) {
  DescriptorEntry entry;
  entry.key = c.ExpectString("the key of a descriptor");
  if (c.Accept(TokenKind::kEquals)) entry.value = c.ExpectString("its value");
  return entry;
}

DescriptorDecl ReadDescriptor(Cursor& c) {
  DescriptorDecl descriptor;
  const std::uint32_t first = c.at();
  descriptor.set = c.AcceptWord("set");
  if (descriptor.set) {
    c.ExpectList([&] { descriptor.entries.push_back(ReadDescriptorEntry(c)); });
  } else {
    descriptor.entries.push_back(ReadDescriptorEntry(c));
  }
  while (!c.failed()) {
    if (c.Is(TokenKind::kNumber)) {
      descriptor.rate = ReadRate(c);
    } else if (c.AcceptWord("unlimited")) {
      descriptor.unlimited = true;
    } else if (c.AcceptWord("always")) {
      descriptor.always = true;
    } else if (c.AcceptWord("shadow")) {
      descriptor.shadow = true;
    } else if (c.AcceptWord("weight")) {
      descriptor.weight = c.ExpectNumber("`weight`", kRank);
    } else {
      break;
    }
  }
  descriptor.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
  if (c.failed() || descriptor.set || !c.Is(TokenKind::kOpenBrace)) return descriptor;
  c.ReadBlock("a descriptor", {}, [&](std::string_view) {
    if (!c.Is(TokenKind::kString)) {
      c.FailExpected("a descriptor such as `\"user\" 10/s`");
      return true;
    }
    descriptor.children.push_back(ReadDescriptor(c));
    return true;
  });
  return descriptor;
}

}  // namespace

void ReadLimitItem(Cursor& c, Item& item) {
  if (c.AcceptWord("by")) {
    item.value = ReadCounted(c);
  } else {
    item.value = ReadBucket(c);
  }
}

void ReadLimit(Cursor& c, Header header, Program& program) {
  LimitDecl limit{.header = std::move(header)};
  if (c.AcceptWord("gateway")) limit.gateway = true;
  limit.target = c.ExpectQName("a service or `gateway g`");
  limit.header.name = {limit.target.Text(), limit.target.span};
  limit.header.span = Join(limit.header.span, limit.target.span);
  c.ReadBlock("`limit`", {"by"}, [&](std::string_view) {
    if (!c.Is(TokenKind::kNumber) && !c.IsWord("by")) {
      c.FailExpected("a rate such as `100/s`, or `by NAME { … }`");
      return true;
    }
    Item item;
    const std::uint32_t first = c.at();
    ReadLimitItem(c, item);
    item.span = c.at() > first ? c.SpanFrom(first) : c.SpanAt();
    if (!c.failed()) limit.limits.push_back(std::move(item));
    return true;
  });
  if (!c.failed()) program.limits.push_back(std::move(limit));
}

void ReadLimits(Cursor& c, Header header, Program& program) {
  LimitsDecl limits{.header = std::move(header)};
  if (c.AcceptWord("for")) limits.limiters = c.ExpectNames("a limiter");
  c.ReadBlock("`limits`", {"for", "set", "label"},
              [&](std::string_view word) {
                if (c.AcceptWord("for")) {
                  limits.limiters = c.ExpectNames("a limiter");
                } else if (c.AcceptWord("label")) {
                  limits.header.labels.push_back(ReadLabel(c));
                } else if (c.Is(TokenKind::kString) || word == "set") {
                  limits.descriptors.push_back(ReadDescriptor(c));
                } else {
                  return false;
                }
                return true;
              },
              {"for"});
  if (c.failed()) return;
  if (limits.descriptors.empty()) {
    c.diagnostics()
        .Error(codes::kMissingItem, limits.header.span,
               "`limits " + limits.header.name.value + "` holds no descriptor")
        .help = "write what is limited: `\"user\" 10/s`";
    return;
  }
  program.limit_trees.push_back(std::move(limits));
}

void ReadCounter(Cursor& c, Header header, Program& program) {
  CounterDecl counter{.header = std::move(header)};
  c.ReadBlock("`counter`", {"send", "label"}, [&](std::string_view) {
    if (c.AcceptWord("send")) {
      counter.sends.push_back(ReadSend(c));
    } else if (c.AcceptWord("label")) {
      counter.header.labels.push_back(ReadLabel(c));
    } else {
      return false;
    }
    return true;
  });
  if (!c.failed()) program.counters.push_back(std::move(counter));
}

void ReadLimiter(Cursor& c, Header header, Program& program) {
  LimiterDecl limiter{.header = std::move(header)};
  c.ReadBlock("`limiter`", {"service", "timeout", "on", "domain", "label"},
              [&](std::string_view) {
                std::optional<bool> allow;
                if (ReadOnError(c, allow)) {
                  limiter.allow_on_error = *allow;
                } else if (c.AcceptWord("domain")) {
                  limiter.domain = c.ExpectString("a domain");
                } else if (c.AcceptWord("service")) {
                  limiter.service = c.ExpectQName("a service");
                  if (c.AcceptWord("in")) limiter.in_namespace = ExpectNamespace(c);
                  if (c.AcceptWord("port")) limiter.port = c.ExpectPort("the service");
                } else if (c.AcceptWord("timeout")) {
                  limiter.timeout = c.ExpectDuration("timeout");
                } else if (c.AcceptWord("label")) {
                  limiter.header.labels.push_back(ReadLabel(c));
                } else {
                  return false;
                }
                return true;
              },
              {"on error", "domain", "service", "timeout"});
  if (limiter.service.parts.empty()) {
    c.diagnostics().Error(codes::kMissingItem, limiter.header.span,
                          "limiter `" + limiter.header.name.value + "` names no `service`");
    return;
  }
  program.limiters.push_back(std::move(limiter));
}

}  // namespace weft::dsl
