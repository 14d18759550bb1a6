// What servers enforce: mTLS, authorizers, tokens, deny, allow, limits.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/compile.h"
#include "engine/compiled/rule_list.h"
#include "engine/compiled/services.h"

namespace weft::engine::compiled {

// Number of a guard in the Model.
using GuardNumber = std::uint32_t;
constexpr GuardNumber kNoGuard = 0xffffffff;
[[nodiscard]] inline GuardNumber NumberOf(const Model& model, const Guard* guard) {
  return guard == nullptr ? kNoGuard : static_cast<GuardNumber>(guard - model.guards.data());
}

class Guards {
 public:
  Guards(const Model& model, RuleBook& book, Conditions& conditions);

  // Asks a guard. `view` is what the server sees, but for the port, which is the service's; its
  // peer is the identity the client presents. Adds to `lines` those that decided. nullopt when let
  // in. `route`: of the rule that will take the request at a gateway, or nullptr. Thread-safe.
  [[nodiscard]] std::optional<Refusal> Check(GuardNumber guard, const RuleBook& book,
                                             const Conditions& conditions, const Services& services,
                                             const RouteModifiers* route, View view,
                                             InlineList<Lines, 8>& lines) const;

 private:
  using Ids = std::vector<AccessRuleId>;
  // What every decision looks at, in one cache line; the rest is in the Model.
  struct alignas(64) Compiled {
    const Guard* guard = nullptr;
    Lines lines;       // of the guard itself
    RuleList deny[2];  // by Traffic
    RuleList allow[2];
    MtlsMode mtls = MtlsMode::kPermissive;
    bool closed = false;
    bool at_gateway = false;
    bool only_access = false;  // no mTLS mode of single ports, authorizers, tokens, limits
  };

  [[nodiscard]] static std::optional<Refusal> CheckAccess(const Compiled& guard, const Model& model,
                                                          const RuleBook& book,
                                                          const Conditions& conditions,
                                                          const View& view,
                                                          InlineList<Lines, 8>& lines);

  // Guards of one service in several clusters share their lists.
  [[nodiscard]] RuleList ListOf(const Ids& ids, Traffic traffic, RuleBook& book,
                                Conditions& conditions);

  const Model& model_;
  std::vector<Compiled> guards_;  // as in the Model
  std::map<std::pair<Ids, Traffic>, RuleList> shared_;
};

}  // namespace weft::engine::compiled
