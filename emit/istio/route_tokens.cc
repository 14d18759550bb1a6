#include "emit/istio/route_tokens.h"

#include <algorithm>
#include <map>

#include "dsl/overloaded.h"
#include "emit/codes.h"
#include "emit/istio/envoy_filter.h"
#include "engine/match.h"

namespace weft::emit::istio {
namespace {

using engine::JwtProvider;
using engine::RouteAuthentication;

constexpr const char* kJwtType = "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.";
constexpr const char* kRbacType = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.";

// Filters in front of all others, and those behind authorization, have names of their own.
std::string TokenFilter(bool before) { return before ? "weft.tokens.first" : "weft.tokens"; }
std::string ClaimFilter(bool before) { return before ? "weft.claims.first" : "weft.claims"; }

// Under which name of the payloads RBAC finds that of the provider.
std::string PayloadOf(const JwtProvider& provider) { return "weft." + provider.name; }

std::string RequirementName(const Emitter& e, const RouteAuthentication& wanted) {
  std::string name;
  for (const engine::JwtId id : wanted.providers) {
    name += (name.empty() ? "" : "+") + e.model[id].name;
  }
  if (wanted.tolerant) return name + "?!";
  return wanted.optional ? name + "?" : name;
}

// ---- providers

Value Keys(Emitter& e, const JwtProvider& provider, Span span) {
  Value keys;
  if (!provider.jwks_inline.empty()) {
    keys["local_jwks"]["inline_string"] = provider.jwks_inline;
    return keys;
  }
  if (!provider.jwks_via) {
    e.Refuse(
        codes::kInexpressible, span,
        "a gateway fetches the keys of tokens of a route itself; say where `jwks from … through "
        "service …` in jwt `" +
            provider.name + "`, or give the keys with `jwks inline`");
    return keys;
  }
  Value& remote = keys["remote_jwks"];
  remote["http_uri"]["uri"] = provider.jwks_uri;
  remote["http_uri"]["cluster"] =
      "outbound|" + std::to_string(provider.jwks_port) + "||" + e.HostOf(*provider.jwks_via);
  remote["http_uri"]["timeout"] =
      DurationText(provider.jwks_timeout.value_or(engine::Millis(5000)));
  if (provider.jwks_cache) remote["cache_duration"] = DurationText(*provider.jwks_cache);
  if (provider.jwks_ahead) remote["async_fetch"] = Value::object();
  return keys;
}

void AddLocations(const JwtProvider& provider, Value& config) {
  using Kind = JwtProvider::Location::Kind;
  for (const auto& location : provider.locations) {
    switch (location.kind) {
      case Kind::kHeader: {
        Value header;
        header["name"] = location.name;
        if (!location.prefix.empty()) header["value_prefix"] = location.prefix;
        config["from_headers"].push_back(std::move(header));
        break;
      }
      case Kind::kQuery:
        config["from_params"].push_back(location.name);
        break;
      case Kind::kCookie:
        config["from_cookies"].push_back(location.name);
        break;
    }
  }
}

Value Provider(Emitter& e, const JwtProvider& provider, Span span) {
  Value config = Keys(e, provider, span);
  if (!provider.issuer.empty()) config["issuer"] = provider.issuer;
  if (!provider.audiences.empty()) config["audiences"] = provider.audiences;
  AddLocations(provider, config);
  for (const auto& [claim, header] : provider.claims_to_headers) {
    config["claim_to_headers"].push_back({{"header_name", header}, {"claim_name", claim}});
  }
  if (!provider.payload_to.empty()) config["forward_payload_header"] = provider.payload_to;
  if (provider.leeway) config["clock_skew_seconds"] = provider.leeway->count() / 1000;
  config["forward"] = provider.forward;
  config["payload_in_metadata"] = PayloadOf(provider);
  config["normalize_payload_in_metadata"]["space_delimited_claims"] = {"scope", "permission"};
  return config;
}

Value Requirement(const Emitter& e, const RouteAuthentication& wanted) {
  Value any = Value::array();
  for (const engine::JwtId id : wanted.providers) {
    any.push_back({{"provider_name", e.model[id].name}});
  }
  if (wanted.tolerant) {
    any.push_back({{"allow_missing_or_failed", Value::object()}});
  } else if (wanted.optional) {
    any.push_back({{"allow_missing", Value::object()}});
  }
  if (any.size() == 1) return any.front();
  return {{"requires_any", {{"requirements", std::move(any)}}}};
}

// ---- claims

// envoy.type.matcher.v3.ValueMatcher: the text, or one of a list of texts.
Value OneOf(const Pattern& pattern) {
  Value text;
  text["string_match"]["safe_regex"]["regex"] = engine::ToRegex(pattern);
  Value any = Value::array({text});
  any.push_back({{"list_match", {{"one_of", text}}}});
  return {{"or_match", {{"value_matchers", std::move(any)}}}};
}

// envoy.config.rbac.v3.Principal: the claim has one of the values.
Value HasClaim(const Emitter& e, const engine::ClaimMatch& claim) {
  Value path = Value::array({{{"key", PayloadOf(e.model[claim.provider])}}});
  for (const std::string& step : claim.claim) {
    path.push_back({{"key", engine::ClaimInToken(step)}});
  }
  Value any = Value::array();
  for (const Pattern& pattern : claim.any_of) {
    Value metadata;
    metadata["filter"] = "envoy.filters.http.jwt_authn";
    metadata["path"] = path;
    metadata["value"] = OneOf(pattern);
    any.push_back({{"metadata", std::move(metadata)}});
  }
  return {{"or_ids", {{"ids", std::move(any)}}}};
}

void AddClaims(const Emitter& e, const engine::Condition& require, Value& ids) {
  for (const engine::Condition& child : require.children) AddClaims(e, child, ids);
  if (!require.matcher) return;
  if (const auto* claim = std::get_if<engine::ClaimMatch>(&*require.matcher)) {
    ids.push_back(HasClaim(e, *claim));
  }
}

Value ClaimRules(Emitter& e, const RouteAuthentication& wanted) {
  if (wanted.providers.size() > 1) {
    e.Refuse(codes::kInexpressible, wanted.span,
             "Envoy may keep the claims of one token only; `require` needs a single provider");
  }
  Value ids = Value::array();
  AddClaims(e, wanted.require, ids);
  Value policy;
  policy["permissions"].push_back({{"any", true}});
  policy["principals"].push_back({{"and_ids", {{"ids", std::move(ids)}}}});
  Value settings;
  settings["@type"] = std::string(kRbacType) + "RBACPerRoute";
  settings["rbac"]["rules"]["action"] = "ALLOW";
  settings["rbac"]["rules"]["policies"]["claims"] = std::move(policy);
  return settings;
}

// ---- gateways

std::vector<const RouteAuthentication*> AtGateway(const Emitter& e, engine::GatewayId gateway,
                                                  bool before) {
  std::vector<const RouteAuthentication*> found;
  for (const engine::Table& table : e.model.tables) {
    const auto& bound = table.gateways;
    if (std::find(bound.begin(), bound.end(), gateway) == bound.end()) continue;
    for (const engine::RouteRule& rule : table.rules) {
      const auto& wanted = rule.modifiers.authentication;
      if (wanted && wanted->before_authorization == before) found.push_back(&*wanted);
    }
  }
  return found;
}

// A gateway that checks tokens of the provider itself takes them off the request.
void RefuseTwice(Emitter& e, engine::GatewayId gateway, const RouteAuthentication& wanted) {
  const engine::Guard* guard = e.model.GuardOf(gateway, e.cluster);
  if (guard == nullptr) return;
  for (const engine::Authentication& own : guard->authentication) {
    const auto& names = wanted.providers;
    if (std::find(names.begin(), names.end(), own.provider) == names.end()) continue;
    e.Refuse(codes::kInexpressible, wanted.span,
             "the gateway checks tokens of `" + e.model[own.provider].name +
                 "` for all its routes and takes them off; say it at the gateway or at its routes");
    return;
  }
}

void EmitPhase(Emitter& e, engine::GatewayId id, bool before) {
  const std::vector<const RouteAuthentication*> all = AtGateway(e, id, before);
  if (all.empty()) return;
  const engine::Gateway& gateway = e.model[id];
  Value tokens;
  tokens["@type"] = std::string(kJwtType) + "JwtAuthentication";
  bool claims = false;
  for (const RouteAuthentication* wanted : all) {
    RefuseTwice(e, id, *wanted);
    tokens["requirement_map"][RequirementName(e, *wanted)] = Requirement(e, *wanted);
    claims = claims || wanted->require.kind != engine::Condition::Kind::kTrue;
    for (const engine::JwtId provider : wanted->providers) {
      Value& config = tokens["providers"][e.model[provider].name];
      if (config.is_null()) config = Provider(e, e.model[provider], wanted->span);
    }
  }
  Value rbac;
  rbac["@type"] = std::string(kRbacType) + "RBAC";
  Value patches = Value::array(
      {InsertFilter(PatchContext::kGateway, before, TokenFilter(before), std::move(tokens))});
  if (claims) {
    patches.push_back(
        InsertFilter(PatchContext::kGateway, before, ClaimFilter(before), std::move(rbac)));
  }
  // What is put first later stands before what was put first earlier.
  if (before) std::reverse(patches.begin(), patches.end());
  const Attachment attachment{gateway.ns, gateway.name, gateway.selector, gateway.workspace, {}};
  Object& object = AddEnvoyFilter(e, attachment, before ? "-tokens-first" : "-tokens",
                                  all.front()->span, std::move(patches));
  // Tokens are checked before limits count, in either place.
  constexpr int kAfterOthers = 20;
  constexpr int kBeforeOthers = 5;
  object.spec["priority"] = before ? kAfterOthers : kBeforeOthers;
  for (const RouteAuthentication* wanted : all) object.sources.push_back(wanted->span);
}

}  // namespace

void AddTokenFilters(Emitter& e, const engine::RouteRule& rule, Value& per_filter) {
  const auto& wanted = rule.modifiers.authentication;
  if (!wanted) return;
  const bool before = wanted->before_authorization;
  Value& settings = per_filter[TokenFilter(before)];
  settings["@type"] = std::string(kJwtType) + "PerRouteConfig";
  settings["requirement_name"] = RequirementName(e, *wanted);
  if (wanted->require.kind != engine::Condition::Kind::kTrue) {
    per_filter[ClaimFilter(before)] = ClaimRules(e, *wanted);
  }
}

void EmitTokenFilters(Emitter& e) {
  for (std::uint32_t g = 0; g < e.model.gateways.size(); ++g) {
    const auto& here = e.model.gateways[g].clusters;
    if (std::find(here.begin(), here.end(), e.cluster) == here.end()) continue;
    for (const bool before : {true, false}) EmitPhase(e, {g}, before);
  }
  for (const engine::Table& table : e.model.tables) {
    for (const engine::RouteRule& rule : table.rules) {
      if (!table.on_sidecars || !rule.modifiers.authentication) continue;
      e.Refuse(codes::kInexpressible, rule.modifiers.authentication->span,
               "callers' own proxies check no tokens; say `authenticate` at the service");
    }
  }
}

}  // namespace weft::emit::istio
