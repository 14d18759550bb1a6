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

class Guards {
 public:
  Guards(const Model& model, Conditions& conditions);

  // Asks a guard of the Model. `view` is what the server sees, but for the port, which is the
  // service's; its peer is the identity the client presents. Adds to `lines` those that decided.
  // nullopt when let in. `route`: of the rule that will take the request at a gateway, or nullptr.
  // Thread-safe.
  [[nodiscard]] std::optional<Refusal> Check(const Guard& guard, const Conditions& conditions,
                                             const Services& services, const RouteModifiers* route,
                                             View view, InlineList<Lines, 8>& lines) const;

 private:
  using Ids = std::vector<AccessRuleId>;
  struct Lists {                     // indices into lists_
    std::uint32_t deny[2] = {0, 0};  // by Traffic
    std::uint32_t allow[2] = {0, 0};
  };

  [[nodiscard]] std::optional<Refusal> CheckAccess(const Guard& guard, const Conditions& conditions,
                                                   const View& view,
                                                   InlineList<Lines, 8>& lines) const;

  // Guards of one service in several clusters share their lists.
  [[nodiscard]] std::uint32_t ListOf(const Ids& ids, Traffic traffic, Conditions& conditions);

  const Model& model_;
  std::vector<Lists> guards_;  // as in the Model
  std::vector<RuleList> lists_;
  std::map<std::pair<Ids, Traffic>, std::uint32_t> shared_;
};

}  // namespace weft::engine::compiled
