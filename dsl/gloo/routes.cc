// RouteTable: routes where it has hosts, tables to delegate to where it has none.
#include <algorithm>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

using dsl::Condition;

// ---- matches

Condition MatchOf(const View& matcher, Span span) {
  std::vector<Condition> parts;
  const View uri = matcher["uri"];
  if (uri) {
    if (std::optional<Spanned<Pattern>> pattern = ReadStringMatch(uri)) {
      const Span at = pattern->span;
      parts.push_back(Of(dsl::PathIs{{std::move(*pattern)}}, at));
    }
  }
  if (const auto method = matcher.String("method")) {
    parts.push_back(Of(dsl::MethodIn{{*method}}, method->span));
  }
  for (const View& header : matcher.List("headers")) parts.push_back(ReadHeaderMatcher(header));
  for (const View& query : matcher.List("queryParameters")) {
    dsl::QueryIs is{query.String("name").value_or(dsl::Str{"", query.span()}), {}};
    const std::optional<dsl::Str> value = query.String("value");
    const bool regex = query.IsTrue("regex");
    if (!value) {
      is.patterns.push_back({Present{}, is.name.span});
    } else if (regex) {
      is.patterns.push_back({Regex{value->value}, value->span});
    } else {
      is.patterns.push_back({Exact{value->value}, value->span});
    }
    parts.push_back(Of(std::move(is), query.span()));
  }
  if (const auto port = matcher.Port("port")) parts.push_back(Of(dsl::PortIn{{*port}}, port->span));
  Condition all = And(std::move(parts));
  if (!all.span.IsKnown()) all.span = span;
  return all;
}

bool IsEmpty(const Condition& condition) {
  return condition.kind == Condition::Kind::kAnd && condition.children.empty();
}

// The path pattern of a condition that asks for nothing else.
const Spanned<Pattern>* OnlyPath(const Condition& condition) {
  if (condition.kind != Condition::Kind::kMatcher || !condition.matcher) return nullptr;
  const auto* path = std::get_if<dsl::PathIs>(&*condition.matcher);
  return path == nullptr || path->patterns.size() != 1 ? nullptr : &path->patterns.front();
}

// Alternatives that ask for paths of one kind only are one list of paths.
std::vector<Condition> JoinPaths(std::vector<Condition> alternatives) {
  std::vector<Condition> joined;
  for (Condition& alternative : alternatives) {
    const Spanned<Pattern>* path = OnlyPath(alternative);
    Condition* same = nullptr;
    for (Condition& other : joined) {
      if (path == nullptr || other.kind != Condition::Kind::kMatcher) continue;
      const auto* paths = std::get_if<dsl::PathIs>(&*other.matcher);
      if (paths != nullptr && paths->patterns.front().value.index() == path->value.index()) {
        same = &other;
      }
    }
    if (same == nullptr) {
      joined.push_back(std::move(alternative));
      continue;
    }
    std::get_if<dsl::PathIs>(&*same->matcher)->patterns.push_back(*path);
    same->span = Join(same->span, alternative.span);
  }
  return joined;
}

void ReadMatchers(const View& route, dsl::RouteRule& rule) {
  std::vector<Condition> alternatives;
  for (const View& matcher : route.List("matchers")) {
    Condition match = MatchOf(matcher, matcher.span());
    if (IsEmpty(match)) {
      alternatives.clear();  // one alternative that asks for nothing admits everything
      break;
    }
    alternatives.push_back(std::move(match));
  }
  if (!alternatives.empty()) rule.when = Or(JoinPaths(std::move(alternatives)));
}

// ---- actions

