#include "emit/check/tokens.h"

#include <algorithm>
#include <map>

#include "emit/check/strings.h"

namespace weft::emit::check {
namespace {

using engine::Request;

// Payloads that verified tokens leave for the filters behind, by the name the provider gives.
using Payloads = std::map<std::string, const engine::Token*>;

enum class Seen { kMissing, kBad, kGood };

struct Tokens {
  const Mesh& mesh;
  const yaml::Node& config;  // JwtAuthentication
  const Request& request;
  Payloads payloads;

  // The token a provider would find, by its issuer.
  const engine::Token* TokenOf(const yaml::Node& provider) const {
    for (const engine::Token& token : request.tokens) {
      const std::string& issuer = mesh.world[token.provider].issuer;
      if (issuer == provider.StringOr("issuer", issuer)) return &token;
    }
    return nullptr;
  }

  Seen Verify(const std::string& name) {
    const yaml::Node* providers = config.Find("providers");
    const yaml::Node* provider = providers == nullptr ? nullptr : providers->Find(name);
    if (provider == nullptr) return Seen::kBad;
    const bool keys =
        provider->Find("remote_jwks") != nullptr || provider->Find("local_jwks") != nullptr;
    const engine::Token* token = TokenOf(*provider);
    if (token == nullptr) return Seen::kMissing;
    if (!token->valid || !keys) return Seen::kBad;
    const std::string key = provider->StringOr("payload_in_metadata", "");
    if (!key.empty()) payloads[key] = token;
    return Seen::kGood;
  }

  // JwtRequirement; `requires_any` holds when one of its parts does.
  bool Satisfies(const yaml::Node& requirement) {
    if (const yaml::Node* name = requirement.Find("provider_name")) {
      return Verify(name->text) == Seen::kGood;
    }
    const yaml::Node* any = requirement.At("requires_any.requirements");
    if (any == nullptr) return false;
    bool bad = false;
    bool good = false;
    bool missing_passes = false;
    bool all_pass = false;
    for (const yaml::Node& one : any->items) {
      if (const yaml::Node* name = one.Find("provider_name")) {
        const Seen seen = Verify(name->text);
        good = good || seen == Seen::kGood;
        bad = bad || seen == Seen::kBad;
      }
      missing_passes = missing_passes || one.Find("allow_missing") != nullptr;
      all_pass = all_pass || one.Find("allow_missing_or_failed") != nullptr;
    }
    return good || all_pass || (missing_passes && !bad);
  }
};

// ---- claims

// ValueMatcher on a claim's values: one is a text, several are a list of texts.
bool FitsValues(const yaml::Node& matcher, const std::vector<std::string>& values) {
  if (const yaml::Node* any = matcher.At("or_match.value_matchers")) {
    return std::any_of(any->items.begin(), any->items.end(),
                       [&](const yaml::Node& one) { return FitsValues(one, values); });
  }
  if (const yaml::Node* one_of = matcher.At("list_match.one_of")) {
    if (values.size() < 2) return false;
    return std::any_of(values.begin(), values.end(),
                       [&](const std::string& value) { return FitsValues(*one_of, {value}); });
  }
  const yaml::Node* regex = matcher.At("string_match.safe_regex.regex");
  return regex != nullptr && values.size() == 1 && MatchesRegex(regex->text, values.front());
}

bool FitsMetadata(const yaml::Node& metadata, const Payloads& payloads) {
  const yaml::Node* path = metadata.Find("path");
  const yaml::Node* value = metadata.Find("value");
  if (path == nullptr || path->items.empty() || value == nullptr ||
      metadata.StringOr("filter", "") != "envoy.filters.http.jwt_authn") {
    return false;
  }
  const auto payload = payloads.find(path->items.front().StringOr("key", ""));
  if (payload == payloads.end()) return false;
  std::string claim;
  for (std::size_t i = 1; i < path->items.size(); ++i) {
    claim += (claim.empty() ? "" : ".") + WithoutDots(path->items[i].StringOr("key", ""));
  }
  const auto at = payload->second->claims.find(claim);
  return at != payload->second->claims.end() && FitsValues(*value, at->second);
}

bool FitsPrincipal(const yaml::Node& principal, const Payloads& payloads) {
  const auto fits = [&](const yaml::Node& one) { return FitsPrincipal(one, payloads); };
  if (const yaml::Node* all = principal.At("and_ids.ids")) {
    return std::all_of(all->items.begin(), all->items.end(), fits);
  }
  if (const yaml::Node* any = principal.At("or_ids.ids")) {
    return std::any_of(any->items.begin(), any->items.end(), fits);
  }
  const yaml::Node* metadata = principal.Find("metadata");
  return metadata != nullptr && FitsMetadata(*metadata, payloads);
}

// ALLOW rules of RBACPerRoute, each open to any request that one of its principals fits.
bool Admits(const yaml::Node& per_route, const Payloads& payloads) {
  const yaml::Node* policies = per_route.At("rbac.rules.policies");
  if (policies == nullptr) return true;
  return std::any_of(policies->entries.begin(), policies->entries.end(), [&](const auto& policy) {
    const yaml::Node* principals = policy.value.Find("principals");
    return principals != nullptr &&
           std::any_of(principals->items.begin(), principals->items.end(),
                       [&](const yaml::Node& one) { return FitsPrincipal(one, payloads); });
  });
}

// HTTP filters of the place in the order in which requests meet them.
std::vector<const yaml::Node*> FiltersOf(const Patches& patches, bool first) {
  std::vector<const yaml::Node*> filters;
  for (const yaml::Node* patch : patches.filters) {
    const yaml::Node* operation = patch->At("patch.operation");
    if (operation != nullptr && (operation->text == "INSERT_FIRST") == first) {
      filters.push_back(patch->At("patch.value"));
    }
  }
  if (first) std::reverse(filters.begin(), filters.end());
  return filters;
}

bool IsOf(const yaml::Node* filter, std::string_view type) {
  const yaml::Node* config = filter == nullptr ? nullptr : filter->Find("typed_config");
  return config != nullptr && config->StringOr("@type", "").ends_with(type);
}

}  // namespace

std::optional<Refusal> AskTokens(const Mesh& mesh, const Patches& patches, bool first,
                                 const Request& request) {
  Payloads payloads;
  for (const yaml::Node* filter : FiltersOf(patches, first)) {
    if (filter == nullptr) continue;
    const yaml::Node* settings = PerRoute(patches, filter->StringOr("name", ""));
    if (settings == nullptr) continue;
    if (IsOf(filter, ".JwtAuthentication")) {
      Tokens tokens{mesh, *filter->Find("typed_config"), request, {}};
      const yaml::Node* map = tokens.config.Find("requirement_map");
      const yaml::Node* wanted =
          map == nullptr ? nullptr : map->Find(settings->StringOr("requirement_name", ""));
      if (wanted == nullptr || !tokens.Satisfies(*wanted)) return Refusal{"authentication", 401};
      payloads.merge(tokens.payloads);
    } else if (IsOf(filter, ".RBAC") && !Admits(*settings, payloads)) {
      return Refusal{"denied", 403};
    }
  }
  return std::nullopt;
}

bool TokensBeforeLimits(const Patches& patches, bool first) {
  for (const yaml::Node* filter : FiltersOf(patches, first)) {
    if (IsOf(filter, ".JwtAuthentication")) return true;
    if (IsOf(filter, ".RateLimit") || IsOf(filter, ".LocalRateLimit")) return false;
  }
  return true;
}

}  // namespace weft::emit::check
