// PeerAuthentication, RequestAuthentication, AuthorizationPolicy.
#include <algorithm>

#include "cli/import_istio/draft.h"

namespace weft::cli::istio {
namespace {

using yaml::Node;

const std::vector<Node>& Items(const Node& node, std::string_view field) {
  static const std::vector<Node> kNone;
  const Node* list = node.Find(field);
  return list == nullptr ? kNone : list->items;
}

std::optional<dsl::MtlsMode> ModeOf(const Node* mtls) {
  const std::string mode = mtls == nullptr ? "" : mtls->StringOr("mode", "");
  if (mode == "STRICT") return dsl::MtlsMode::kStrict;
  if (mode == "PERMISSIVE") return dsl::MtlsMode::kPermissive;
  if (mode == "DISABLE") return dsl::MtlsMode::kDisable;
  return std::nullopt;
}

// The port of the service behind which the workload's port lies.
std::optional<dsl::Port> ServicePort(const engine::KubeService& service, const std::string& text) {
  for (const engine::KubePort& port : service.ports) {
    if (std::to_string(port.target) == text) return dsl::Port{port.number, {}};
  }
  return std::nullopt;
}

// ---- sources, operations and conditions of an AuthorizationPolicy

Pattern ValuePattern(const std::string& text) {
  if (text == "*") return Present{};
  if (text.starts_with('*')) return Suffix{text.substr(1)};
  if (text.ends_with('*')) return Prefix{text.substr(0, text.size() - 1)};
  return Exact{text};
}

class RuleReader {
 public:
  RuleReader(const Draft& draft, const engine::KubeService* service)
      : draft_(draft), service_(service) {}

  // The whole rule as a condition; nullopt with `why` when it has no words. No parts: always.
  std::optional<std::vector<dsl::Condition>> Read(const Node& rule) {
    std::vector<dsl::Condition> all;
    if (const std::string more = Beyond(&rule, {"from", "to", "when"}); !more.empty()) {
      return Fail("`" + more + "`");
    }
    if (!Alternatives(rule, "from", "source", &RuleReader::Source, all)) return std::nullopt;
    if (!Alternatives(rule, "to", "operation", &RuleReader::Operation, all)) return std::nullopt;
    for (const Node& when : Items(rule, "when")) {
      if (!When(when, all)) return std::nullopt;
    }
    return all;
  }

  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  using Parts = std::vector<dsl::Condition>;

  std::nullopt_t Fail(const std::string& what) {
    why_ = what + " has no word";
    return std::nullopt;
  }

  bool Alternatives(const Node& rule, std::string_view list, std::string_view inner,
                    bool (RuleReader::*read)(const Node&, Parts&), Parts& all) {
    Parts any;
    bool open = false;
    for (const Node& entry : Items(rule, list)) {
      const Node* node = entry.Find(inner);
      if (node == nullptr)
        return (void)Fail("an empty entry of `" + std::string(list) + "`"), false;
      Parts parts;
      if (!(this->*read)(*node, parts)) return false;
      if (parts.empty()) open = true;
      if (!parts.empty()) any.push_back(AllOf(std::move(parts)));
    }
    if (!open && !any.empty()) all.push_back(AnyOf(std::move(any)));
    return true;
  }

  // A field whose values are alternatives, and its negation.
  template <typename Make>
  bool Values(const Node& node, const std::string& field, Make make, Parts& parts) {
    for (const bool negated : {false, true}) {
      std::string name = field;
      if (negated) {
        name[0] = static_cast<char>(name[0] - 'a' + 'A');
        name = "not" + name;
      }
      const std::vector<Node>& values = Items(node, name);
      if (values.empty()) continue;
      Parts any;
      for (const Node& value : values) {
        std::optional<dsl::Condition> one = make(value.text);
        if (!one) return (void)Fail("`" + name + ": " + value.text + "`"), false;
        any.push_back(std::move(*one));
      }
      dsl::Condition condition = AnyOf(std::move(any));
      parts.push_back(negated ? NotThat(std::move(condition)) : std::move(condition));
    }
    return true;
  }

  static dsl::Condition From(dsl::SourceClause source) {
    dsl::SourceIn in;
    in.sources.push_back(std::move(source));
    return Holds(std::move(in));
  }

  static std::optional<dsl::Condition> Principal(const std::string& text) {
    dsl::SourceClause source;
    if (text == "*") {
      source.value = dsl::SourceAnyIdentity{};
    } else if (text.starts_with('*')) {
      source.value = dsl::SourceIdentity{Suffix{text.substr(1)}};
    } else if (text.ends_with('*')) {
      source.value = dsl::SourceIdentity{Prefix{"spiffe://" + text.substr(0, text.size() - 1)}};
    } else {
      source.value = dsl::SourceIdentity{Exact{"spiffe://" + text}};
    }
    return From(std::move(source));
  }

