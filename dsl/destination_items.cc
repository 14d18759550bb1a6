// Items that shape what clients do towards a destination: `connections`, `eject`, `balance`,
// `tls`, `failover`.
#include <utility>

#include "dsl/codes.h"
#include "dsl/readers.h"
#include "dsl/values.h"

namespace weft::dsl {
namespace {

// `75s every 10s probes 3`
void ReadKeepalive(Cursor& c, ConnectionsItem& item) {
  item.keepalive = c.ExpectDuration("keepalive");
  if (c.AcceptWord("every")) item.keepalive_interval = c.ExpectDuration("every");
  if (c.AcceptWord("probes")) item.keepalive_probes = c.ExpectNumber("`probes`", kCount);
}

ConnectionsItem ReadConnections(Cursor& c) {
  ConnectionsItem item;
  c.ReadBlock("`connections`",
              {"at", "pending", "requests", "per", "retries", "connect", "idle", "keepalive"},
              [&](std::string_view /*word*/) {
                if (c.AcceptWords({"at", "most"})) {
                  item.max_connections = c.ExpectNumber("`at most`", kCount);
                } else if (c.AcceptWords({"pending", "at", "most"})) {
                  item.max_pending = c.ExpectNumber("`pending at most`", kCount);
                } else if (c.AcceptWords({"requests", "at", "most"})) {
                  item.max_requests = c.ExpectNumber("`requests at most`", kCount);
                } else if (c.AcceptWords({"per", "connection"})) {
                  item.requests_per_connection = c.ExpectNumber("`per connection`", kCount);
                } else if (c.AcceptWords({"retries", "at", "most"})) {
                  item.max_retries = c.ExpectNumber("`retries at most`", kCount);
                } else if (c.AcceptWords({"connect", "within"})) {
                  item.connect_timeout = c.ExpectDuration("connect within");
                } else if (c.AcceptWord("idle")) {
                  item.idle_timeout = c.ExpectDuration("idle");
                } else if (c.AcceptWord("keepalive")) {
                  ReadKeepalive(c, item);
                } else {
                  return false;
                }
                return true;
              },
              {"at most", "pending at most", "requests at most", "per connection",
               "retries at most", "connect within", "idle", "keepalive"});
  return item;
}

EjectItem ReadEject(Cursor& c) {
  EjectItem eject;
  c.ExpectWord("after");
  eject.errors = c.ExpectNumber("`eject after`", kCountOrNone);
  if (c.AcceptWord("gateway")) eject.gateway_errors = true;
  if (!c.AcceptWord("error")) c.ExpectWord("errors");
  if (c.AcceptWord("or")) {
    eject.or_gateway_errors = c.ExpectNumber("`gateway errors`", kCountOrNone);
    c.ExpectWord("gateway");
    if (!c.AcceptWord("error")) c.ExpectWord("errors");
  }
  if (c.AcceptWord("in")) eject.interval = c.ExpectDuration("in");
  if (c.AcceptWord("for")) eject.base_time = c.ExpectDuration("for");
  if (c.AcceptWords({"at", "most"})) eject.max_share = c.ExpectPercent("`at most`", Share::kWhole);
  const bool never =
      eject.errors.value == 0 && eject.or_gateway_errors.value_or(Number{}).value == 0;
  if (!c.failed() && never) {
    c.Fail(codes::kBadLiteral, eject.errors.span, "after `0` errors nothing is ever ejected").help =
        "write a number from 1, or remove the item";
  }
  return eject;
}

void ReadHash(Cursor& c, BalanceItem& balance) {
  c.ExpectWord("hash");
  c.ExpectWord("of");
  if (c.AcceptWord("header")) {
    balance.kind = BalanceItem::Kind::kHashHeader;
    balance.key = ExpectHeader(c, "a header", HeaderPlace::kPseudo);
  } else if (c.AcceptWord("cookie")) {
    balance.kind = BalanceItem::Kind::kHashCookie;
    balance.key = c.ExpectString("a cookie");
    if (c.AcceptWord("path")) balance.cookie_path = ExpectPath(c, "a path");
    if (c.AcceptWord("ttl")) balance.ttl = c.ExpectDuration("ttl", Zero::kAllowed);
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
  } else if (c.IsWord("panic") || c.IsWord("merge")) {
    balance.kind = BalanceItem::Kind::kDefault;
  } else {
    c.FailExpected("`round robin`, `least request`, `random`, `passthrough` or `by hash of …`");
  }
  if (c.AcceptWords({"warm", "up"})) balance.warm_up = c.ExpectDuration("warm up");
  if (c.AcceptWords({"panic", "below"}))
    balance.panic_below = c.ExpectPercent("`panic below`", Share::kWholeOrNone);
  if (c.AcceptWords({"merge", "updates", "within"})) {
    balance.merge_updates = c.ExpectDuration("merge updates within");
  }
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

// `region "a" [zone "z" [subzone "s"]]`
Str ReadRegion(Cursor& c, FailoverItem::Place& place) {
  c.ExpectWord("region");
  Str region = c.ExpectString("a region");
  if (c.AcceptWord("zone")) place.zone = c.ExpectString("a zone");
  if (c.AcceptWord("subzone")) place.subzone = c.ExpectString("a subzone");
  return region;
}

FailoverItem ReadFailover(Cursor& c) {
  FailoverItem failover;
  if (c.AcceptWords({"by", "labels"})) {
    failover.labels = c.ExpectStrings("a label");
    return failover;
  }
  if (!c.IsWord("from")) {
    do {
      if (auto step = ReadStep(c)) failover.order.push_back(*step);
    } while (c.Accept(TokenKind::kComma));
    return failover;
  }
  do {
    FailoverItem::Mapping mapping;
    c.ExpectWord("from");
    mapping.from = ReadRegion(c, mapping.from_place);
    c.ExpectWord("to");
    mapping.to = ReadRegion(c, mapping.to_place);
    if (c.AcceptWord("weight")) mapping.weight = c.ExpectPercent("`weight`", Share::kWholeOrNone);
    failover.mappings.push_back(std::move(mapping));
  } while (c.Accept(TokenKind::kComma));
  return failover;
}

}  // namespace

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
    c.ReadBlock("`tls`", {"sni", "ca", "certificate", "sans", "without"},
                [&](std::string_view w) {
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
                },
                {"sni", "ca secret", "certificate secret", "sans", "without verification"});
  } else if (c.AcceptWord("sni")) {
    tls.sni = c.ExpectString("an SNI");
  }
  return tls;
}

bool ReadDestinationItem(Cursor& c, Item& item) {
  if (c.AcceptWord("connections")) {
    item.value = ReadConnections(c);
  } else if (c.AcceptWord("eject")) {
    item.value = ReadEject(c);
  } else if (c.AcceptWord("balance")) {
    item.value = ReadBalance(c);
  } else if (c.AcceptWord("tls")) {
    item.value = ReadClientTls(c);
  } else if (c.AcceptWord("failover")) {
    item.value = ReadFailover(c);
  } else {
    return false;
  }
  return true;
}

}  // namespace weft::dsl
