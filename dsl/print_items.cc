#include <fmt/format.h>

#include "dsl/item_text.h"
#include "dsl/overloaded.h"
#include "dsl/print.h"
#include "dsl/print_parts.h"

namespace weft::dsl {
namespace {

std::string DurationOrNone(const Duration& duration) {
  return duration.value.count() == 0 ? "none" : TextOf(duration.value);
}

std::string RateUnit(Millis unit) {
  switch (unit.count()) {
    case 60'000:
      return "min";
    case 3'600'000:
      return "h";
    case 86'400'000:
      return "day";
    default:
      return "s";
  }
}

std::string Origins(const std::vector<Spanned<Pattern>>& origins) {
  std::vector<std::string> texts;
  for (const auto& origin : origins) {
    const auto* exact = std::get_if<Exact>(&origin.value);
    texts.push_back(exact != nullptr ? "exact " + Quoted(exact->value) : TextOf(origin));
  }
  return "origins [" + Joined(texts, ", ") + "]";
}

// ---- routes

std::string Text(const TimeoutItem& i) { return "timeout " + DurationOrNone(i.value); }

std::string Text(const RetriesItem& i) {
  if (i.attempts.value == 0) return "retries none";
  std::string text = "retries " + std::to_string(i.attempts.value);
  if (i.per_try) text += " per try " + TextOf(i.per_try->value);
  if (!i.on.empty()) text += " on " + Names(i.on);
  if (i.across_localities) text += " across localities";
  return text;
}

std::string Text(const FaultDelayItem& i) {
  return "fault delay " + TextOf(i.delay.value) + " for " + TextOf(i.share.value);
}
std::string Text(const FaultAbortItem& i) {
  return fmt::format("fault abort {} for {}", i.status.value, TextOf(i.share.value));
}
std::string Text(const MirrorItem& i) {
  return "mirror " + TextOf(i.share.value) + " to " + TextOf(i.to);
}

std::string Text(const HeadersItem& i) {
  Block block;
  for (const HeaderOp& op : i.ops) {
    std::string line = op.side == HeaderOp::Side::kRequest ? "request " : "response ";
    switch (op.kind) {
      case HeaderOp::Kind::kSet:
        line += "set ";
        break;
      case HeaderOp::Kind::kAdd:
        line += "add ";
        break;
      case HeaderOp::Kind::kRemove:
        line += "remove ";
        break;
    }
    line += Quoted(op.name.value);
    if (op.kind != HeaderOp::Kind::kRemove) line += " = " + Quoted(op.value.value);
    block.Line(std::move(line));
  }
  return block.In("headers");
}

std::string Text(const RewriteItem& i) {
  std::string text = "rewrite";
  if (i.regex) {
    text +=
        " path matches " + Quoted(i.regex->value) + " to " + Quoted(i.path ? i.path->value : "");
  } else if (i.path) {
    text += " path " + Quoted(i.path->value);
  }
  if (i.host) text += " host " + Quoted(i.host->value);
  if (i.host_of_target) text += " host to target";
  return text;
}

std::string Text(const CorsItem& i) {
  Block block;
  block.Line(i.origins.empty() ? "origins []" : Origins(i.origins));
  std::vector<std::string> methods;
  for (const Str& method : i.methods) methods.push_back(MethodText(method.value));
  if (!methods.empty()) block.Line("methods [" + Joined(methods, ", ") + "]");
  block.List("headers", i.headers).List("expose", i.expose).Time("age", i.max_age);
  block.If(i.credentials && i.credentials->value, "credentials");
  return block.In("cors");
}

std::string Text(const CsrfItem& i) {
  if (i.off) return "csrf off";
  Block block;
  if (!i.origins.empty()) block.Line(Origins(i.origins));
  block.Share("for", i.share).If(i.shadow, "shadow");
  return block.In("csrf");
}

std::string Text(const AuthenticateItem& i) {
  std::string head = "authenticate by " +
                     (i.providers.size() == 1 ? i.providers.front().value : Names(i.providers));
  if (i.optional) head += " optional";
  if (i.tolerant) head += " tolerant";
  head += Spaced(PhaseText(i.phase));
  Block block;
  for (const AuthenticateItem::Require& require : i.require) {
    if (require.scope) block.Line("require scope " + Quoted(require.scope->value));
    if (!require.claim) continue;
    // One operator for each `require`; several values of `=` stand behind `has`.
    std::vector<std::string> values;
    for (const auto& pattern : require.patterns) {
      if (const auto* exact = std::get_if<Exact>(&pattern.value)) {
        values.push_back(Quoted(exact->value));
      }
    }
    const std::string claim = "require claim " + Quoted(require.claim->value) + " ";
    if (values.size() == require.patterns.size()) {
      block.Line(claim + "has " + ListOf(values));
    } else {
      block.Line(claim + TextOf(require.patterns.front()));
    }
  }
  block.If(i.reroute == AuthenticateItem::Reroute::kNever, "reroute never");
  block.If(i.reroute == AuthenticateItem::Reroute::kAlways, "reroute always");
  return block.empty() ? head : block.In(head);
}

std::string Text(const AuthorizeItem& i) {
  std::string text = "authorize by " + i.provider.value;
  Block block;
  block.Text("config", i.config).Text("settings", i.settings);
  if (!i.context.empty()) block.Line("context " + LabelBlock(i.context));
  if (!block.empty()) text = block.In(text);
  if (i.when) text += " when " + PrintCondition(*i.when);
  return text;
}

std::string Text(const WithoutAuthorizationItem& /*i*/) { return "without authorization"; }

// ---- limits

std::string Text(const LimitKey& key) {
  switch (key.kind) {
    case LimitKey::Kind::kSourceIdentity:
      return "source.identity";
    case LimitKey::Kind::kSourceIp:
      return "source.ip";
    case LimitKey::Kind::kRemoteIp:
      return "remote.ip";
    case LimitKey::Kind::kPath:
      return "path";
    case LimitKey::Kind::kMethod:
      return "method";
    case LimitKey::Kind::kHeader:
      return "header " + Quoted(key.name.value);
    case LimitKey::Kind::kClaim:
      return "jwt " + key.provider.value + " claim " + Quoted(key.name.value);
  }
  return "";
}

std::string OnError(const std::optional<bool>& allow) {
  if (!allow) return "";
  return *allow ? "on error allow" : "on error deny";
}

std::string Text(const LimitItem& i) {
  std::string text = fmt::format("limit {}/{}", i.requests.value, RateUnit(i.unit));
  std::vector<std::string> keys;
  for (const LimitKey& key : i.per) keys.push_back(Text(key));
  if (keys.size() == 1) text += " per " + keys.front();
  if (keys.size() > 1) text += " per (" + Joined(keys, ", ") + ")";
  if (i.burst) text += " burst " + std::to_string(i.burst->value);
  text += Spaced(OnError(i.allow_on_error));
  if (i.limiter) text += " by " + i.limiter->value;
  text += Spaced(PhaseText(i.phase));
  if (i.when) text += " when " + PrintCondition(*i.when);
  return text;
}

std::string Text(const CountedLimitItem& i) {
  Block block;
  for (const QName& counter : i.counters) block.Line("count by " + TextOf(counter));
  for (const SendClause& send : i.sends) block.Line(TextOf(send));
  if (i.limiter) block.Line("through " + i.limiter->value);
  block.Line(PhaseText(i.phase)).Line(OnError(i.allow_on_error));
  if (i.when) block.Line("when " + PrintCondition(*i.when));
  return block.In("limit by " + TextOf(i.limits));
}

// ---- destinations and connections

std::string Text(const ConnectionsItem& i) {
  Block block;
  block.Number("at most", i.max_connections)
      .Number("pending at most", i.max_pending)
      .Number("requests at most", i.max_requests)
      .Number("per connection", i.requests_per_connection)
      .Number("retries at most", i.max_retries)
      .Time("connect within", i.connect_timeout)
      .Time("idle", i.idle_timeout);
  if (i.keepalive || i.keepalive_interval || i.keepalive_probes) {
    std::string line = "keepalive";
    if (i.keepalive) line += " " + TextOf(i.keepalive->value);
    if (i.keepalive_interval) line += " every " + TextOf(i.keepalive_interval->value);
    if (i.keepalive_probes) line += fmt::format(" probes {}", i.keepalive_probes->value);
    block.Line(std::move(line));
  }
  return block.In("connections");
}

std::string Text(const EjectItem& i) {
  std::string text =
      fmt::format("eject after {}{} errors", i.errors.value, i.gateway_errors ? " gateway" : "");
  if (i.or_gateway_errors) text += fmt::format(" or {} gateway errors", i.or_gateway_errors->value);
  if (i.interval) text += " in " + TextOf(i.interval->value);
  if (i.base_time) text += " for " + TextOf(i.base_time->value);
  if (i.max_share) text += " at most " + TextOf(i.max_share->value);
  return text;
}

std::string BalanceKind(const BalanceItem& i) {
  const std::string key = i.key ? Quoted(i.key->value) : "\"\"";
  switch (i.kind) {
    case BalanceItem::Kind::kRoundRobin:
      return " round robin";
    case BalanceItem::Kind::kLeastRequest:
      return " least request";
    case BalanceItem::Kind::kRandom:
      return " random";
    case BalanceItem::Kind::kPassthrough:
      return " passthrough";
    case BalanceItem::Kind::kHashHeader:
      return " by hash of header " + key;
    case BalanceItem::Kind::kHashCookie:
      return " by hash of cookie " + key;
    case BalanceItem::Kind::kHashSourceIp:
      return " by hash of source ip";
    case BalanceItem::Kind::kHashQuery:
      return " by hash of query " + key;
    case BalanceItem::Kind::kDefault:
      return "";
  }
  return "";
}

std::string Text(const BalanceItem& i) {
  std::string text = "balance" + BalanceKind(i);
  if (i.cookie_path) text += " path " + Quoted(i.cookie_path->value);
  if (i.ttl) text += " ttl " + TextOf(i.ttl->value);
  if (i.warm_up) text += " warm up " + TextOf(i.warm_up->value);
  if (i.panic_below) text += " panic below " + TextOf(i.panic_below->value);
  if (i.merge_updates) text += " merge updates within " + TextOf(i.merge_updates->value);
  return text;
}

std::string Text(const ClientTlsItem& i) {
  std::string mode = "tls simple";
  if (i.mode == ClientTlsItem::Mode::kOff) mode = "tls off";
  if (i.mode == ClientTlsItem::Mode::kMutual) mode = "tls mutual";
  if (i.mode == ClientTlsItem::Mode::kIstioMutual) mode = "tls istio";
  Block block;
  block.Text("sni", i.sni)
      .Text("ca secret", i.ca_secret)
      .Text("certificate secret", i.certificate_secret)
      .List("sans", i.sans)
      .If(i.skip_verify, "without verification");
  return block.empty() ? mode : block.In(mode);
}

std::string Region(const Str& region, const FailoverItem::Place& place) {
  std::string text = "region " + Quoted(region.value);
  if (place.zone) text += " zone " + Quoted(place.zone->value);
  if (place.subzone) text += " subzone " + Quoted(place.subzone->value);
  return text;
}

std::string Text(const FailoverItem& i) {
  if (!i.labels.empty()) return "failover by labels " + Strings(i.labels);
  std::vector<std::string> parts;
  for (const auto& step : i.order) {
    switch (step.value) {
      case FailoverItem::Step::kSameZone:
        parts.emplace_back("same zone");
        break;
      case FailoverItem::Step::kSameRegion:
        parts.emplace_back("same region");
        break;
      case FailoverItem::Step::kSameCluster:
        parts.emplace_back("same cluster");
        break;
      case FailoverItem::Step::kSameNetwork:
        parts.emplace_back("same network");
        break;
      case FailoverItem::Step::kAny:
        parts.emplace_back("any");
        break;
    }
  }
  for (const FailoverItem::Mapping& mapping : i.mappings) {
    std::string part = "from " + Region(mapping.from, mapping.from_place) + " to " +
                       Region(mapping.to, mapping.to_place);
    if (mapping.weight) part += " weight " + TextOf(mapping.weight->value);
    parts.push_back(std::move(part));
  }
  return "failover " + Joined(parts, ", ");
}

std::string Text(const MtlsItem& i) {
  std::string text = "mtls " + TextOf(i.mode);
  if (i.port) text += " port " + std::to_string(i.port->value);
  return text;
}

std::string Text(const TrimItem& i) {
  if (!i.listed) return "trim proxies";
  std::vector<std::string> parts;
  for (const SharedResource& resource : i.selected) parts.push_back(TextOf(resource));
  if (!parts.empty()) return "trim proxies to " + Joined(parts, ", ");
  return i.to.empty() ? "trim proxies to nothing" : "trim proxies to " + QNames(i.to);
}

std::string Text(const TemplateUse& i) { return TextOf(i.name); }

}  // namespace

std::string TextOf(const SendClause& send) {
  std::vector<std::string> entries;
  for (const SendEntry& e : send.entries) {
    const std::string key = e.key ? Quoted(e.key->value) : "";
    switch (e.kind) {
      case SendEntry::Kind::kConstant:
        entries.push_back(key + " = " + Quoted(e.value.value));
        break;
      case SendEntry::Kind::kSourceCluster:
        entries.emplace_back("source cluster");
        break;
      case SendEntry::Kind::kDestinationCluster:
        entries.emplace_back("destination cluster");
        break;
      case SendEntry::Kind::kRemoteAddress:
        entries.emplace_back("remote address");
        break;
      case SendEntry::Kind::kHeader:
        entries.push_back("header " + Quoted(e.value.value) + (e.key ? " as " + key : "") +
                          (e.optional ? " optional" : ""));
        break;
      case SendEntry::Kind::kMatch:
        entries.push_back("match " + Quoted(e.value.value) + (e.key ? " as " + key : "") +
                          (e.unless ? " unless " : " when ") +
                          (e.when ? PrintCondition(*e.when) : ""));
        break;
      case SendEntry::Kind::kMetadata:
        entries.push_back("metadata " + key + " path " + Strings(e.path) +
                          (e.fallback ? " default " + Quoted(e.fallback->value) : "") +
                          (e.of_route ? " of route" : ""));
        break;
    }
  }
  return std::string(send.set ? "send set " : "send ") + Joined(entries, ", ");
}

std::string TextOf(const LimitRate& rate) {
  return fmt::format("{}/{}", rate.requests, RateUnit(rate.unit));
}

std::string TextOfSize(std::int64_t bytes) {
  constexpr std::int64_t kKi = 1024;
  if (bytes != 0 && bytes % (kKi * kKi) == 0) return std::to_string(bytes / (kKi * kKi)) + "MiB";
  if (bytes != 0 && bytes % kKi == 0) return std::to_string(bytes / kKi) + "KiB";
  return std::to_string(bytes) + "B";
}

std::string PrintItem(const Item& item) {
  std::string text;
  if (item.override_) text += "override ";
  if (item.priority) text += "priority " + std::to_string(item.priority->value) + " ";
  return text + std::visit([](const auto& value) { return Text(value); }, item.value);
}

}  // namespace weft::dsl