  static std::optional<dsl::Condition> Namespace(const std::string& text) {
    if (text.find('*') != std::string::npos) return std::nullopt;
    dsl::SourceClause source;
    source.value = dsl::SourceNamespace{Text(text)};
    return From(std::move(source));
  }

  std::optional<dsl::Condition> RequestPrincipal(const std::string& text) const {
    const std::size_t slash = text.rfind('/');
    if (slash == std::string::npos || text.substr(slash + 1) != "*") return std::nullopt;
    const auto jwt = draft_.issuers.find(text.substr(0, slash));
    if (jwt == draft_.issuers.end()) return std::nullopt;
    return Holds(dsl::JwtValid{{jwt->second.first, {}}});
  }

  static std::optional<dsl::Condition> SourceBlock(const std::string& text) {
    return Holds(dsl::SourceIpIn{{Text(text)}});
  }
  static std::optional<dsl::Condition> RemoteBlock(const std::string& text) {
    return Holds(dsl::RemoteIpIn{{Text(text)}});
  }

  bool Source(const Node& node, Parts& parts) {
    static const std::vector<std::string> kKnown = {
        "principals",        "notPrincipals",       "namespaces",     "notNamespaces",
        "ipBlocks",          "notIpBlocks",         "remoteIpBlocks", "notRemoteIpBlocks",
        "requestPrincipals", "notRequestPrincipals"};
    if (const std::string more = Beyond(&node, kKnown); !more.empty()) {
      return (void)Fail("`" + more + "`"), false;
    }
    return Values(node, "principals", Principal, parts) &&
           Values(node, "namespaces", Namespace, parts) &&
           Values(node, "ipBlocks", SourceBlock, parts) &&
           Values(node, "remoteIpBlocks", RemoteBlock, parts) &&
           Values(
               node, "requestPrincipals",
               [this](const std::string& text) { return RequestPrincipal(text); }, parts);
  }

  bool Operation(const Node& node, Parts& parts) {
    static const std::vector<std::string> kKnown = {"hosts",   "notHosts",   "ports", "notPorts",
                                                    "methods", "notMethods", "paths", "notPaths"};
    if (const std::string more = Beyond(&node, kKnown); !more.empty()) {
      return (void)Fail("`" + more + "`"), false;
    }
    const auto method = [](const std::string& text) -> std::optional<dsl::Condition> {
      if (text.find('*') != std::string::npos) return std::nullopt;
      return Holds(dsl::MethodIn{{Text(text)}});
    };
    const auto path = [](const std::string& text) -> std::optional<dsl::Condition> {
      if (text.find('{') != std::string::npos || text == "*") return std::nullopt;
      return Holds(dsl::PathIs{{{ValuePattern(text), {}}}});
    };
    const auto host = [](const std::string& text) -> std::optional<dsl::Condition> {
      // The language's hosts have no ports, and those that are written for it have them.
      if (text == "*" || text.ends_with(":*")) return std::nullopt;
      return Holds(dsl::HostIs{{{ValuePattern(text), {}}}});
    };
    const auto port = [this](const std::string& text) -> std::optional<dsl::Condition> {
      if (service_ == nullptr) return std::nullopt;
      const std::optional<dsl::Port> number = ServicePort(*service_, text);
      if (!number) return std::nullopt;
      return Holds(dsl::PortIn{{*number}});
    };
    Node plain = node;
    DropPortedHosts(plain, "hosts");
    DropPortedHosts(plain, "notHosts");
    return Values(plain, "hosts", host, parts) && Values(plain, "methods", method, parts) &&
           Values(plain, "paths", path, parts) && Values(plain, "ports", port, parts);
  }

  // `a` and `a:*` together are the host `a` of the language.
  static void DropPortedHosts(Node& operation, std::string_view field) {
    for (Node::Entry& entry : operation.entries) {
      if (entry.key != field) continue;
      std::set<std::string> plain;
      for (const Node& host : entry.value.items) plain.insert(host.text);
      std::erase_if(entry.value.items, [&](const Node& host) {
        return host.text.ends_with(":*") &&
               plain.contains(host.text.substr(0, host.text.size() - 2));
      });
    }
  }

  // `request.headers[x]` -> "x"; nullopt when the key is another one.
  static std::optional<std::string> Bracketed(const std::string& key, const std::string& of) {
    if (!key.starts_with(of + "[") || !key.ends_with("]")) return std::nullopt;
    return key.substr(of.size() + 1, key.size() - of.size() - 2);
  }

