// Items that become filters of a proxy; `transform` stands in dsl/transform.cc.
#include "dsl/filters.h"

#include <array>
#include <utility>

#include "dsl/codes.h"
#include "dsl/literals.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {

std::vector<Spanned<Pattern>> ReadOrigins(Cursor& c) {
  std::vector<Spanned<Pattern>> origins;
  c.ExpectList([&] {
    c.AcceptWord("exact");
    if (c.Is(TokenKind::kString)) {
      const Str origin = c.ExpectString("an origin");
      origins.push_back({Exact{origin.value}, origin.span});
      return;
    }
    for (auto& pattern : ReadPatterns(c, false)) origins.push_back(std::move(pattern));
  });
  return origins;
}

std::optional<PhaseClause> ReadPhase(Cursor& c) {
  if (!c.AcceptWord("phase")) return std::nullopt;
  PhaseClause clause;
  if (c.AcceptWord("before")) {
    clause.phase = Phase::kBeforeAuthorization;
  } else {
    c.ExpectWord("after");
  }
  c.ExpectWord("authorization");
  if (c.AcceptWord("order")) clause.order = c.ExpectNumber("`order`", kRank);
  return clause;
}

namespace {

CsrfItem ReadCsrf(Cursor& c) {
  CsrfItem csrf;
  csrf.off = c.AcceptWord("off");
  if (csrf.off || !c.Is(TokenKind::kOpenBrace)) return csrf;
  c.ReadBlock("`csrf`", {"origins", "shadow", "for"},
              [&](std::string_view) {
                if (c.AcceptWord("origins")) {
                  csrf.origins = ReadOrigins(c);
                } else if (c.AcceptWord("shadow")) {
                  csrf.shadow = true;
                } else if (c.AcceptWord("for")) {
                  csrf.share = c.ExpectPercent("`csrf`");
                } else {
                  return false;
                }
                return true;
              },
              {"origins", "shadow", "for"});
  return csrf;
}

BodyLimitItem ReadBodyLimit(Cursor& c) {
  c.ExpectWord("at");
  c.ExpectWord("most");
  return {c.ExpectSize("`body at most`")};
}

BufferItem ReadBuffer(Cursor& c) {
  BufferItem buffer{c.ExpectSize("`buffer`")};
  c.ExpectWord("per");
  c.ExpectWord("connection");
  return buffer;
}

LuaItem ReadLua(Cursor& c) {
  LuaItem lua;
  lua.code = c.ExpectString("Lua code");
  lua.phase = ReadPhase(c);
  return lua;
}

Str ExpectChecksum(Cursor& c) {
  Str sum = c.ExpectString("a checksum");
  const bool hex = sum.value.size() == 64 &&
                   sum.value.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!c.failed() && !hex) {
    c.Fail(codes::kBadLiteral, sum.span, "a checksum has 64 hexadecimal digits in lower case");
  }
  return sum;
}

WasmItem ReadWasm(Cursor& c) {
  WasmItem wasm;
  wasm.source = c.ExpectString("where the module is");
  if (!c.failed() && wasm.source.value.find("://") == std::string::npos) {
    c.Fail(codes::kBadLiteral, wasm.source.span,
           "a module is found under `oci://`, `https://`, `http://` or `file://`, found `" +
               wasm.source.value + "`");
  }
  if (!c.Is(TokenKind::kOpenBrace)) return wasm;
  c.ReadBlock("`wasm`", {"sha256", "config", "root", "vm", "on", "before"},
              [&](std::string_view) {
                if (c.AcceptWord("sha256")) {
                  wasm.sha256 = ExpectChecksum(c);
                } else if (c.AcceptWord("config")) {
                  wasm.config = c.ExpectString("the configuration");
                } else if (c.AcceptWord("root")) {
                  wasm.root = c.ExpectString("a root id");
                } else if (c.AcceptWord("vm")) {
                  wasm.vm = c.ExpectString("a VM id");
                } else if (c.AcceptWord("before")) {
                  wasm.before = c.ExpectString("the name of a filter");
                } else if (c.AcceptWords({"on", "inbound"})) {
                  wasm.place = WasmItem::Place::kInbound;
                } else if (c.AcceptWords({"on", "outbound"})) {
                  wasm.place = WasmItem::Place::kOutbound;
                } else if (c.AcceptWords({"on", "gateway"})) {
                  wasm.place = WasmItem::Place::kGateway;
                } else {
                  return false;
                }
                return true;
              },
              {"sha256", "config", "root", "vm", "before", "on"});
  return wasm;
}

