// Lowering of one rule; shared by engine/routes.cc and engine/delegation.cc, internal to engine/.
#pragma once

#include <vector>

#include "engine/lowering.h"

namespace weft::engine {

// What the rule matches by itself: methods, SNI, port and condition.
[[nodiscard]] Condition MatchOf(Lowering& l, const dsl::RouteRule& rule, WorkspaceId scope);

// A rule that does not delegate. `items` are all that may apply to it, ranked.
[[nodiscard]] RouteRule LowerRule(Lowering& l, const dsl::RouteRule& decl, const Table& table,
                                  const std::vector<RankedItem>& items);

// Warns of redirects that lead back to their own rule. The rules of the table are those that are
// tried, in order.
void WarnRedirects(Lowering& l, const Table& table);

}  // namespace weft::engine