// Shares that are not said are what is left, in equal parts.
void FillWeights(Reading& r, std::vector<dsl::Target>& targets, Span span) {
  if (targets.size() == 1) targets.front().weight.reset();
  if (targets.size() < 2) return;
  double sum = 0;
  std::size_t missing = 0;
  for (const dsl::Target& target : targets) {
    sum += target.weight ? target.weight->value : 0;
    missing += target.weight ? 0 : 1;
  }
  if (missing == 0) return;
  const double left = 100 - sum;
  if (left < static_cast<double>(missing)) {
    r.diagnostics.Error(codes::kBadCombination, span,
                        "the weights leave nothing for the destinations without one");
    return;
  }
  for (dsl::Target& target : targets) {
    if (!target.weight) {
      target.weight = dsl::Percent{left / static_cast<double>(missing), target.span};
    }
  }
}

dsl::ForwardAction ReadForward(Reading& r, const View& forward, const View& fallback,
                               const Object& object, bool& complete) {
  dsl::ForwardAction action;
  for (const View& destination : forward.List("destinations")) {
    std::optional<dsl::Target> target = r.ReadTarget(destination, object);
    complete = complete && target.has_value();
    if (target) action.to.push_back(std::move(*target));
  }
  if (action.to.empty() && complete && fallback) {
    if (std::optional<dsl::Target> target = r.ReadTarget(fallback, object)) {
      action.to.push_back(std::move(*target));
    }
  }
  if (action.to.empty() && complete) {
    r.diagnostics.Error(codes::kBadCombination, forward.span(),
                        "this forwards to nothing, and the table has no `defaultDestination`");
    complete = false;
  }
  FillWeights(r, action.to, forward.span());
  return action;
}

void ReadRewrites(Reading& r, const View& forward, dsl::RouteRule& rule) {
  dsl::RewriteItem rewrite;
  rewrite.path = forward.String("pathRewrite");
  rewrite.host = forward.String("hostRewrite");
  const View regex = forward["regexRewrite"];
  if (regex) {
    const View pattern = regex["pattern"];
    pattern["googleRe2"].TakeAll();
    rewrite.regex = pattern.String("regex");
    rewrite.path = regex.String("substitution").value_or(dsl::Str{"", regex.span()});
  }
  rewrite.host_of_target = forward.IsTrue("autoHostRewrite");
  if (rewrite.regex && forward.Has("pathRewrite")) {
    r.diagnostics.Error(codes::kBadCombination, regex.span(),
                        "`pathRewrite` and `regexRewrite` exclude one another");
  }
  if (!rewrite.path && !rewrite.host && !rewrite.regex && !rewrite.host_of_target) return;
  rule.items.push_back({.value = std::move(rewrite), .span = forward.span()});
}

dsl::RedirectAction ReadRedirect(const View& view) {
  dsl::RedirectAction redirect;
  redirect.host = view.String("hostRedirect");
  redirect.path = view.String("pathRedirect");
  const std::string code = view.Text("responseCode");
  const std::map<std::string, int> codes = {{"MOVED_PERMANENTLY", 301},
                                            {"FOUND", 302},
                                            {"SEE_OTHER", 303},
                                            {"TEMPORARY_REDIRECT", 307},
                                            {"PERMANENT_REDIRECT", 308}};
  const auto at = codes.find(code);
  if (at != codes.end()) redirect.code = dsl::Number{at->second, view["responseCode"].span()};
  return redirect;
}

dsl::RespondAction ReadRespond(Reading& r, const View& view) {
  dsl::RespondAction respond;
  const std::optional<dsl::Number> status = view.Int("status");
  respond.status = status.value_or(dsl::Number{200, view.span()});
  if (!status) {
    r.diagnostics.Error(codes::kBadCombination, respond.status.span,
                        "`directResponse` needs a `status` of 200 to 599");
  }
  respond.body = view.String("body");
  return respond;
}

