// VirtualService.
#include <algorithm>
#include <cstdlib>

#include "cli/import_istio/draft.h"

namespace weft::cli::istio {
namespace {

using yaml::Node;

const std::vector<Node>& Each(const Node& node, std::string_view field) {
  static const std::vector<Node> kNone;
  const Node* list = node.Find(field);
  return list == nullptr ? kNone : list->items;
}

std::optional<Pattern> StringMatch(const Node& node) {
  if (node.entries.empty()) return Present{};
  if (node.entries.size() != 1) return std::nullopt;
  const std::string& text = node.entries.front().value.text;
  if (node.Find("exact") != nullptr) return Exact{text};
  if (node.Find("prefix") != nullptr) return Prefix{text};
  if (node.Find("regex") != nullptr) return Regex{text};
  return std::nullopt;
}

bool IsTrueAt(const Node& node, std::string_view field) {
  const Node* flag = node.Find(field);
  return flag != nullptr && flag->AsBool() == true;
}

dsl::Percent ShareAt(const Node& node) {
  const Node* value = node.At("percentage.value");
  return {value == nullptr ? 100.0 : std::strtod(value->text.c_str(), nullptr), {}};
}

class RouteReader {
 public:
  RouteReader(Draft& draft, const Object& object) : draft_(draft), object_(object) {}

  Reason Read() {
    const Node& spec = object_.istio.spec;
    if (const std::string more = Beyond(&spec, {"hosts", "gateways", "http", "exportTo"});
        !more.empty()) {
      return "`" + more + "` has no word here";
    }
    decl_.header = HeaderFor(object_.istio.name, object_.istio.ns);
    if (Reason reason = Places(); !reason.empty()) return reason;
    for (const Node& host : Each(spec, "hosts")) {
      const std::string name = HostName(host.text);
      for (const std::string& place : places_) {
        if (!draft_.routed.insert({name, place}).second) {
          return "another VirtualService answers for `" + name + "`";
        }
      }
      decl_.hosts.push_back(Text(name));
    }
    for (const Node& http : Each(spec, "http")) {
      if (Reason reason = Rule(http); !reason.empty()) return reason;
    }
    if (decl_.rules.empty()) return "it has no HTTP route";
    if (decl_.on_sidecars && workloads_ && !workloads_->labels.empty())
      decl_.workloads = workloads_;
    draft_.WorkspaceOf(object_.istio.ns);
    draft_.program.routes.push_back(std::move(decl_));
    return Share();
  }

 private:
  std::string HostName(const std::string& host) const {
    const std::optional<Key> service = draft_.HostAsService(host, object_.istio.ns);
    return service ? service->second + "." + service->first + ".svc.cluster.local" : host;
  }

  Reason Places() {
    const std::vector<Node>& gateways = Each(object_.istio.spec, "gateways");
    if (gateways.empty()) {
      decl_.on_sidecars = true;
      places_.emplace_back("mesh");
    }
    for (const Node& gateway : gateways) {
      if (gateway.text == "mesh") {
        decl_.on_sidecars = true;
        places_.emplace_back("mesh");
        continue;
      }
      const std::size_t slash = gateway.text.find('/');
      const Key key = slash == std::string::npos
                          ? Key{object_.istio.ns, gateway.text}
                          : Key{gateway.text.substr(0, slash), gateway.text.substr(slash + 1)};
      const auto known = draft_.gateways.find(key);
      if (known == draft_.gateways.end())
        return "gateway `" + gateway.text + "` is not said in weft";
      dsl::QName name;
      if (key.first != object_.istio.ns) name.parts.push_back({WordOf(key.first), {}});
      name.parts.push_back({WordOf(key.second), {}});
      decl_.gateways.push_back(std::move(name));
      places_.push_back(key.first + "/" + key.second);
    }
    return "";
  }