void ReadWafRules(Cursor& c, WafItem& waf) {
  WafItem::RuleSet set;
  if (c.AcceptWord("files")) {
    set.files = c.ExpectStrings("a file");
  } else if (c.AcceptWord("file")) {
    set.files.push_back(c.ExpectString("a file"));
  } else if (c.AcceptWord("directory")) {
    set.directory = c.ExpectString("a directory");
  } else {
    set.text = c.ExpectString("rules");
  }
  waf.rules.push_back(std::move(set));
}

void ReadAudit(Cursor& c, WafItem& waf) {
  if (c.AcceptWord("always")) {
    waf.audit = WafItem::Audit::kAlways;
  } else if (c.AcceptWord("relevant")) {
    waf.audit = WafItem::Audit::kRelevant;
  } else {
    c.ExpectWord("never");
    waf.audit = WafItem::Audit::kNever;
  }
  waf.audit_to_metadata = c.AcceptWords({"to", "metadata"});
}

WafItem ReadWaf(Cursor& c) {
  WafItem waf;
  c.ReadBlock("`waf`", {"core", "settings", "rules", "message", "request", "response", "audit"},
              [&](std::string_view) {
                if (c.AcceptWords({"core", "rules", "off"})) {
                  waf.core_rules = false;
                } else if (c.AcceptWords({"settings", "file"})) {
                  waf.settings_file = c.ExpectString("a file");
                } else if (c.AcceptWord("settings")) {
                  waf.settings = c.ExpectString("settings of the core rules");
                } else if (c.AcceptWord("rules")) {
                  ReadWafRules(c, waf);
                } else if (c.AcceptWord("message")) {
                  waf.message = c.ExpectString("a message");
                } else if (c.AcceptWords({"request", "headers", "only"})) {
                  waf.request_headers_only = true;
                } else if (c.AcceptWords({"response", "headers", "only"})) {
                  waf.response_headers_only = true;
                } else if (c.AcceptWord("audit")) {
                  ReadAudit(c, waf);
                } else {
                  return false;
                }
                return true;
              },
              {"core rules", "settings file", "settings", "message", "request headers",
               "response headers", "audit"});
  return waf;
}

std::optional<MaskItem::Preset> ReadPreset(Cursor& c) {
  using Preset = MaskItem::Preset;
  static constexpr std::array<std::pair<std::string_view, Preset>, 9> kPresets = {{
      {"cards", Preset::kAllCards},
      {"ssn", Preset::kSsn},
      {"mastercard", Preset::kMastercard},
      {"visa", Preset::kVisa},
      {"amex", Preset::kAmex},
      {"discover", Preset::kDiscover},
      {"jcb", Preset::kJcb},
      {"diners", Preset::kDinersClub},
      {"card-trackers", Preset::kCardTrackers},
  }};
  for (const auto& [word, preset] : kPresets) {
    if (c.AcceptWord(word)) return preset;
  }
  return std::nullopt;
}

