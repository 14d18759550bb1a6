#include "emit/check/decisions.h"

#include <algorithm>
#include <optional>

#include "emit/check/authorization_rules.h"
#include "emit/check/conditions.h"
#include "emit/check/filters.h"

namespace weft::emit::check {
namespace {

using engine::MtlsMode;

std::set<std::string> TextsOf(const yaml::Node& rule, const char* field) {
  std::set<std::string> texts;
  if (const yaml::Node* list = rule.Find(field)) {
    for (const yaml::Node& item : list->items) texts.insert(item.text);
  }
  return texts;
}

// What a mode word says; nullopt for what is inherited.
std::optional<MtlsMode> ModeOf(const yaml::Node* mtls) {
  const std::string mode = mtls == nullptr ? "" : mtls->StringOr("mode", "");
  if (mode == "STRICT") return MtlsMode::kStrict;
  if (mode == "PERMISSIVE") return MtlsMode::kPermissive;
  if (mode == "DISABLE") return MtlsMode::kDisable;
  return std::nullopt;
}

bool Selects(const IstioObject& object) {
  const yaml::Node* labels = object.spec.At("selector.matchLabels");
  return labels != nullptr && !labels->entries.empty();
}

class ServerReading {
 public:
  ServerReading(const Mesh& mesh, const ObjectIndex& index, const Proxy& proxy, std::uint16_t port,
                bool http, bool names_port)
      : mesh_(mesh),
        index_(index),
        proxy_(proxy),
        port_(port),
        http_(http),
        names_port_(names_port) {}

  ServerDecision Read() {
    ReadMtls();
    if (http_) ReadTokens();
    ReadPolicies();
    return std::move(decision_);
  }

 private:
  // Objects of the proxy's namespace and of the root namespace that select it.
  [[nodiscard]] std::vector<const IstioObject*> Applying(const std::string& kind) const {
    std::vector<const IstioObject*> found;
    std::set<std::string> namespaces{mesh_.world.root_namespace, proxy_.ns};
    for (const std::string& ns : namespaces) {
      for (const IstioObject* object : index_.In(proxy_.cluster, kind, ns)) {
        if (SelectorFits(*object, proxy_.labels)) found.push_back(object);
      }
    }
    return found;
  }

  void Doubt(const IstioObject& object, Span span, std::string reason) {
    decision_.unsaid.push_back({&object, span, std::move(reason)});
  }

  // The mode of one scope. Of several objects the oldest counts, and their age is not known here.
  void TakeMode(const std::vector<const IstioObject*>& scope, bool own) {
    std::optional<MtlsMode> found;
    const IstioObject* by = nullptr;
    for (const IstioObject* object : scope) {
      std::optional<MtlsMode> mode = ModeOf(object->spec.Find("mtls"));
      const yaml::Node* ports = own ? object->spec.Find("portLevelMtls") : nullptr;
      const yaml::Node* level = ports == nullptr ? nullptr : ports->Find(std::to_string(port_));
      if (const auto special = ModeOf(level)) mode = special;
      if (by != nullptr && mode != found) {
        Doubt(*object, object->span,
              "`" + by->name + "` and `" + object->name +
                  "` are for the same workloads; the older one counts");
      }
      found = mode;
      by = object;
    }
    if (!found) return;
    decision_.mtls = *found;
    decision_.mtls_by = by;
  }

  // From the widest scope to the narrowest, which says the last word.
  void ReadMtls() {
    if (proxy_.gateway) return;
    std::vector<const IstioObject*> mesh_wide, ns_wide, own;
    const std::string& root = mesh_.world.root_namespace;
    for (const IstioObject* o : index_.In(proxy_.cluster, "PeerAuthentication", root)) {
      if (!Selects(*o)) mesh_wide.push_back(o);
    }
    if (proxy_.ns != root) {
      for (const IstioObject* o : index_.In(proxy_.cluster, "PeerAuthentication", proxy_.ns)) {
        if (!Selects(*o)) {
          ns_wide.push_back(o);
        } else if (SelectorFits(*o, proxy_.labels)) {
          own.push_back(o);
        }
      }
    }
    TakeMode(mesh_wide, false);
    TakeMode(ns_wide, false);
    TakeMode(own, true);
  }

  static TokenRule TokenRuleOf(const yaml::Node& node, const IstioObject& object) {
    TokenRule rule;
    rule.audiences = TextsOf(node, "audiences");
    rule.jwks = node.StringOr("jwks", "");
    rule.jwks_uri = node.StringOr("jwksUri", "");
    if (const yaml::Node* headers = node.Find("fromHeaders")) {
      for (const yaml::Node& header : headers->items) {
        rule.locations.insert("header " + header.StringOr("name", "") + " " +
                              header.StringOr("prefix", ""));
      }
    }
    for (const std::string& name : TextsOf(node, "fromParams")) {
      rule.locations.insert("query " + name);
    }
    for (const std::string& name : TextsOf(node, "fromCookies")) {
      rule.locations.insert("cookie " + name);
    }
    if (const yaml::Node* outputs = node.Find("outputClaimToHeaders")) {
      for (const yaml::Node& output : outputs->items) {
        rule.claims_to_headers[output.StringOr("claim", "")] = output.StringOr("header", "");
      }
    }
    const yaml::Node* forward = node.Find("forwardOriginalToken");
    rule.forward = forward != nullptr && forward->AsBool() == true;
    rule.object = &object;
    rule.span = node.span;
    return rule;
  }

