#include "dsl/item_text.h"
#include "dsl/overloaded.h"
#include "dsl/print.h"

namespace weft::dsl {

std::string PhaseText(const std::optional<PhaseClause>& phase) {
  if (!phase) return "";
  std::string text = phase->phase == Phase::kBeforeAuthorization ? "phase before authorization"
                                                                 : "phase after authorization";
  if (phase->order) text += " order " + std::to_string(phase->order->value);
  return text;
}

std::string Text(const BodyLimitItem& i) { return "body at most " + TextOfSize(i.bytes.value); }
std::string Text(const BufferItem& i) {
  return "buffer " + TextOfSize(i.bytes.value) + " per connection";
}
std::string Text(const ProxyProtocolItem& i) {
  return i.off ? "proxy protocol off" : "proxy protocol";
}
std::string Text(const LuaItem& i) {
  return "lua " + Quoted(i.code.value) + Spaced(PhaseText(i.phase));
}

namespace {

void AddExtractors(const TransformItem& i, Block& block) {
  for (const TransformItem::Extractor& e : i.extractors) {
    std::string line = "extract " + e.name.value + " from ";
    line += e.header ? "header " + Quoted(e.header->value) : "body";
    line += " matches " + Quoted(e.regex.value);
    if (e.group) line += fmt::format(" group {}", e.group->value);
    if (e.replacement) {
      line += (e.replace_all ? " replace all " : " replace ") + Quoted(e.replacement->value);
    }
    block.Line(std::move(line));
  }
}

}  // namespace

std::string Text(const TransformItem& i) {
  Block block;
  block.Line(PhaseText(i.phase));
  AddExtractors(i, block);
  for (const TransformItem::Header& header : i.headers) {
    const std::string name = Quoted(header.name.value);
    switch (header.kind) {
      case TransformItem::Header::Kind::kSet:
        block.Line("set " + name + " = " + Quoted(header.value.value));
        break;
      case TransformItem::Header::Kind::kAdd:
        block.Line("add " + name + " = " + Quoted(header.value.value));
        break;
      case TransformItem::Header::Kind::kRemove:
        block.Line("remove " + name);
        break;
    }
  }
  for (const TransformItem::Metadata& m : i.metadata) {
    std::string line = "metadata " + Quoted(m.key.value) + " = " + Quoted(m.value.value);
    if (m.in_namespace) line += " in " + Quoted(m.in_namespace->value);
    block.Line(line + (m.json ? " as json" : ""));
  }
  if (i.body) {
    switch (i.body->value) {
      case TransformItem::Body::kTemplate:
        block.Line("body " + Quoted(i.body_template.value));
        break;
      case TransformItem::Body::kKeep:
        block.Line("body keep");
        break;
      case TransformItem::Body::kMergeExtracted:
        block.Line("body merge extracted");
        break;
    }
  }
  block.If(i.parse == TransformItem::Parse::kIgnoreErrors, "parse body ignoring errors");
  block.If(i.parse == TransformItem::Parse::kNone, "parse body none");
  block.If(i.advanced, "advanced templates").If(i.escape, "escape characters");
  block.If(i.reroute, "reroute");
  return block.In(i.side == TransformItem::Side::kRequest ? "transform request"
                                                          : "transform response");
}

std::string Text(const WasmItem& i) {
  Block block;
  block.Text("sha256", i.sha256)
      .Text("config", i.config)
      .Text("root", i.root)
      .Text("vm", i.vm)
      .If(i.place == WasmItem::Place::kInbound, "on inbound")
      .If(i.place == WasmItem::Place::kOutbound, "on outbound")
      .If(i.place == WasmItem::Place::kGateway, "on gateway")
      .Text("before", i.before);
  const std::string head = "wasm " + Quoted(i.source.value);
  return block.empty() ? head : block.In(head);
}

std::string Text(const WafItem& i) {
  Block block;
  block.If(!i.core_rules, "core rules off")
      .Text("settings", i.settings)
      .Text("settings file", i.settings_file);
  for (const WafItem::RuleSet& set : i.rules) {
    block.Text("rules", set.text)
        .List("rules files", set.files)
        .Text("rules directory", set.directory);
  }
  block.Text("message", i.message)
      .If(i.request_headers_only, "request headers only")
      .If(i.response_headers_only, "response headers only");
  if (i.audit != WafItem::Audit::kNever) {
    block.Line(std::string(i.audit == WafItem::Audit::kAlways ? "audit always" : "audit relevant") +
               (i.audit_to_metadata ? " to metadata" : ""));
  }
  return block.In("waf");
}

namespace {

std::string_view PresetWord(MaskItem::Preset preset) {
  switch (preset) {
    case MaskItem::Preset::kAllCards:
      return "cards";
    case MaskItem::Preset::kSsn:
      return "ssn";
    case MaskItem::Preset::kMastercard:
      return "mastercard";
    case MaskItem::Preset::kVisa:
      return "visa";
    case MaskItem::Preset::kAmex:
      return "amex";
    case MaskItem::Preset::kDiscover:
      return "discover";
    case MaskItem::Preset::kJcb:
      return "jcb";
    case MaskItem::Preset::kDinersClub:
      return "diners";
    case MaskItem::Preset::kCardTrackers:
      return "trackers";
  }
  return "";
}

std::string Text(const MaskItem::Action& action) {
  std::string text = action.shadow ? "shadow " : "";
  if (action.preset) return text + std::string(PresetWord(*action.preset));
  std::vector<std::string> values;
  for (const MaskItem::Regex& regex : action.patterns) {
    values.push_back(Quoted(regex.regex.value) +
                     (regex.group ? fmt::format(" group {}", regex.group->value) : ""));
  }
  for (const Str& header : action.headers) values.push_back(Quoted(header.value));
  text += action.patterns.empty() ? "headers " : "pattern ";
  if (action.name) text += Quoted(action.name->value) + " ";
  text += "[" + Joined(values, ", ") + "]";
  if (action.with) text += " with " + Quoted(action.with->value);
  if (action.share) text += " share " + TextOf(action.share->value);
  return text;
}

}  // namespace

std::string Text(const MaskItem& i) {
  Block block;
  for (const MaskItem::Action& action : i.actions) block.Line(Text(action));
  if (i.in) {
    block.If(*i.in == MaskItem::In::kLogs, "in logs");
    block.If(*i.in == MaskItem::In::kResponses, "in responses");
    block.If(*i.in == MaskItem::In::kAll, "in all");
  }
  return block.In("mask");
}

std::string Text(const LogItem& i) {
  std::vector<std::string> when;
  for (const auto& condition : i.when) {
    when.push_back(std::visit(Overloaded{
                                  [](const LogItem::Status& s) {
                                    std::string_view word = "=";
                                    if (s.compare == LogItem::Compare::kAtLeast) word = ">=";
                                    if (s.compare == LogItem::Compare::kAtMost) word = "<=";
                                    return fmt::format("status {} {}", word, s.value.value);
                                  },
                                  [](const LogItem::Header& h) {
                                    Condition match;
                                    match.matcher = h.match;
                                    return (h.negated ? "not " : "") + PrintCondition(match);
                                  },
                              },
                              condition));
  }
  std::string text = when.empty() ? "log all" : "log when " + Joined(when, " or ");
  std::vector<std::string> with;
  const auto add = [&](std::string_view words, const std::vector<Str>& list) {
    if (!list.empty()) with.push_back(std::string(words) + " " + Strings(list));
  };
  add("request headers", i.request_headers);
  add("response headers", i.response_headers);
  add("response trailers", i.response_trailers);
  add("filter state", i.filter_state);
  if (!with.empty()) text += " with " + Joined(with, " and ");
  return text;
}

namespace {

std::string CheckHead(const HealthCheckItem& i) {
  std::string head = "health check ";
  switch (i.kind) {
    case HealthCheckItem::Kind::kHttp:
      head += MethodText(i.method.value) + " " + Quoted(i.path.value);
      break;
    case HealthCheckItem::Kind::kTcp:
      head += "tcp";
      break;
    case HealthCheckItem::Kind::kGrpc:
      head += "grpc" + (i.service ? " " + Quoted(i.service->value) : "");
      break;
  }
  return head + " every " + TextOf(i.every.value) + " within " + TextOf(i.within.value);
}

}  // namespace

std::string Text(const HealthCheckItem& i) {
  Block block;
  block.Line(fmt::format("healthy after {}", i.healthy_after.value))
      .Line(fmt::format("unhealthy after {}", i.unhealthy_after.value))
      .Text("host", i.host);
  if (!i.headers.empty()) block.Line("headers " + LabelBlock(i.headers));
  std::vector<std::string> statuses;
  for (const HealthCheckItem::StatusRange& range : i.statuses) {
    std::string text = std::to_string(range.first.value);
    if (range.last.value != range.first.value) text += " to " + std::to_string(range.last.value);
    statuses.push_back(std::move(text));
  }
  if (!statuses.empty()) block.Line("statuses [" + Joined(statuses, ", ") + "]");
  block.If(i.http2, "http2")
      .Text("send", i.send)
      .List("receive", i.receive)
      .Text("served by", i.expects)
      .Time("initial jitter", i.initial_jitter)
      .Time("jitter", i.jitter)
      .Share("jitter", i.jitter_share)
      .Time("idle every", i.idle_every)
      .Time("idle healthy every", i.idle_healthy_every)
      .Time("unhealthy every", i.unhealthy_every)
      .Time("first unhealthy every", i.first_unhealthy_every)
      .Time("first healthy every", i.first_healthy_every)
      .If(i.new_connections, "new connections")
      .Text(i.log_all ? "log all to" : "log to", i.log);
  if (!i.gateways.empty()) block.Line("from gateways " + QNames(i.gateways));
  return block.In(CheckHead(i));
}

std::string Text(const AdaptConcurrencyItem& i) {
  Block block;
  block.Line("update every " + TextOf(i.update_every.value))
      .Line("measure every " + TextOf(i.measure_every.value))
      .Number("at most", i.at_most)
      .Share("percentile", i.percentile)
      .Number("requests", i.requests)
      .Number("floor", i.floor)
      .Share("jitter", i.jitter)
      .Share("slack", i.slack)
      .Number("status", i.status);
  return block.In("adapt concurrency");
}

}  // namespace weft::dsl