bool ReadMaskAction(Cursor& c, MaskItem& mask) {
  MaskItem::Action action;
  const std::uint32_t first = c.at();
  action.shadow = c.AcceptWord("shadow");
  action.preset = ReadPreset(c);
  if (!action.preset) {
    const bool patterns = c.AcceptWord("pattern");
    if (!patterns && !c.AcceptWord("headers")) return false;
    if (c.Is(TokenKind::kString)) action.name = c.ExpectString("a name");
    c.ExpectList([&] {
      if (!patterns) return action.headers.push_back(ExpectHeader(c, "a header"));
      action.patterns.push_back({ExpectRegex(c, "a regular expression"), {}});
      MaskItem::Regex& pattern = action.patterns.back();
      if (c.AcceptWord("group")) pattern.group = ExpectGroup(c, pattern.regex);
    });
    if (c.AcceptWord("with")) action.with = c.ExpectString("a character");
    if (c.AcceptWord("share")) action.share = c.ExpectPercent("`share`");
  }
  action.span = c.SpanFrom(first);
  mask.actions.push_back(std::move(action));
  return true;
}

MaskItem ReadMask(Cursor& c) {
  MaskItem mask;
  c.ReadBlock("`mask`",
              {"cards", "ssn", "mastercard", "visa", "amex", "discover", "jcb", "diners",
               "card-trackers", "pattern", "headers", "shadow", "in"},
              [&](std::string_view) {
                if (c.AcceptWords({"in", "logs"})) {
                  mask.in = MaskItem::In::kLogs;
                } else if (c.AcceptWords({"in", "responses"})) {
                  mask.in = MaskItem::In::kResponses;
                } else if (c.AcceptWords({"in", "all"})) {
                  mask.in = MaskItem::In::kAll;
                } else {
                  return ReadMaskAction(c, mask);
                }
                return true;
              },
              {"in"});
  return mask;
}

LogItem::Status ReadStatus(Cursor& c) {
  LogItem::Status status;
  if (c.Accept(TokenKind::kGreaterEqual)) {
    status.compare = LogItem::Compare::kAtLeast;
  } else if (c.Accept(TokenKind::kLessEqual)) {
    status.compare = LogItem::Compare::kAtMost;
  } else {
    c.Expect(TokenKind::kEquals, "`=`, `>=` or `<=`");
  }
  status.value = c.ExpectNumber("`status`", kAnyStatus);
  return status;
}

void ReadLogCondition(Cursor& c, LogItem& log) {
  if (c.AcceptWord("status")) {
    log.when.emplace_back(ReadStatus(c));
    return;
  }
  LogItem::Header header;
  header.negated = c.AcceptWord("not");
  if (!c.AcceptWord("header")) return c.FailExpected("`status >= N` or `header \"x\" = \"y\"`");
  header.match.name = ExpectHeader(c, "a header", HeaderPlace::kPseudo);
  header.match.patterns = ReadPatterns(c, false);
  log.when.emplace_back(std::move(header));
}

void ReadLogPart(Cursor& c, LogItem& log) {
  if (c.AcceptWords({"request", "headers"})) {
    log.request_headers = ExpectHeaders(c, "a header", HeaderPlace::kPseudo);
  } else if (c.AcceptWords({"response", "headers"})) {
    log.response_headers = ExpectHeaders(c, "a header", HeaderPlace::kPseudo);
  } else if (c.AcceptWords({"response", "trailers"})) {
    log.response_trailers = ExpectHeaders(c, "a trailer");
  } else if (c.AcceptWords({"filter", "state"})) {
    log.filter_state = c.ExpectStrings("a key");
  } else {
    c.FailExpected("`request headers`, `response headers`, `response trailers` or `filter state`");
  }
}

LogItem ReadLog(Cursor& c) {
  LogItem log;
  if (!c.AcceptWord("all")) {
    c.ExpectWord("when");
    do {
      ReadLogCondition(c, log);
    } while (!c.failed() && c.AcceptWord("or"));
  }
  if (c.AcceptWord("with")) {
    do {
      ReadLogPart(c, log);
    } while (!c.failed() && c.AcceptWord("and"));
  }
  return log;
}

