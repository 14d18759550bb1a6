#include "emit/istio/external_authorization.h"

#include <algorithm>

#include "emit/codes.h"
#include "emit/istio/authorization_rule.h"
#include "emit/istio/envoy_filter.h"

namespace weft::emit::istio {
namespace {

constexpr const char* kFilter = "envoy.filters.http.ext_authz";

Value PerRoute() {
  Value value;
  value["@type"] =
      "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute";
  return value;
}

// CUSTOM runs before tokens and identities are known to RBAC; Istio refuses such conditions.
bool LooksAtCallers(const Value& rule) {
  const std::string text = rule.dump();
  for (const char* word : {"rincipals\"", "request.auth", "source.principal"}) {
    if (text.find(word) != std::string::npos) return true;
  }
  return false;
}

// The rules that say which requests the provider is asked about.
Value RulesOf(Emitter& e, const std::vector<engine::ExternalAuthorization>& asked,
              const Attachment& attachment) {
  Value rules = Value::array();
  for (const engine::ExternalAuthorization& one : asked) {
    // As a denial: confined to HTTP ports, where alone it holds.
    engine::AccessRule rule{.effect = engine::AccessRule::Effect::kDeny,
                            .callers = {},
                            .when = one.when,
                            .grantee = {},
                            .span = one.span};
    for (Value& written : WriteHttpRule(e, rule, attachment)) {
      if (LooksAtCallers(written)) {
        e.Refuse(codes::kInexpressible, one.span,
                 "Istio asks authorizers before it knows callers and tokens; the condition cannot "
                 "look at them");
        return Value::array();
      }
      rules.push_back(std::move(written));
    }
  }
  return rules;
}

bool HasContext(const engine::ExternalAuthorization& asked) {
  return !asked.config.empty() || !asked.context.empty();
}

// What the provider is told about every request of the server.
void EmitContext(Emitter& e, const engine::Guard& guard, const Attachment& attachment) {
  const auto told =
      std::find_if(guard.authorization.begin(), guard.authorization.end(), HasContext);
  if (told == guard.authorization.end()) return;
  if (guard.authorization.size() > 1) {
    e.Refuse(codes::kInexpressible, told->span,
             "Envoy tells an authorizer the same about all requests of a server");
    return;
  }
  Value hosts;
  hosts["typed_per_filter_config"][kFilter] = CheckSettings(*told);
  Value patches = Value::array();
  if (std::holds_alternative<engine::GatewayId>(guard.target)) {
    patches.push_back(MergeIntoHosts(PatchContext::kGateway, 0, std::move(hosts)));
  } else {
    for (const engine::ServicePort& port : attachment.ports) {
      if (port.IsHttp()) {
        patches.push_back(MergeIntoHosts(PatchContext::kInbound, port.number, hosts));
      }
    }
  }
  AddEnvoyFilter(e, attachment, "-authorizer-context", told->span, std::move(patches));
}

void EmitCustom(Emitter& e, const Attachment& attachment, engine::AuthorizerId provider, Span span,
                Value rules) {
  Object& object = e.Add("security.istio.io/v1", "AuthorizationPolicy", attachment.ns,
                         attachment.name + "-authorize", attachment.workspace, span);
  object.spec["selector"]["matchLabels"] = attachment.selector;
  object.spec["action"] = "CUSTOM";
  object.spec["provider"]["name"] = ProviderName(e.model[provider]);
  object.spec["rules"] = std::move(rules);
}

// The provider runs in this cluster, or is refused.
bool IsHere(Emitter& e, engine::AuthorizerId id, Span span) {
  const engine::Authorizer& authorizer = e.model[id];
  if (authorizer.service.IsNone()) return false;
  if (e.model[authorizer.service].In(e.cluster) != nullptr) return true;
  e.Refuse(codes::kNotHere, span,
           "authorizer `" + authorizer.name + "` has no service in this cluster");
  return false;
}

// One provider of all that are named; a second one is refused.
std::optional<engine::AuthorizerId> Only(
    Emitter& e, const std::vector<const engine::ExternalAuthorization*>& asked) {
  std::optional<engine::AuthorizerId> only;
  for (const engine::ExternalAuthorization* one : asked) {
    if (only && *only != one->provider) {
      e.Refuse(codes::kInexpressible, one->span, "Istio asks one authorizer for a workload");
    }
    if (!only) only = one->provider;
  }
  return only;
}

void EmitAtServer(Emitter& e, const engine::Guard& guard, const Attachment& attachment) {
  const std::optional<engine::AuthorizerId> provider = ProviderOf(e, guard);
  if (!provider || !IsHere(e, *provider, guard.authorization.front().span)) return;
  Value rules = RulesOf(e, guard.authorization, attachment);
  if (rules.empty()) return;
  EmitCustom(e, attachment, *provider, guard.authorization.front().span, std::move(rules));
  EmitContext(e, guard, attachment);
}

// The rules of a gateway's own policy decide about its routes too, so routes cannot ask about more.
void RefuseWiderRoutes(Emitter& e, engine::GatewayId id, const engine::Guard& guard,
                       const Attachment& attachment) {
  const Value rules = RulesOf(e, guard.authorization, attachment);
  if (std::find(rules.begin(), rules.end(), Value::object()) != rules.end()) return;
  for (const engine::Table& table : e.model.tables) {
    if (std::find(table.gateways.begin(), table.gateways.end(), id) == table.gateways.end()) {
      continue;
    }
    for (const engine::RouteRule& rule : table.rules) {
      for (const auto& one : rule.modifiers.authorization) {
        e.Refuse(codes::kInexpressible, one.span,
                 "the gateway asks about some requests only, and Istio cannot ask about more at a "
                 "route; say it at the gateway or at its routes");
      }
    }
  }
}

// At a gateway whose routes ask for themselves every virtual host says what holds without a word of
// the route: nothing is asked, or what the gateway itself asks.
void EmitAtGateway(Emitter& e, engine::GatewayId id, const Attachment& attachment) {
  const engine::Guard* guard = e.model.GuardOf(id, e.cluster);
  if (guard != nullptr && !guard->authorization.empty()) {
    EmitAtServer(e, *guard, attachment);
    (void)ProviderOfGateway(e, id);
    RefuseWiderRoutes(e, id, *guard, attachment);
    return;
  }
  const std::optional<engine::AuthorizerId> provider = ProviderOfGateway(e, id);
  if (!provider) return;
  const Span span = e.model[id].span;
  if (!IsHere(e, *provider, e.model[*provider].span)) return;
  EmitCustom(e, attachment, *provider, span, Value::array({Value::object()}));
  Value hosts;
  hosts["typed_per_filter_config"][kFilter] = NotAsked();
  AddEnvoyFilter(e, attachment, "-authorize-routes", span,
                 Value::array({MergeIntoHosts(PatchContext::kGateway, 0, std::move(hosts))}));
}

}  // namespace

std::string ProviderName(const engine::Authorizer& authorizer) { return "weft-" + authorizer.name; }

Value CheckSettings(const engine::ExternalAuthorization& asked) {
  Value value = PerRoute();
  Value& context = value["check_settings"]["context_extensions"];
  context = Value::object();
  if (!asked.config.empty()) context["config"] = asked.config;
  for (const auto& [key, text] : asked.context) context[key] = text;
  return value;
}

Value NotAsked() {
  Value value = PerRoute();
  value["disabled"] = true;
  return value;
}

std::optional<engine::AuthorizerId> ProviderOf(Emitter& e, const engine::Guard& guard) {
  std::vector<const engine::ExternalAuthorization*> asked;
  for (const auto& one : guard.authorization) asked.push_back(&one);
  return Only(e, asked);
}

std::optional<engine::AuthorizerId> ProviderOfGateway(Emitter& e, engine::GatewayId gateway) {
  std::vector<const engine::ExternalAuthorization*> asked;
  if (const engine::Guard* guard = e.model.GuardOf(gateway, e.cluster)) {
    for (const auto& one : guard->authorization) asked.push_back(&one);
  }
  for (const engine::Table& table : e.model.tables) {
    const auto& bound = table.gateways;
    if (std::find(bound.begin(), bound.end(), gateway) == bound.end()) continue;
    for (const engine::RouteRule& rule : table.rules) {
      for (const auto& one : rule.modifiers.authorization) asked.push_back(&one);
    }
  }
  return Only(e, asked);
}

void EmitExternalAuthorization(Emitter& e) {
  for (const engine::Guard& guard : e.model.guards) {
    if (guard.authorization.empty() || std::holds_alternative<engine::GatewayId>(guard.target)) {
      continue;
    }
    const std::optional<Attachment> attachment = AttachmentOf(e, guard);
    if (attachment) EmitAtServer(e, guard, *attachment);
  }
  for (std::uint32_t g = 0; g < e.model.gateways.size(); ++g) {
    const engine::Gateway& gateway = e.model.gateways[g];
    const auto& here = gateway.clusters;
    if (std::find(here.begin(), here.end(), e.cluster) == here.end()) continue;
    EmitAtGateway(e, {g}, {gateway.ns, gateway.name, gateway.selector, gateway.workspace, {}});
  }
  for (const engine::Table& table : e.model.tables) {
    if (!table.on_sidecars) continue;
    for (const engine::RouteRule& rule : table.rules) {
      for (const auto& one : rule.modifiers.authorization) {
        e.Refuse(codes::kInexpressible, one.span,
                 "callers' own proxies ask no authorizer; say `authorize` at the service");
      }
    }
  }
}

}  // namespace weft::emit::istio