// The tables an ObjectSelector names or selects.
dsl::Selection ReadTables(Reading& r, const View& selector, const Object& parent) {
  dsl::Selection selection;
  selection.span = selector.span();
  selection.labels = selector.LabelsOf("labels");
  selection.workspace = selector.String("workspace");
  const std::optional<dsl::Str> name = selector.String("name");
  if (!name) {
    r.AddPlace(selector, selection.labels);
    if (selection.labels.empty()) selection.all = true;
    return selection;
  }
  (void)selector.Text("namespace");
  (void)selector.Text("cluster");
  for (const Object* table : r.OfKind("RouteTable")) {
    if (!SelectsObject(selector, *table) || table == &parent) continue;
    selection.names.push_back(r.Named(*table, r.NameOf(*table), parent.owner, name->span));
  }
  selection.labels.clear();
  if (selection.names.empty()) {
    r.diagnostics.Warning(codes::kDangling, name->span,
                          "there is no RouteTable `" + name->value + "` here");
    selection.labels = {{{"weft.dev/none", name->span}, *name}};
  }
  return selection;
}

dsl::DelegateAction ReadDelegate(Reading& r, const View& view, const Object& object) {
  dsl::DelegateAction delegate;
  const std::string sort = view.Text("sortMethod");
  delegate.by_specificity = sort == "ROUTE_SPECIFICITY";
  delegate.by_weight = sort == "TABLE_WEIGHT";
  bool first = true;
  for (const View& selector : view.List("routeTables")) {
    dsl::Selection selection = ReadTables(r, selector, object);
    if (first) {
      delegate.tables = std::move(selection);
    } else {
      delegate.more.push_back(std::move(selection));
    }
    first = false;
  }
  if (first) {
    r.diagnostics.Error(codes::kBadCombination, view.span(),
                        "`delegate` needs `routeTables` to delegate to");
    delegate.tables.all = true;
  }
  return delegate;
}

// ---- rules

std::optional<dsl::RouteRule> ReadHttpRoute(Reading& r, const View& route, const View& fallback,
                                            const Object& object, bool replace) {
  dsl::RouteRule rule;
  rule.span = route.span();
  rule.action_span = route.span();
  if (const auto name = route.String("name")) {
    rule.name = dsl::Name{Identifier(name->value), name->span};
    rule.span = name->span;
  }
  rule.labels = route.LabelsOf("labels");
  ReadMatchers(route, rule);
  int actions = 0;
  for (const std::string_view word :
       {"forwardTo", "delegate", "redirect", "directResponse", "graphql"}) {
    actions += route.Has(word) ? 1 : 0;
  }
  if (actions != 1) {
    r.diagnostics.Error(codes::kBadCombination, rule.span,
                        actions == 0 ? "this route does nothing: give it one action"
                                     : "this route has more than one action");
    if (actions == 0) return std::nullopt;
  }
  bool complete = !route.Has("graphql");
  if (const View forward = route["forwardTo"]) {
    rule.action_span = forward.span();
    rule.action = ReadForward(r, forward, fallback, object, complete);
    ReadRewrites(r, forward, rule);
  } else if (const View delegate = route["delegate"]) {
    rule.action_span = delegate.span();
    rule.action = ReadDelegate(r, delegate, object);
  } else if (const View redirect = route["redirect"]) {
    rule.action_span = redirect.span();
    rule.action = ReadRedirect(redirect);
  } else if (const View respond = route["directResponse"]) {
    rule.action_span = respond.span();
    rule.action = ReadRespond(r, respond);
  }
  if (complete) return rule;
  // A broken route answers 500, the others live on.
  if (!replace) return std::nullopt;
  rule.action = dsl::RespondAction{.status = {500, rule.action_span}, .body = {}};
  rule.items.clear();
  return rule;
}

void ReadTcpRoutes(Reading& r, const View& spec, const Object& object, dsl::RouteDecl& decl) {
  const View fallback = spec["defaultDestination"];
  for (const View& route : spec.List("tcp")) {
    bool complete = true;
    dsl::RouteRule rule;
    rule.layer = dsl::RouteRule::Layer::kTcp;
    rule.span = route.span();
    const View forward = route["forwardTo"];
    rule.action_span = forward.span();
    rule.action = ReadForward(r, forward, fallback, object, complete);
    if (!complete) continue;
    std::vector<View> matchers = route.List("matchers");
    if (matchers.empty()) decl.rules.push_back(rule);
    for (const View& matcher : matchers) {
      dsl::RouteRule one = rule;
      one.port = matcher.Port("port");
      decl.rules.push_back(std::move(one));
    }
  }
}