void ReadStatuses(Cursor& c, HealthCheckItem& check) {
  c.ExpectList([&] {
    HealthCheckItem::StatusRange range;
    range.first = c.ExpectNumber("a status", kAnyStatus);
    range.last = c.AcceptWord("to") ? c.ExpectNumber("a status", kAnyStatus) : range.first;
    if (!c.failed() && range.last.value < range.first.value) {
      c.Fail(codes::kBadLiteral, range.last.span, "the range of statuses ends before it begins");
    }
    check.statuses.push_back(range);
  });
}

bool ReadCheckInterval(Cursor& c, HealthCheckItem& check) {
  if (c.AcceptWords({"idle", "healthy", "every"})) {
    check.idle_healthy_every = c.ExpectDuration("idle healthy every");
  } else if (c.AcceptWords({"idle", "every"})) {
    check.idle_every = c.ExpectDuration("idle every");
  } else if (c.AcceptWords({"first", "unhealthy", "every"})) {
    check.first_unhealthy_every = c.ExpectDuration("first unhealthy every");
  } else if (c.AcceptWords({"first", "healthy", "every"})) {
    check.first_healthy_every = c.ExpectDuration("first healthy every");
  } else if (c.AcceptWords({"unhealthy", "every"})) {
    check.unhealthy_every = c.ExpectDuration("unhealthy every");
  } else if (c.AcceptWords({"healthy", "after"})) {
    check.healthy_after = c.ExpectNumber("`healthy after`", kCount);
  } else if (c.AcceptWords({"unhealthy", "after"})) {
    check.unhealthy_after = c.ExpectNumber("`unhealthy after`", kCount);
  } else if (c.AcceptWords({"initial", "jitter"})) {
    check.initial_jitter = c.ExpectDuration("initial jitter", Zero::kAllowed);
  } else if (c.AcceptWord("jitter")) {
    if (ParsePercent(c.Text())) {
      check.jitter_share = c.ExpectPercent("`jitter`");
    } else {
      check.jitter = c.ExpectDuration("jitter", Zero::kAllowed);
    }
  } else {
    return false;
  }
  return true;
}

bool ReadCheckDetail(Cursor& c, HealthCheckItem& check) {
  if (c.AcceptWord("host")) {
    check.host = c.ExpectString("a host");
  } else if (c.AcceptWord("headers")) {
    check.headers = ExpectHeaderBlock(c, "a header");
  } else if (c.AcceptWord("statuses")) {
    ReadStatuses(c, check);
  } else if (c.AcceptWord("http2")) {
    check.http2 = true;
  } else if (c.AcceptWord("send")) {
    check.send = c.ExpectString("hexadecimal bytes");
  } else if (c.AcceptWord("receive")) {
    check.receive = c.ExpectStrings("hexadecimal bytes");
  } else if (c.AcceptWords({"served", "by"})) {
    check.expects = c.ExpectString("the name of a service");
  } else if (c.AcceptWords({"new", "connections"})) {
    check.new_connections = true;
  } else if (c.AcceptWords({"log", "all", "to"})) {
    check.log_all = true;
    check.log = c.ExpectString("a path");
  } else if (c.AcceptWords({"log", "to"})) {
    check.log = c.ExpectString("a path");
  } else if (c.AcceptWords({"from", "gateways"})) {
    check.gateways = c.ExpectQNames("a gateway");
  } else {
    return ReadCheckInterval(c, check);
  }
  return true;
}