  bool When(const Node& node, Parts& parts) {
    const std::string key = node.StringOr("key", "");
    const auto make = [&](const std::string& text) -> std::optional<dsl::Condition> {
      const Spanned<Pattern> pattern{ValuePattern(text), {}};
      if (const auto header = Bracketed(key, "request.headers")) {
        if (header->starts_with(':')) return std::nullopt;
        return Holds(dsl::HeaderIs{Text(*header), {pattern}});
      }
      if (const auto claim = Bracketed(key, "request.auth.claims")) return Claim(*claim, pattern);
      if (key == "source.ip") return SourceBlock(text);
      if (key == "remote.ip") return RemoteBlock(text);
      if (key == "source.principal") return Principal(text);
      if (key == "source.namespace") return Namespace(text);
      if (key == "connection.sni") return Holds(dsl::SniIs{{pattern}});
      return std::nullopt;
    };
    Parts own;
    if (!Values(node, "values", make, own)) {
      why_ = "`when` of `" + key + "` has no word";
      return false;
    }
    parts.insert(parts.end(), own.begin(), own.end());
    return true;
  }

  // Of the one provider there is: Istio does not say whose claim it is.
  std::optional<dsl::Condition> Claim(std::string steps, const Spanned<Pattern>& pattern) const {
    if (draft_.issuers.size() != 1) return std::nullopt;
    std::string path;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (steps.compare(i, 2, "][") == 0) {
        path += '.';
        ++i;
      } else {
        path += steps[i] == '.' ? std::string("\\.") : std::string(1, steps[i]);
      }
    }
    return Holds(dsl::JwtClaim{{draft_.issuers.begin()->second.first, {}}, Text(path), {pattern}});
  }

  const Draft& draft_;
  const engine::KubeService* service_;
  std::string why_;
};

// Callers that the rule names stand behind `from`; the rest of it behind `when`.
void Divide(std::vector<dsl::Condition> parts, dsl::AccessClause& clause) {
  std::vector<dsl::Condition> rest;
  for (dsl::Condition& part : parts) {
    std::vector<dsl::SourceClause> sources;
    const auto take = [&](const dsl::Condition& c) {
      const auto* in = c.matcher ? std::get_if<dsl::SourceIn>(&*c.matcher) : nullptr;
      if (in != nullptr) sources.insert(sources.end(), in->sources.begin(), in->sources.end());
      return in != nullptr;
    };
    bool only = take(part);
    if (part.kind == dsl::Condition::Kind::kOr) {
      only = std::all_of(part.children.begin(), part.children.end(), take);
    }
    if (only && clause.sources.empty()) {
      clause.sources = std::move(sources);
    } else {
      rest.push_back(std::move(part));
    }
  }
  if (!rest.empty()) clause.when = AllOf(std::move(rest));
}

}  // namespace

Reason SayPeerAuthentication(Draft& draft, const Object& object) {
  const Node& spec = object.istio.spec;
  if (const std::string more = Beyond(&spec, {"selector", "mtls", "portLevelMtls"});
      !more.empty()) {
    return "`" + more + "` has no word";
  }
  const std::optional<dsl::MtlsMode> mode = ModeOf(spec.Find("mtls"));
  const Node* ports = spec.Find("portLevelMtls");
  const Node* labels = spec.At("selector.matchLabels");
  if (labels == nullptr) {
    if (!mode || ports != nullptr) return "it sets no mode for the whole namespace";
    const bool whole_mesh = object.istio.ns == draft.world.root_namespace;
    auto& slot = whole_mesh ? draft.mesh.mtls : draft.WorkspaceOf(object.istio.ns).mtls;
    if (slot) return "another object says it too";
    slot = Spanned<dsl::MtlsMode>{*mode, {}};
    return "";
  }
  const engine::KubeService* service = draft.ServiceOf(object.istio.ns, labels);
  if (service == nullptr) return "no service has exactly its labels as selector";
  dsl::ServiceDecl& decl = draft.Declare({service->ns, service->name});
  if (mode) decl.items.push_back({.value = dsl::MtlsItem{.mode = *mode, .port = {}}, .span = {}});
  if (ports == nullptr) return mode ? "" : "it says nothing";
  for (const Node::Entry& entry : ports->entries) {
    const std::optional<dsl::Port> port = ServicePort(*service, entry.key);
    const std::optional<dsl::MtlsMode> of_port = ModeOf(&entry.value);
    if (!port || !of_port) return "port " + entry.key + " is none of the service's";
    decl.items.push_back({.value = dsl::MtlsItem{.mode = *of_port, .port = port}, .span = {}});
  }
  return "";
}