Spanned<Pattern> SniPattern(const dsl::Str& host) {
  if (host.value == "*") return {Present{}, host.span};
  if (host.value.starts_with("*.")) return {Suffix{host.value.substr(1)}, host.span};
  return {Exact{host.value}, host.span};
}

void ReadTlsRoutes(Reading& r, const View& spec, const Object& object, dsl::RouteDecl& decl) {
  const View fallback = spec["defaultDestination"];
  for (const View& route : spec.List("tls")) {
    bool complete = true;
    dsl::RouteRule rule;
    rule.layer = dsl::RouteRule::Layer::kTls;
    rule.span = route.span();
    const View forward = route["forwardTo"];
    rule.action_span = forward.span();
    rule.action = ReadForward(r, forward, fallback, object, complete);
    if (!complete) continue;
    for (const View& matcher : route.List("matchers")) {
      dsl::RouteRule one = rule;
      for (const dsl::Str& host : matcher.Strings("sniHosts")) one.sni.push_back(SniPattern(host));
      one.port = matcher.Port("port");
      decl.rules.push_back(std::move(one));
    }
  }
}

// ---- tables

void ReadHosts(Reading& r, const View& spec, dsl::RouteDecl& decl) {
  for (dsl::Str& host : spec.Strings("hosts")) {
    if (host.value == "*") {
      r.diagnostics.Error(codes::kFullWildcard, host.span, "a RouteTable may not claim every host")
          .help = "name the hosts, or use a wildcard below a domain";
    } else if (host.value.find('*', 1) != std::string::npos) {
      r.diagnostics.Error(codes::kBadCombination, host.span,
                          "`*` may stand for the left-most label of a host only");
      continue;
    }
    decl.hosts.push_back(std::move(host));
  }
}

void BindGateways(Reading& r, const View& spec, const Object& object, dsl::RouteDecl& decl) {
  for (const View& view : spec.List("virtualGateways")) {
    const Ref ref = r.ReadRef(view, object);
    const Object* gateway = r.Find("VirtualGateway", ref);
    if (gateway == nullptr) {
      std::vector<std::string> known;
      for (const Object* other : r.OfKind("VirtualGateway")) known.push_back(other->name);
      Diagnostic& d = r.diagnostics.Error(codes::kDangling, view.span(),
                                          "there is no VirtualGateway `" + ref.ns + "/" + ref.name +
                                              "` in cluster `" + ref.cluster + "`");
      const std::string near = NearestName(ref.name, known);
      if (!near.empty() && near != ref.name) d.help = "did you mean `" + near + "`?";
      continue;
    }
    if (!r.binds.contains({gateway, &object})) {
      Diagnostic& d = r.diagnostics.Error(codes::kNotBound, view.span(),
                                          "no listener of VirtualGateway `" + gateway->name +
                                              "` accepts RouteTable `" + object.name + "`");
      d.related.push_back({gateway->span, "its `allowedRouteTables`"});
      continue;
    }
    for (const std::string& name : r.names[gateway]) {
      decl.gateways.push_back(r.Named(*gateway, name, object.owner, view.span()));
    }
  }
}

void RefuseForChild(Reading& r, const View& spec, const Object& object) {
  for (const std::string_view field : {"virtualGateways", "failureMode", "workloadSelectors"}) {
    if (!spec.Has(field)) continue;
    const View value = spec[field];
    const bool empty_list = value.node()->IsSequence() && value.node()->items.empty();
    value.TakeAll();
    if (empty_list) continue;
    r.diagnostics.Error(codes::kBadCombination, value.span(),
                        "RouteTable `" + object.name +
                            "` has no hosts, so it is delegated to and `" + std::string(field) +
                            "` belongs to the table that delegates");
  }
}

