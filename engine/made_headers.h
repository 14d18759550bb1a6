// Headers that a `transform` makes of others, and limits that ask about them. Internal to lowering.
#pragma once

#include <utility>
#include <vector>

#include "engine/lowering.h"

namespace weft::engine {

// An item of a rule with the limits it added.
using LimitsOfItem = std::pair<const dsl::Item*, std::vector<LimitId>>;

// Limits that come behind a transformation of requests ask about what it made: they are replaced in
// `rule` by limits that ask the same of the headers it was made from. What cannot be followed, and
// a transformation that comes too late, is reported.
void FollowTransforms(Lowering& l, const std::vector<const dsl::Item*>& items,
                      const std::vector<LimitsOfItem>& limits, RouteRule& rule);

}  // namespace weft::engine
