// AccessPolicy: who may call, and with which requests.
#include <algorithm>
#include <array>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"

namespace weft::gloo {
namespace {

using dsl::Condition;

// "*", "a*", "*a", "a": as Istio reads values of authorization policies.
Pattern WildcardPattern(const std::string& text) {
  if (text == "*") return Present{};
  const std::size_t star = text.find('*');
  if (star == std::string::npos) return Exact{text};
  if (star == text.size() - 1) return Prefix{text.substr(0, star)};
  if (star == 0 && text.find('*', 1) == std::string::npos) return Suffix{text.substr(1)};
  std::string regex;
  for (const char c : text) {
    if (c == '*') {
      regex += ".*";
      continue;
    }
    if (std::string_view("\\^$.|?+()[]{}").find(c) != std::string_view::npos) regex += '\\';
    regex += c;
  }
  return Regex{regex};
}

// Matchers of one kind of pattern each: a list is alternatives of one operator.
template <typename Make>
std::optional<Condition> AnyOf(const std::vector<dsl::Str>& texts, Make make) {
  std::map<std::size_t, std::vector<Spanned<Pattern>>> by_operator;
  for (const dsl::Str& text : texts) {
    Pattern pattern = WildcardPattern(text.value);
    const std::size_t index = pattern.index();
    by_operator[index].push_back({std::move(pattern), text.span});
  }
  if (by_operator.empty()) return std::nullopt;
  std::vector<Condition> parts;
  for (auto& [index, patterns] : by_operator) {
    const Span span = weft::Join(patterns.front().span, patterns.back().span);
    parts.push_back(Of(make(std::move(patterns)), span));
  }
  return Or(std::move(parts));
}

void AddHeaders(const View& authz, std::vector<Condition>& parts) {
  for (const auto& [name, values] : authz["match"]["request"].Map("headers")) {
    const auto header = [&, key = name](std::vector<Spanned<Pattern>> patterns) {
      return dsl::HeaderIs{key, std::move(patterns)};
    };
    if (auto wanted = AnyOf(values.Strings("values"), header)) parts.push_back(std::move(*wanted));
    if (auto unwanted = AnyOf(values.Strings("notValues"), header)) {
      parts.push_back(Not(std::move(*unwanted)));
    }
  }
}

std::optional<Condition> ReadWhen(const View& authz) {
  std::vector<Condition> parts;
  const std::vector<dsl::Str> methods = authz.Strings("allowedMethods");
  if (!methods.empty()) {
    parts.push_back(
        Of(dsl::MethodIn{methods}, weft::Join(methods.front().span, methods.back().span)));
  }
  const auto path = [](std::vector<Spanned<Pattern>> patterns) {
    return dsl::PathIs{std::move(patterns)};
  };
  if (auto paths = AnyOf(authz.Strings("allowedPaths"), path)) parts.push_back(std::move(*paths));
  AddHeaders(authz, parts);
  const std::vector<dsl::Str> source = authz.Strings("allowedIpBlocks");
  if (!source.empty()) parts.push_back(Of(dsl::SourceIpIn{source}, source.front().span));
  const std::vector<dsl::Str> remote = authz.Strings("allowedRemoteIpBlocks");
  if (!remote.empty()) parts.push_back(Of(dsl::RemoteIpIn{remote}, remote.front().span));
  if (parts.empty()) return std::nullopt;
  return And(std::move(parts));
}

dsl::SourceClause ReadAccounts(const View& selector) {
  dsl::SourceClause source;
  source.span = selector.span();
  dsl::Selection selection;
  selection.span = selector.span();
  if (const auto name = selector.String("name")) {
    dsl::QName qname;
    qname.parts.push_back({name->value, name->span});
    qname.span = name->span;
    selection.names.push_back(std::move(qname));
  }
  selection.labels = selector.LabelsOf("labels");
  selection.in_namespace = selector.String("namespace");
  selection.workspace = selector.String("workspace");
  source.clusters = Reading::OneName(selector.String("cluster"));
  if (selection.names.empty() && selection.labels.empty()) selection.all = true;
  if (selection.all && selection.in_namespace && !selection.workspace) {
    source.value = dsl::SourceNamespace{*selection.in_namespace};
  } else {
    source.value = dsl::SourceAccounts{std::move(selection)};
  }
  return source;
}

std::vector<dsl::SourceClause> ReadClients(const View& authz) {
  std::vector<dsl::SourceClause> sources;
  for (const View& client : authz.List("allowedClients")) {
    if (!client || client.node()->entries.empty()) {
      dsl::SourceClause any;
      any.value = dsl::SourceAnyIdentity{};
      any.span = client.span();
      sources.push_back(std::move(any));
    } else if (const View accounts = client["serviceAccountSelector"]) {
      sources.push_back(ReadAccounts(accounts));
    }
  }
  return sources;
}

// nullopt: the entry allows nothing.
std::optional<dsl::AccessClause> ReadClause(const View& authz, bool on_workloads) {
  dsl::AccessClause clause;
  clause.span = authz.span();
  clause.sources = ReadClients(authz);
  clause.when = ReadWhen(authz);
  clause.dry_run = authz.IsTrue("dryRun");
  clause.anyone = clause.sources.empty();
  const bool refused_clients = authz.Has("allowedClients") && clause.sources.empty();
  if (refused_clients) return std::nullopt;
  if (clause.anyone && !clause.when && on_workloads) return std::nullopt;
  return clause;
}

void ReadClauses(Reading& r, const View& config, const Object& object, bool on_workloads,
                 dsl::AccessDecl& decl) {
  std::vector<View> entries = config.List("authzList");
  const View single = config["authz"];
  if (entries.empty() && single) {
    entries.push_back(single);
  } else if (single) {
    single.TakeAll();
    r.diagnostics.Warning(codes::kNoEffect, single.span(),
                          "`authz` is not read where `authzList` stands");
  }
  bool any = false;
  for (const View& entry : entries) {
    any = true;
    if (std::optional<dsl::AccessClause> clause = ReadClause(entry, on_workloads)) {
      decl.clauses.push_back(std::move(*clause));
    }
  }
  if (any && decl.clauses.empty()) {
    decl.default_deny = true;
    decl.default_deny_span = entries.front().span();
  }
  const View layers = config["enforcementLayers"];
  if (layers && layers.Bool("mesh") && !layers.IsTrue("mesh")) {
    r.diagnostics.Error(codes::kRefusedField, layers.span(),
                        "AccessPolicy `" + object.name +
                            "` is not enforced by the mesh; weft writes no network policies");
  }
}

void ReadTlsMode(const View& config, dsl::AccessDecl& decl) {
  const View authn = config["authn"];
  const std::optional<dsl::Str> text = authn.String("tlsMode");
  if (!authn) return;
  dsl::MtlsMode mode = dsl::MtlsMode::kDisable;
  if (text && text->value == "STRICT") mode = dsl::MtlsMode::kStrict;
  if (text && text->value == "PERMISSIVE") mode = dsl::MtlsMode::kPermissive;
  if (!text) return;
  decl.items.push_back({.value = dsl::MtlsItem{.mode = mode, .port = {}}, .span = text->span});
}

std::string TargetText(const dsl::AccessDecl& decl) {
  std::string text =
      decl.target_kind == dsl::AccessDecl::TargetKind::kServices ? "services" : "workloads";
  if (decl.selected->all) return text + " all";
  for (const dsl::QName& name : decl.selected->names) text += " " + name.Text();
  const char* joint = " where ";
  for (const dsl::LabelTerm& label : decl.selected->labels) {
    text += joint + ("label " + label.key.value) + " = \"" + label.value.value + "\"";
    joint = " and ";
  }
  return text;
}

// External services are guarded where their calls pass: at the egress gateway.
void GuardExternals(Reading& r, const Selections& selections, const dsl::AccessDecl& decl,
                    const Object& object) {
  std::vector<const dsl::Selection*> all{&selections.first};
  for (const dsl::Selection& selection : selections.more) all.push_back(&selection);
  for (const dsl::ExternalDecl& external : r.program.externals) {
    if (external.header.owner != object.owner) continue;
    const bool selected = std::any_of(all.begin(), all.end(), [&](const dsl::Selection* s) {
      const bool named = s->names.empty() ||
                         std::any_of(s->names.begin(), s->names.end(), [&](const dsl::QName& n) {
                           return n.parts.back().value == external.header.name.value;
                         });
      return named && SelectsLabels(ToLabels(s->labels), ToLabels(external.header.labels));
    });
    if (!selected) continue;
    if (!external.via) {
      Diagnostic& d =
          r.diagnostics.Error(codes::kNotKept, object.span,
                              "AccessPolicy `" + object.name + "` guards external service `" +
                                  external.header.name.value + "`, which no gateway stands before");
      d.related.push_back({external.header.span, "the external service"});
      continue;
    }
    r.egress[external.via->Text()].push_back({&object, external, decl.clauses});
  }
}

void ReadPolicy(Reading& r, const Object& object) {
  const View spec = r.Spec(object);
  const View config = spec["config"];
  const bool on_workloads = !spec.List("applyToWorkloads").empty();
  dsl::AccessDecl decl{.header = r.HeaderOf(object, r.NameOf(object))};
  decl.header.labels.clear();
  ReadClauses(r, config, object, on_workloads, decl);
  ReadTlsMode(config, decl);
  decl.adds_in_original = on_workloads;
  const auto add = [&](const Selections& selections, dsl::AccessDecl::TargetKind kind) {
    dsl::AccessDecl one = decl;
    one.target_kind = kind;
    one.selected = selections.first;
    one.more = selections.more;
    one.header.name.value = TargetText(one);
    if (one.clauses.empty() && one.items.empty() && !one.default_deny) return;
    r.program.accesses.push_back(std::move(one));
  };
  if (on_workloads) {
    if (spec.Has("applyToDestinations")) {
      spec["applyToDestinations"].TakeAll();
      r.diagnostics.Warning(codes::kNoEffect, spec["applyToDestinations"].span(),
                            "`applyToDestinations` is not read where `applyToWorkloads` stands");
    }
    const auto workloads = ReadWorkloadSelectors(r, spec, object, false);
    if (workloads) add(*workloads, dsl::AccessDecl::TargetKind::kWorkloads);
    return;
  }
  std::set<Kinds> allowed{Kinds::kServices};
  if (!spec.List("applyToDestinations").empty()) allowed.insert(Kinds::kExternals);
  const DestinationSelections selections = ReadDestinationSelectors(r, spec, object, allowed, true);
  if (selections.services) add(*selections.services, dsl::AccessDecl::TargetKind::kServices);
  if (selections.externals) GuardExternals(r, *selections.externals, decl, object);
}

Condition HostsOf(const std::vector<EgressRule>& rules) {
  dsl::HostIs hosts;
  for (const EgressRule& rule : rules) {
    for (const dsl::Str& host : rule.external.hosts) {
      Pattern pattern = host.value.starts_with("*.") ? Pattern(Suffix{host.value.substr(1)})
                                                     : Pattern(Exact{host.value});
      hosts.patterns.push_back({std::move(pattern), host.span});
    }
  }
  return Of(std::move(hosts), rules.front().object->span);
}

// One block for each egress gateway: the guarded hosts by their rules, other hosts as before.
void AddEgressBlocks(Reading& r) {
  for (const auto& [gateway, rules] : r.egress) {
    dsl::AccessDecl decl{.header = r.HeaderOf(*rules.front().object, "gateway " + gateway)};
    decl.header.labels.clear();
    for (const dsl::GatewayDecl& candidate : r.program.gateways) {
      const std::string full = candidate.header.owner + "." + candidate.header.name.value;
      if (candidate.header.name.value == gateway || full == gateway) {
        decl.header.owner = candidate.header.owner;
      }
    }
    decl.target_kind = dsl::AccessDecl::TargetKind::kGateway;
    decl.target = rules.front().external.via;
    for (const EgressRule& rule : rules) {
      for (const dsl::AccessClause& clause : rule.clauses) {
        dsl::AccessClause narrowed = clause;
        std::vector<Condition> parts{HostsOf({rule})};
        if (clause.when) parts.push_back(*clause.when);
        narrowed.when = And(std::move(parts));
        decl.clauses.push_back(std::move(narrowed));
      }
    }
    dsl::AccessClause others;
    others.anyone = true;
    others.when = Not(HostsOf(rules));
    others.span = rules.front().object->span;
    decl.clauses.push_back(std::move(others));
    r.program.accesses.push_back(std::move(decl));
  }
}

}  // namespace

void ReadAccess(Reading& r) {
  for (const Object* object : r.OfKind("AccessPolicy")) ReadPolicy(r, *object);
  AddEgressBlocks(r);
}

}  // namespace weft::gloo