// One declaration for each group of workloads: a table reaches the workloads of any of its
// selectors.
std::vector<dsl::RouteDecl> SplitByWorkloads(Reading& r, const View& spec, const Object& object,
                                             dsl::RouteDecl decl) {
  const std::vector<View> selectors = spec.List("workloadSelectors");
  const bool on_gateways = spec.Has("virtualGateways") && !spec.List("virtualGateways").empty();
  decl.on_sidecars = !on_gateways;
  std::vector<dsl::RouteDecl> decls;
  for (const View& selector : selectors) {
    if (selector.Text("kind") == "VM") {
      r.diagnostics.Error(codes::kNotKept, selector.span(),
                          "routing of virtual machines cannot be kept");
      continue;
    }
    const View objects = selector["selector"];
    selector["port"].TakeAll();
    dsl::Selection workloads;
    workloads.span = selector.span();
    workloads.labels = objects.LabelsOf("labels");
    for (const std::string_view field : {"name", "namespace", "cluster", "workspace"}) {
      if (!objects.Has(field)) continue;
      r.diagnostics.Error(
          codes::kNotKept, objects[field].span(),
          "`workloadSelectors` select by labels only; the original does not read `" +
              std::string(field) + "` either");
    }
    dsl::RouteDecl one = decl;
    one.on_sidecars = true;
    if (!workloads.labels.empty()) one.workloads = std::move(workloads);
    if (!decls.empty()) {
      one.gateways.clear();
      one.header.name.value = r.Name("route", object.owner, object.name, "workloads");
    }
    decls.push_back(std::move(one));
  }
  if (decls.empty()) decls.push_back(std::move(decl));
  return decls;
}

void ReadTable(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  dsl::RouteDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  ReadHosts(r, spec, decl);
  decl.is_table = !spec.Has("hosts");
  const std::string failure = spec.Text("failureMode");
  if (!failure.empty()) {
    decl.on_invalid = Spanned<dsl::OnInvalid>{
        failure == "FREEZE_CONFIG" ? dsl::OnInvalid::kFreeze : dsl::OnInvalid::kReplace,
        spec["failureMode"].span()};
  }
  decl.weight = spec.Int("weight");
  const View fallback = spec["defaultDestination"];
  std::set<std::string> rule_names;
  for (const View& route : spec.List("http")) {
    const bool replace = failure != "FREEZE_CONFIG";
    std::optional<dsl::RouteRule> rule = ReadHttpRoute(r, route, fallback, object, replace);
    if (!rule) continue;
    if (rule->name && !rule_names.insert(rule->name->value).second) {
      r.diagnostics.Warning(
          codes::kBadCombination, rule->name->span,
          "another route of the table is called `" + rule->name->value + "`, too");
      rule->name.reset();
    }
    decl.rules.push_back(std::move(*rule));
  }
  ReadTcpRoutes(r, spec, object, decl);
  ReadTlsRoutes(r, spec, object, decl);
  if (!spec.Has("http") && !spec.Has("tcp") && !spec.Has("tls")) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "RouteTable `" + object.name + "` has no routes: `http`, `tcp` or `tls`");
  }
  if (decl.is_table) {
    RefuseForChild(r, spec, object);
    r.program.routes.push_back(std::move(decl));
    return;
  }
  BindGateways(r, spec, object, decl);
  const bool unbound = decl.gateways.empty() && !spec.List("virtualGateways").empty();
  for (dsl::RouteDecl& one : SplitByWorkloads(r, spec, object, std::move(decl))) {
    if (unbound && !one.on_sidecars) continue;
    r.program.routes.push_back(std::move(one));
  }
}

}  // namespace

void ReadRoutes(Reading& r) {
  for (const Object* object : r.OfKind("RouteTable")) ReadTable(r, *object);
  for (auto& [key, service] : r.services) r.program.services.push_back(std::move(service));
  r.services.clear();
}

}  // namespace weft::gloo