  // `exportTo` as an export of the table: to everybody, to some, or to nobody.
  Reason Share() {
    const dsl::RouteDecl& decl = draft_.program.routes.back();
    if (!decl.on_sidecars) return "";
    const std::vector<Node>& to = Each(object_.istio.spec, "exportTo");
    dsl::ShareClause share;
    share.all_workspaces = to.empty();
    for (const Node& ns : to) {
      if (ns.text == "*") share.all_workspaces = true;
      if (ns.text == "*" || ns.text == "." || ns.text == object_.istio.ns) continue;
      draft_.WorkspaceOf(ns.text);
      share.workspaces.push_back({WordOf(ns.text), {}});
    }
    if (!share.all_workspaces && share.workspaces.empty()) return "";
    if (share.all_workspaces) share.workspaces.clear();
    dsl::SharedResource table{.kind = dsl::ResourceKind::kTable, .selection = {}, .span = {}};
    dsl::QName name;
    name.parts.push_back(decl.header.name);
    table.selection.names.push_back(std::move(name));
    share.resources.push_back(std::move(table));
    draft_.WorkspaceOf(object_.istio.ns).exports.push_back(std::move(share));
    return "";
  }

  // ---- matches

  template <typename Make>
  Reason Patterns(const Node& match, const char* field, bool negated, Make make,
                  std::vector<dsl::Condition>& parts) {
    const Node* map = match.Find(field);
    if (map == nullptr) return "";
    for (const Node::Entry& entry : map->entries) {
      const std::optional<Pattern> pattern = StringMatch(entry.value);
      if (!pattern || entry.key.starts_with(':') || entry.key.starts_with('@')) {
        return "match of `" + entry.key + "` has no word";
      }
      dsl::Condition one = Holds(make(Text(entry.key), Spanned<Pattern>{*pattern, {}}));
      parts.push_back(negated ? NotThat(std::move(one)) : std::move(one));
    }
    return "";
  }

  Reason Match(const Node& match, std::vector<dsl::Condition>& any) {
    static const std::vector<std::string> kKnown = {"name",        "uri",     "method",
                                                    "authority",   "headers", "withoutHeaders",
                                                    "queryParams", "port",    "sourceLabels"};
    if (const std::string more = Beyond(&match, kKnown); !more.empty()) {
      return "match by `" + more + "` has no word";
    }
    std::vector<dsl::Condition> parts;
    if (const Node* uri = match.Find("uri")) {
      const auto pattern = StringMatch(*uri);
      if (!pattern) return "this match of `uri` has no word";
      parts.push_back(Holds(dsl::PathIs{{{*pattern, {}}}}));
    }
    if (const Node* method = match.Find("method")) {
      const std::string exact = method->StringOr("exact", "");
      if (exact.empty()) return "this match of `method` has no word";
      parts.push_back(Holds(dsl::MethodIn{{Text(exact)}}));
    }
    if (const Node* authority = match.Find("authority")) {
      const auto pattern = StringMatch(*authority);
      if (!pattern) return "this match of `authority` has no word";
      parts.push_back(Holds(dsl::HostIs{{{*pattern, {}}}}));
    }
    if (const Node* port = match.Find("port")) {
      parts.push_back(
          Holds(dsl::PortIn{{{static_cast<std::uint16_t>(port->AsInt().value_or(0)), {}}}}));
    }
    const auto header = [](dsl::Str name, Spanned<Pattern> p) {
      return dsl::HeaderIs{std::move(name), {std::move(p)}};
    };
    const auto query = [](dsl::Str name, Spanned<Pattern> p) {
      return dsl::QueryIs{std::move(name), {std::move(p)}};
    };
    Reason reason = Patterns(match, "headers", false, header, parts);
    if (reason.empty()) reason = Patterns(match, "withoutHeaders", true, header, parts);
    if (reason.empty()) reason = Patterns(match, "queryParams", false, query, parts);
    if (reason.empty()) reason = Labels(match);
    if (!reason.empty()) return reason;
    if (parts.empty()) {
      open_ = true;
    } else {
      any.push_back(AllOf(std::move(parts)));
    }
    return "";
  }

