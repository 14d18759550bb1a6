// JWTPolicy and ExtAuthPolicy: who the caller's user is.
#include <utility>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/reading.h"
#include "dsl/yaml_json.h"

namespace weft::gloo {
namespace {

// ---- tokens

void ReadTokenSource(const View& provider, dsl::JwtDecl& decl) {
  const View source = provider["tokenSource"];
  for (const View& header : source.List("headers")) {
    decl.locations.push_back({.kind = dsl::JwtDecl::Location::Kind::kHeader,
                              .name = header.String("name").value_or(dsl::Str{"", header.span()}),
                              .prefix = header.String("prefix").value_or(dsl::Str{})});
  }
  for (const dsl::Str& query : source.Strings("queryParams")) {
    decl.locations.push_back(
        {.kind = dsl::JwtDecl::Location::Kind::kQuery, .name = query, .prefix = {}});
  }
}

void ReadKeys(Reading& r, const View& provider, const Object& object, dsl::JwtDecl& decl) {
  const View local = provider["local"];
  decl.jwks_inline = local.String("inline");
  const View remote = provider["remote"];
  if (remote) {
    decl.jwks_uri = remote.String("url");
    if (const View destination = remote["destinationRef"]) {
      if (std::optional<dsl::Target> target = r.ReadTarget(destination, object)) {
        decl.jwks_service = std::move(target->name);
      }
    }
    decl.jwks_cache = remote.Duration("cacheDuration");
    decl.jwks_timeout = remote.Duration("timeout");
  }
  if (!decl.jwks_inline && !decl.jwks_uri && !local.Has("secretRef")) {
    r.diagnostics.Error(codes::kBadCombination, provider.span(),
                        "a JWT provider needs its keys: `local.inline` or `remote.url`");
  }
}

std::string ReadProvider(Reading& r, const dsl::Str& name, const View& provider,
                         const Object& object) {
  dsl::JwtDecl decl{.header = r.HeaderOf(object, r.Name("jwt", "", name.value, object.name))};
  decl.header.labels.clear();
  decl.header.name.span = name.span;
  decl.header.span = name.span;
  decl.issuer = provider.String("issuer").value_or(dsl::Str{});
  decl.audiences = provider.Strings("audiences");
  ReadTokenSource(provider, decl);
  ReadKeys(r, provider, object, decl);
  for (const View& claim : provider.List("claimsToHeaders")) {
    const dsl::Str key = claim.String("claim").value_or(dsl::Str{"", claim.span()});
    decl.claims_to_headers.push_back({key, claim.String("header").value_or(dsl::Str{})});
    if (claim.IsTrue("append")) decl.appended_claims.push_back(key);
  }
  decl.forward = provider.IsTrue("keepToken");
  decl.payload_to = provider.String("outputPayloadToHeader");
  if (const auto skew = provider.Int("clockSkewSeconds")) {
    constexpr std::int64_t kMillis = 1000;
    decl.leeway = dsl::Duration{dsl::Millis(skew->value * kMillis), skew->span};
  }
  std::string made = decl.header.name.value;
  r.program.jwts.push_back(std::move(decl));
  return made;
}

// "*" any value, "*x" and "x*" ends of it, else the value.
Spanned<Pattern> ClaimPattern(const dsl::Str& text) {
  const std::string& value = text.value;
  if (value == "*") return {Present{}, text.span};
  if (value.starts_with("*")) return {Suffix{value.substr(1)}, text.span};
  if (value.ends_with("*")) return {Prefix{value.substr(0, value.size() - 1)}, text.span};
  return {Exact{value}, text.span};
}

// Steps to a nested claim joined by dots; without a delimiter the whole is one name, and its dots
// are its own.
std::string NestedClaim(const std::string& key, const std::string& delimiter) {
  std::string path;
  for (std::size_t i = 0; i < key.size();) {
    if (!delimiter.empty() && key.compare(i, delimiter.size(), delimiter) == 0) {
      path += '.';
      i += delimiter.size();
      continue;
    }
    if (key[i] == '.') path += '\\';
    path += key[i++];
  }
  return path;
}

void ReadRequirements(const View& config, dsl::AuthenticateItem& item) {
  for (const View& claim : config.List("claims")) {
    dsl::AuthenticateItem::Require require;
    dsl::Str key = claim.String("key").value_or(dsl::Str{"", claim.span()});
    key.value = NestedClaim(key.value, claim.Text("nestedClaimDelimiter"));
    require.claim = key;
    for (const dsl::Str& value : claim.Strings("values")) {
      require.patterns.push_back(ClaimPattern(value));
    }
    if (!require.patterns.empty()) item.require.push_back(std::move(require));
  }
  for (const dsl::Str& scope : config.Strings("requiredScopes")) {
    dsl::AuthenticateItem::Require require;
    require.scope = scope;
    item.require.push_back(std::move(require));
  }
}

std::optional<dsl::Item> ReadJwtItem(Reading& r, const View& config, const Object& object) {
  dsl::AuthenticateItem item;
  for (const auto& [name, provider] : config.Map("providers")) {
    item.providers.push_back({ReadProvider(r, name, provider, object), name.span});
  }
  const std::string policy = config.Text("validationPolicy");
  const bool tolerant = config.IsTrue("allowMissingOrFailed");
  item.optional = policy == "ALLOW_MISSING";
  item.tolerant = policy == "ALLOW_MISSING_OR_FAILED" || (tolerant && !item.optional);
  const std::string cache = config.Text("clearRouteCache");
  if (cache == "FALSE") item.reroute = dsl::AuthenticateItem::Reroute::kNever;
  if (cache == "TRUE") item.reroute = dsl::AuthenticateItem::Reroute::kAlways;
  item.phase = ReadPhase(config["phase"]);
  if (!item.phase) item.phase = dsl::PhaseClause{dsl::Phase::kBeforeAuthorization, {}};
  ReadRequirements(config, item);
  if (item.providers.empty()) {
    r.diagnostics.Error(codes::kBadCombination, object.span,
                        "JWTPolicy `" + object.name + "` has no provider");
    return std::nullopt;
  }
  return dsl::Item{.value = std::move(item), .span = config.span()};
}

// ---- external authorization

std::string AuthorizerOf(Reading& r, const View& config, const Object& object) {
  const View server = config["server"];
  if (server) {
    const Ref ref = r.ReadRef(server, object);
    if (const Object* found = r.Find("ExtAuthServer", ref)) return r.NameOf(*found);
    r.diagnostics.Error(codes::kDangling, server.span(),
                        "there is no ExtAuthServer `" + ref.ns + "/" + ref.name + "` in cluster `" +
                            ref.cluster + "`");
    return "";
  }
  // The server the original falls back to, declared once.
  const std::string name = "ext-auth-service";
  for (const dsl::AuthorizerDecl& decl : r.program.authorizers) {
    if (decl.header.name.value == name) return name;
  }
  dsl::AuthorizerDecl decl{.header = r.HeaderOf(object, name)};
  decl.header.labels.clear();
  decl.service = r.Service(name, "gloo-mesh", object.span);
  r.program.authorizers.push_back(std::move(decl));
  return name;
}

std::optional<dsl::Item> ReadAuthItem(Reading& r, const View& config, const Object& object) {
  if (config.IsTrue("disable")) {
    return dsl::Item{.value = dsl::WithoutAuthorizationItem{}, .span = config["disable"].span()};
  }
  dsl::AuthorizeItem item;
  item.provider = {AuthorizerOf(r, config, object), config.span()};
  if (item.provider.value.empty()) {
    config.TakeAll();
    return std::nullopt;
  }
  if (const View gloo = config["glooAuth"]) {
    item.config = dsl::Str{object.owner + "." + r.NameOf(object), gloo.span()};
    item.settings = dsl::Str{yaml::ToJson(*gloo.node()), gloo.span()};
    gloo.TakeAll();
  }
  item.context = config["customAuth"].LabelsOf("contextExtensions");
  return dsl::Item{.value = std::move(item), .span = config.span()};
}

}  // namespace

void ReadIdentityPolicies(Reading& r) {
  for (const Object* object : r.OfKind("JWTPolicy")) {
    const View spec = r.Spec(*object);
    std::vector<dsl::Item> items;
    if (auto item = ReadJwtItem(r, spec["config"], *object)) items.push_back(std::move(*item));
    const bool destinations = !spec.List("applyToDestinations").empty();
    AddRoutePolicy(r, *object, items, !destinations);
    AddDestinationPolicy(r, *object, items, {Kinds::kServices}, false);
  }
  for (const Object* object : r.OfKind("ExtAuthPolicy")) {
    const View spec = r.Spec(*object);
    std::vector<dsl::Item> items;
    if (auto item = ReadAuthItem(r, spec["config"], *object)) items.push_back(std::move(*item));
    const bool routes = !spec.List("applyToRoutes").empty();
    AddRoutePolicy(r, *object, items, false);
    AddDestinationPolicy(r, *object, items, {Kinds::kServices}, !routes);
  }
}

}  // namespace weft::gloo