HealthCheckItem ReadHealthCheck(Cursor& c) {
  HealthCheckItem check;
  c.ExpectWord("check");
  if (c.AcceptWord("tcp")) {
    check.kind = HealthCheckItem::Kind::kTcp;
  } else if (c.AcceptWord("grpc")) {
    check.kind = HealthCheckItem::Kind::kGrpc;
    if (c.Is(TokenKind::kString)) check.service = c.ExpectString("a service");
  } else {
    check.method = ExpectMethod(c);
    check.path = ExpectPath(c, "a path");
  }
  check.healthy_after = {1, check.path.span};
  check.unhealthy_after = {2, check.path.span};
  check.within = {Millis(1000), {}};
  c.ExpectWord("every");
  check.every = c.ExpectDuration("every");
  if (c.AcceptWord("within")) check.within = c.ExpectDuration("within");
  if (!c.failed() && c.Is(TokenKind::kOpenBrace)) {
    c.ReadBlock("`health check`",
                {"healthy", "unhealthy", "host", "headers", "statuses", "http2", "send", "receive",
                 "served", "initial", "jitter", "idle", "first", "new", "log", "from"},
                [&](std::string_view) { return ReadCheckDetail(c, check); },
                {"host", "headers", "statuses", "http2", "send", "receive", "served by",
                 "new connections", "log", "from gateways", "idle healthy every", "idle every",
                 "first unhealthy every", "first healthy every", "unhealthy every", "healthy after",
                 "unhealthy after", "initial jitter"});
  }
  return check;
}

AdaptConcurrencyItem ReadAdapt(Cursor& c) {
  AdaptConcurrencyItem item;
  const Span span = c.LastSpan();
  c.ExpectWord("concurrency");
  c.ReadBlock(
      "`adapt concurrency`",
      {"update", "measure", "at", "percentile", "requests", "floor", "jitter", "slack", "status"},
      [&](std::string_view) {
        if (c.AcceptWords({"update", "every"})) {
          item.update_every = c.ExpectDuration("update every");
        } else if (c.AcceptWords({"measure", "every"})) {
          item.measure_every = c.ExpectDuration("measure every");
        } else if (c.AcceptWords({"at", "most"})) {
          item.at_most = c.ExpectNumber("`at most`", kCount);
        } else if (c.AcceptWord("percentile")) {
          item.percentile = c.ExpectPercent("`percentile`");
        } else if (c.AcceptWord("requests")) {
          item.requests = c.ExpectNumber("`requests`", kCount);
        } else if (c.AcceptWord("floor")) {
          item.floor = c.ExpectNumber("`floor`", kCount);
        } else if (c.AcceptWord("jitter")) {
          item.jitter = c.ExpectPercent("`jitter`");
        } else if (c.AcceptWord("slack")) {
          item.slack = c.ExpectPercent("`slack`");
        } else if (c.AcceptWord("status")) {
          item.status = c.ExpectNumber("`status`", kStatus);
        } else {
          return false;
        }
        return true;
      },
      {"update every", "measure every", "at most", "percentile", "requests", "floor", "jitter",
       "slack", "status"});
  const bool complete = item.update_every.value.count() > 0 && item.measure_every.value.count() > 0;
  if (!c.failed() && !complete) {
    c.Fail(codes::kMissingItem, span,
           "`adapt concurrency` needs `update every …` and `measure every …`");
  }
  return item;
}

}  // namespace

bool ReadFilterItem(Cursor& c, Item& item) {
  if (c.AcceptWord("csrf")) {
    item.value = ReadCsrf(c);
  } else if (c.AcceptWord("body")) {
    item.value = ReadBodyLimit(c);
  } else if (c.AcceptWord("buffer")) {
    item.value = ReadBuffer(c);
  } else if (c.AcceptWords({"proxy", "protocol"})) {
    item.value = ProxyProtocolItem{c.AcceptWord("off")};
  } else if (c.AcceptWord("transform")) {
    item.value = ReadTransform(c);
  } else if (c.AcceptWord("lua")) {
    item.value = ReadLua(c);
  } else if (c.AcceptWord("wasm")) {
    item.value = ReadWasm(c);
  } else if (c.AcceptWord("waf")) {
    item.value = ReadWaf(c);
  } else if (c.AcceptWord("mask")) {
    item.value = ReadMask(c);
  } else if (c.AcceptWord("log")) {
    item.value = ReadLog(c);
  } else if (c.AcceptWord("health")) {
    item.value = ReadHealthCheck(c);
  } else if (c.AcceptWord("adapt")) {
    item.value = ReadAdapt(c);
  } else {
    return false;
  }
  return true;
}

}  // namespace weft::dsl