  // A table is for workloads with some labels, or for all: every match has to say the same.
  Reason Labels(const Node& match) {
    dsl::Selection selection;
    if (const Node* labels = match.Find("sourceLabels")) {
      for (const Node::Entry& entry : labels->entries) {
        selection.labels.push_back({Text(entry.key), Text(entry.value.text)});
      }
    }
    if (!workloads_) workloads_ = selection;
    return *workloads_ == selection ? "" : "matches for workloads of different labels have no word";
  }

  // ---- actions

  std::optional<dsl::Target> Target(const Node& destination) {
    const std::string host = destination.StringOr("host", "");
    dsl::Target target{.name = {}, .port = {}, .weight = {}, .span = {}};
    if (const auto service = draft_.HostAsService(host, object_.istio.ns)) {
      target.name = Qualified(*service);
    } else if (const auto external = draft_.externals.find(host);
               external != draft_.externals.end()) {
      const dsl::Header& header = draft_.program.externals[external->second].header;
      if (header.owner != WordOf(object_.istio.ns)) target.name.parts.push_back({header.owner, {}});
      target.name.parts.push_back(header.name);
    } else {
      return std::nullopt;
    }
    const std::string subset = destination.StringOr("subset", "");
    if (!subset.empty()) target.name.parts.push_back({subset, {}});
    if (const Node* port = destination.At("port.number")) {
      target.port = dsl::Port{static_cast<std::uint16_t>(port->AsInt().value_or(0)), {}};
    }
    return target;
  }

  Reason Forwards(const Node& http, dsl::RouteRule& rule) {
    dsl::ForwardAction action;
    const std::vector<Node>& routes = Each(http, "route");
    for (const Node& route : routes) {
      if (!Beyond(&route, {"destination", "weight"}).empty()) {
        return "headers of one destination have no word";
      }
      const Node* destination = route.Find("destination");
      std::optional<dsl::Target> target =
          destination == nullptr ? std::nullopt : Target(*destination);
      if (!target) return "a destination is no service here";
      const Node* weight = route.Find("weight");
      if (routes.size() > 1) {
        const auto share = weight == nullptr ? std::nullopt : weight->AsInt();
        target->weight = dsl::Percent{static_cast<double>(share.value_or(0)), {}};
      }
      action.to.push_back(std::move(*target));
    }
    double total = 0;
    for (const dsl::Target& target : action.to) total += target.weight ? target.weight->value : 0;
    for (dsl::Target& target : action.to) {
      if (target.weight && total > 0) target.weight->value *= 100 / total;
    }
    rule.action = std::move(action);
    return "";
  }

  Reason Action(const Node& http, dsl::RouteRule& rule) {
    if (const Node* redirect = http.Find("redirect")) {
      dsl::RedirectAction action;
      if (!Beyond(redirect, {"uri", "authority", "scheme", "port", "redirectCode"}).empty()) {
        return "this redirect has no word";
      }
      const std::string scheme = redirect->StringOr("scheme", "");
      if (scheme == "http") return "a redirect to http has no word";
      action.https = scheme == "https";
      if (const std::string uri = redirect->StringOr("uri", ""); !uri.empty())
        action.path = Text(uri);
      if (const std::string host = redirect->StringOr("authority", ""); !host.empty()) {
        action.host = Text(host);
      }
      if (const Node* port = redirect->Find("port")) {
        action.port = dsl::Port{static_cast<std::uint16_t>(port->AsInt().value_or(0)), {}};
      }
      if (const Node* code = redirect->Find("redirectCode")) {
        action.code = dsl::Number{code->AsInt().value_or(301), {}};
      }
      rule.action = std::move(action);
      return "";
    }
    if (const Node* direct = http.Find("directResponse")) {
      dsl::RespondAction action;
      const Node* status = direct->Find("status");
      action.status = {status == nullptr ? 200 : status->AsInt().value_or(200), {}};
      if (const Node* body = direct->At("body.string")) action.body = Text(body->text);
      rule.action = std::move(action);
      return direct->At("body.bytes") == nullptr ? "" : "bytes as an answer have no word";
    }
    return Forwards(http, rule);
  }

  // ---- modifiers