Reason SayRequestAuthentication(Draft& draft, const Object& object) {
  const Node& spec = object.istio.spec;
  if (const std::string more = Beyond(&spec, {"selector", "jwtRules"}); !more.empty()) {
    return "`" + more + "` has no word";
  }
  const Node* labels = spec.At("selector.matchLabels");
  const engine::KubeService* service = draft.ServiceOf(object.istio.ns, labels);
  const std::optional<Key> gateway = draft.GatewayOf(object.istio.ns, labels);
  if (service == nullptr && !gateway) return "no service has exactly its labels as selector";
  for (const Node& rule : Items(spec, "jwtRules")) {
    static const std::vector<std::string> kKnown = {
        "issuer",     "audiences",           "jwksUri", "jwks", "fromHeaders",
        "fromParams", "forwardOriginalToken"};
    if (const std::string more = Beyond(&rule, kKnown); !more.empty()) {
      return "`" + more + "` of a rule has no word here";
    }
    const std::string issuer = rule.StringOr("issuer", "");
    dsl::JwtDecl jwt{.header = HeaderFor("jwt-" + std::to_string(draft.issuers.size() + 1), ""),
                     .issuer = Text(issuer)};
    for (const Node& audience : Items(rule, "audiences"))
      jwt.audiences.push_back(Text(audience.text));
    if (const std::string uri = rule.StringOr("jwksUri", ""); !uri.empty())
      jwt.jwks_uri = Text(uri);
    if (const std::string keys = rule.StringOr("jwks", ""); !keys.empty())
      jwt.jwks_inline = Text(keys);
    for (const Node& header : Items(rule, "fromHeaders")) {
      jwt.locations.push_back({dsl::JwtDecl::Location::Kind::kHeader,
                               Text(header.StringOr("name", "")),
                               Text(header.StringOr("prefix", ""))});
    }
    for (const Node& param : Items(rule, "fromParams")) {
      jwt.locations.push_back({dsl::JwtDecl::Location::Kind::kQuery, Text(param.text), Text("")});
    }
    const Node* forward = rule.Find("forwardOriginalToken");
    jwt.forward = forward != nullptr && forward->AsBool() == true;
    if (!jwt.jwks_uri && !jwt.jwks_inline) return "keys that the issuer's own document names";
    if (draft.issuers.contains(issuer)) return "two objects speak of issuer " + issuer;
    dsl::AuthenticateItem item;
    item.providers.push_back(jwt.header.name);
    item.optional = true;
    dsl::Item said{.value = std::move(item), .span = {}};
    draft.issuers[issuer] = {jwt.header.name.value, {object.istio.ns, object.istio.name}};
    draft.program.jwts.push_back(std::move(jwt));
    if (gateway) {
      draft.program.gateways[draft.gateways.at(*gateway)].items.push_back(std::move(said));
    } else {
      draft.Declare({service->ns, service->name}).items.push_back(std::move(said));
    }
  }
  return "";
}

Reason SayAuthorizationPolicy(Draft& draft, const Object& object) {
  const Node& spec = object.istio.spec;
  if (const std::string more = Beyond(&spec, {"selector", "action", "rules"}); !more.empty()) {
    return "`" + more + "` has no word";
  }
  const std::string action = spec.StringOr("action", "ALLOW");
  if (action != "ALLOW" && action != "DENY") return "action " + action + " has no word here";
  const Node* labels = spec.At("selector.matchLabels");
  const engine::KubeService* service = draft.ServiceOf(object.istio.ns, labels);
  const std::optional<Key> gateway = draft.GatewayOf(object.istio.ns, labels);
  if (service == nullptr && !gateway) return "no service has exactly its labels as selector";
  const Key key = gateway ? *gateway : Key{service->ns, service->name};
  const auto [at, fresh] = draft.accesses.try_emplace(key);
  dsl::AccessDecl& access = at->second;
  if (fresh) {
    access.header.owner = WordOf(object.istio.ns);
    if (gateway) {
      const dsl::GatewayDecl& decl = draft.program.gateways[draft.gateways.at(*gateway)];
      access.target_kind = dsl::AccessDecl::TargetKind::kGateway;
      access.target = dsl::QName{{decl.header.name}, {}};
      access.header.name = Text("gateway " + decl.header.name.value);
    } else {
      access.target = Qualified(key);
      access.header.name = Text(access.target->Text());
    }
  }
  const std::vector<Node>& rules = Items(spec, "rules");
  if (rules.empty() && action == "DENY") return "";  // matches nothing
  if (rules.empty()) {
    access.default_deny = true;
    return "";
  }
  for (const Node& rule : rules) {
    RuleReader reader(draft, service);
    std::optional<std::vector<dsl::Condition>> parts = reader.Read(rule);
    if (!parts) return reader.why();
    dsl::AccessClause clause;
    if (action == "DENY") clause.effect = dsl::AccessClause::Effect::kDeny;
    clause.dry_run = object.istio.dry_run;
    Divide(std::move(*parts), clause);
    clause.anyone = clause.sources.empty();
    access.clauses.push_back(std::move(clause));
  }
  return "";
}

}  // namespace weft::cli::istio