  void ReadTokens() {
    for (const IstioObject* object : Applying("RequestAuthentication")) {
      const yaml::Node* rules = object->spec.Find("jwtRules");
      if (rules == nullptr) continue;
      for (const yaml::Node& node : rules->items) {
        const std::string issuer = node.StringOr("issuer", "");
        TokenRule rule = TokenRuleOf(node, *object);
        for (std::uint32_t i = 0; i < mesh_.world.jwts.size(); ++i) {
          if (mesh_.world.jwts[i].issuer != issuer) continue;
          rule.provider = {i};
          trusted_.push_back({i});
          decision_.tokens.push_back(rule);
        }
        if (rule.provider.IsNone()) {
          Doubt(*object, node.span, "the policy has no tokens of `" + issuer + "`");
        }
      }
    }
  }

  void ReadPolicies() {
    const std::vector<const IstioObject*> policies = Applying("AuthorizationPolicy");
    std::set<std::string> names;
    for (const IstioObject* policy : policies) {
      if (ActionOf(*policy) == "CUSTOM") names.insert(ProviderOf(*policy));
    }
    for (const IstioObject* policy : policies) {
      const std::string action = ActionOf(*policy);
      if (action == "CUSTOM") {
        ReadCustom(*policy, names.size() > 1);
      } else if (action != "AUDIT" && !policy->dry_run) {
        const bool allow = action == "ALLOW";
        if (allow) decision_.closed_by = policy;
        AddRules(*policy, allow ? Clause::Action::kAllow : Clause::Action::kDeny, nullptr,
                 trusted_);
      }
    }
  }

  // Where the provider cannot be asked, what the rules fit is refused. istiod puts the dry run of a
  // CUSTOM policy where Envoy enforces it.
  void ReadCustom(const IstioObject& policy, bool several) {
    const auto providers = ProvidersOf(mesh_, proxy_.cluster);
    const auto provider = providers.find(ProviderOf(policy));
    const bool refuses = several || provider == providers.end() || !provider->second.usable;
    if (!refuses && !http_ && !provider->second.tcp) return;
    if (refuses && policy.dry_run) return;
    if (refuses || policy.dry_run) return AddRules(policy, Clause::Action::kDeny, nullptr, {});
    AddRules(policy, Clause::Action::kAsk, &provider->second, {});
  }

  // `trusted`: providers whose tokens were looked at before.
  void AddRules(const IstioObject& policy, Clause::Action action, const Provider* provider,
                const std::vector<engine::JwtId>& trusted) {
    const yaml::Node* rules = policy.spec.Find("rules");
    if (rules == nullptr) return;
    const DemandPlace place{.world = mesh_.world,
                            .ns = policy.ns,
                            .port = port_,
                            .http = http_,
                            .names_port = names_port_,
                            .trusted = trusted};
    for (const yaml::Node& node : rules->items) {
      if (!node.IsMapping()) continue;
      const auto rule = ReadRule(node, {mesh_.world[proxy_.cluster].trust_domain});
      if (!rule) continue;
      std::string unsaid;
      auto when = ConditionOf(*rule, action == Clause::Action::kAllow, place, unsaid);
      if (!when) {
        Doubt(policy, node.span, "weft has no words for `" + unsaid + "` in a rule");
        continue;
      }
      decision_.clauses.push_back(
          {.action = action,
           .authorizer = provider == nullptr ? engine::AuthorizerId{} : provider->authorizer,
           .open = provider != nullptr && provider->open,
           .when = std::move(*when),
           .object = &policy,
           .span = node.span});
    }
  }

  const Mesh& mesh_;
  const ObjectIndex& index_;
  const Proxy& proxy_;
  std::uint16_t port_;
  bool http_;
  bool names_port_;
  std::vector<engine::JwtId> trusted_;
  ServerDecision decision_;
};

}  // namespace

ObjectIndex::ObjectIndex(const Mesh& mesh) {
  for (const engine::Cluster& cluster : mesh.world.clusters) {
    auto& objects = clusters_.emplace_back();
    const auto at = mesh.objects.find(cluster.name);
    if (at == mesh.objects.end()) continue;
    for (const IstioObject& object : at->second) {
      objects[{object.kind, object.ns}].push_back(&object);
    }
  }
}

const std::vector<const IstioObject*>& ObjectIndex::In(engine::ClusterId cluster,
                                                       const std::string& kind,
                                                       const std::string& ns) const {
  static const std::vector<const IstioObject*> kNone;
  const auto& objects = clusters_[cluster.index()];
  const auto at = objects.find({kind, ns});
  return at == objects.end() ? kNone : at->second;
}

ServerDecision DecideServer(const Mesh& mesh, const ObjectIndex& index, const Proxy& proxy,
                            std::uint16_t port, bool http, bool names_port) {
  return ServerReading(mesh, index, proxy, port, http, names_port).Read();
}

}  // namespace weft::emit::check