  void Add(decltype(dsl::Item::value) value, dsl::RouteRule& rule) {
    rule.items.push_back({.value = std::move(value), .span = {}});
  }

  Reason Retries(const Node& node, dsl::RouteRule& rule) {
    if (!Beyond(&node, {"attempts", "perTryTimeout", "retryOn", "retryRemoteLocalities"}).empty()) {
      return "these retries have no word";
    }
    dsl::RetriesItem item;
    const Node* attempts = node.Find("attempts");
    item.attempts = {attempts == nullptr ? 0 : attempts->AsInt().value_or(0), {}};
    item.per_try = DurationAt(node, "perTryTimeout");
    std::string on = node.StringOr("retryOn", "");
    while (!on.empty()) {
      const std::size_t comma = std::min(on.find(','), on.size());
      item.on.push_back({on.substr(0, comma), {}});
      on.erase(0, comma + 1);
    }
    item.across_localities = IsTrueAt(node, "retryRemoteLocalities");
    Add(std::move(item), rule);
    return "";
  }

  Reason Fault(const Node& node, dsl::RouteRule& rule) {
    if (const Node* delay = node.Find("delay")) {
      const auto fixed = DurationAt(*delay, "fixedDelay");
      if (!fixed) return "this delay has no word";
      Add(dsl::FaultDelayItem{*fixed, ShareAt(*delay)}, rule);
    }
    if (const Node* abort = node.Find("abort")) {
      const Node* status = abort->Find("httpStatus");
      if (status == nullptr) return "this abort has no word";
      Add(dsl::FaultAbortItem{{status->AsInt().value_or(500), {}}, ShareAt(*abort)}, rule);
    }
    return "";
  }

  void Headers(const Node& node, dsl::RouteRule& rule) {
    dsl::HeadersItem item;
    for (const auto side : {dsl::HeaderOp::Side::kRequest, dsl::HeaderOp::Side::kResponse}) {
      const Node* ops = node.Find(side == dsl::HeaderOp::Side::kRequest ? "request" : "response");
      if (ops == nullptr) continue;
      for (const auto kind : {dsl::HeaderOp::Kind::kSet, dsl::HeaderOp::Kind::kAdd}) {
        const Node* map = ops->Find(kind == dsl::HeaderOp::Kind::kSet ? "set" : "add");
        if (map == nullptr) continue;
        for (const Node::Entry& entry : map->entries) {
          item.ops.push_back({side, kind, Text(entry.key), Text(entry.value.text)});
        }
      }
      for (const Node& name : Each(*ops, "remove")) {
        item.ops.push_back({side, dsl::HeaderOp::Kind::kRemove, Text(name.text), {}});
      }
    }
    if (!item.ops.empty()) Add(std::move(item), rule);
  }

  Reason Cors(const Node& node, dsl::RouteRule& rule) {
    static const std::vector<std::string> kKnown = {"allowOrigins", "allowMethods",
                                                    "allowHeaders", "exposeHeaders",
                                                    "maxAge",       "allowCredentials"};
    if (!Beyond(&node, kKnown).empty()) return "this CORS policy has no word";
    dsl::CorsItem item;
    for (const Node& origin : Each(node, "allowOrigins")) {
      const auto pattern = StringMatch(origin);
      if (!pattern) return "an origin has no word";
      item.origins.push_back({*pattern, {}});
    }
    for (const Node& method : Each(node, "allowMethods")) item.methods.push_back(Text(method.text));
    for (const Node& header : Each(node, "allowHeaders")) item.headers.push_back(Text(header.text));
    for (const Node& header : Each(node, "exposeHeaders")) item.expose.push_back(Text(header.text));
    item.max_age = DurationAt(node, "maxAge");
    if (const Node* credentials = node.Find("allowCredentials")) {
      item.credentials = Spanned<bool>{credentials->AsBool().value_or(false), {}};
    }
    Add(std::move(item), rule);
    return "";
  }

