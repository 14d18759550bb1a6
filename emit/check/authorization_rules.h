// Rules of AuthorizationPolicies as istiod reads them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emit/check/attributes.h"

namespace weft::emit::check {

using Demands = std::vector<Demand>;

// One of `from`, one of `to`, and all of `when`.
struct Rule {
  std::vector<Demands> from, to;
  Demands when;
};

// Identities stand for those of the mesh's trust domains. nullopt for a rule with a `when` key that
// does not exist: istiod skips it, whatever the action.
[[nodiscard]] std::optional<Rule> ReadRule(const yaml::Node& node,
                                           const std::vector<std::string>& trust_domains);

// Whether istiod can use every value of the rule on such a chain; it drops an ALLOW rule else.
[[nodiscard]] bool IsUsable(const Rule& rule, bool http);

[[nodiscard]] std::string ActionOf(const IstioObject& policy);
// The provider of a CUSTOM policy; "" = none is named.
[[nodiscard]] std::string ProviderOf(const IstioObject& policy);

}  // namespace weft::emit::check
