// Demands of AuthorizationPolicies as conditions over requests, for proofs: the same matching as
// attributes.h, said once for all requests instead of asked of one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "emit/check/authorization_rules.h"
#include "engine/model.h"

namespace weft::emit::check {

// Where a demand stands.
struct DemandPlace {
  const engine::Model& world;
  std::string ns;                      // of the policy
  std::uint16_t port = 0;              // of the workload
  bool http = true;                    // a filter chain that sees HTTP
  bool names_port = false;             // clients write the port behind the host
  std::vector<engine::JwtId> trusted;  // providers whose tokens are known at this place
};

// Requests whose attribute is `value`. nullopt: conditions have no words for it.
[[nodiscard]] std::optional<engine::Condition> ConditionOf(const Demand& demand,
                                                           const std::string& value,
                                                           const DemandPlace& place);

// Requests the rule fits; what istiod cannot use is treated as authorization.h says. nullopt as
// above, with what has no words in `unsaid`.
[[nodiscard]] std::optional<engine::Condition> ConditionOf(const Rule& rule, bool allow,
                                                           const DemandPlace& place,
                                                           std::string& unsaid);

}  // namespace weft::emit::check