  Reason Rewrite(const Node& node, dsl::RouteRule& rule) {
    dsl::RewriteItem item;
    if (const std::string uri = node.StringOr("uri", ""); !uri.empty()) item.path = Text(uri);
    if (const std::string host = node.StringOr("authority", ""); !host.empty())
      item.host = Text(host);
    if (const Node* regex = node.Find("uriRegexRewrite")) {
      item.regex = Text(regex->StringOr("match", ""));
      item.path = Text(regex->StringOr("rewrite", ""));
    }
    if (item.path && !item.regex && !rule.when) return "a rewrite without a match has no word";
    Add(std::move(item), rule);
    return "";
  }

  Reason Mirror(const Node& node, double share, dsl::RouteRule& rule) {
    std::optional<dsl::Target> to = Target(node);
    if (!to) return "a mirror is no service here";
    Add(dsl::MirrorItem{{share, {}}, std::move(*to)}, rule);
    return "";
  }

  Reason Mirrors(const Node& http, dsl::RouteRule& rule) {
    if (const Node* mirror = http.Find("mirror")) {
      const Node* share = http.At("mirrorPercentage.value");
      return Mirror(*mirror, share == nullptr ? 100 : std::strtod(share->text.c_str(), nullptr),
                    rule);
    }
    for (const Node& mirror : Each(http, "mirrors")) {
      const Node* to = mirror.Find("destination");
      if (to == nullptr) return "a mirror leads nowhere";
      if (Reason reason = Mirror(*to, ShareAt(mirror).value, rule); !reason.empty()) return reason;
    }
    return "";
  }

  Reason Modifiers(const Node& http, dsl::RouteRule& rule) {
    if (const auto timeout = DurationAt(http, "timeout")) Add(dsl::TimeoutItem{*timeout}, rule);
    Reason reason = Mirrors(http, rule);
    const auto also = [&](const char* field,
                          Reason (RouteReader::*say)(const Node&, dsl::RouteRule&)) {
      const Node* node = http.Find(field);
      if (node != nullptr && reason.empty()) reason = (this->*say)(*node, rule);
    };
    also("retries", &RouteReader::Retries);
    also("fault", &RouteReader::Fault);
    also("rewrite", &RouteReader::Rewrite);
    also("corsPolicy", &RouteReader::Cors);
    if (const Node* headers = http.Find("headers")) Headers(*headers, rule);
    return reason;
  }

  Reason Rule(const Node& http) {
    static const std::vector<std::string> kKnown = {
        "name",  "match",   "route",  "redirect", "directResponse",   "timeout", "retries",
        "fault", "rewrite", "mirror", "mirrors",  "mirrorPercentage", "headers", "corsPolicy"};
    if (const std::string more = Beyond(&http, kKnown); !more.empty()) {
      return "`" + more + "` of a route has no word";
    }
    if (closed_) return "a route stands behind one that takes everything";
    dsl::RouteRule rule;
    rule.layer = dsl::RouteRule::Layer::kHttp;
    const std::string name = http.StringOr("name", "");
    if (!name.empty() && WordOf(name) == name) rule.name = dsl::Name{name, {}};
    std::vector<dsl::Condition> any;
    open_ = Each(http, "match").empty();
    if (open_) {
      if (Reason reason = Labels(http); !reason.empty()) return reason;
    }
    for (const Node& match : Each(http, "match")) {
      if (Reason reason = Match(match, any); !reason.empty()) return reason;
    }
    rule.otherwise = closed_ = open_;
    if (!open_) rule.when = AnyOf(std::move(any));
    if (Reason reason = Action(http, rule); !reason.empty()) return reason;
    if (Reason reason = Modifiers(http, rule); !reason.empty()) return reason;
    decl_.rules.push_back(std::move(rule));
    return "";
  }

  Draft& draft_;
  const Object& object_;
  dsl::RouteDecl decl_;
  std::vector<std::string> places_;
  std::optional<dsl::Selection> workloads_;  // what every match says
  bool open_ = false;                        // the route at hand matches everything
  bool closed_ = false;                      // one before it did
};

}  // namespace

Reason SayVirtualService(Draft& draft, const Object& object) {
  return RouteReader(draft, object).Read();
}

}  // namespace weft::cli::istio
