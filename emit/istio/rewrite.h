// Rewrites of a VirtualService, which replace what the `uri` of a match entry covers.
#pragma once

#include <vector>

#include "emit/istio/route_match.h"

namespace weft::emit::istio {

// Entries that share a rewrite.
struct RewrittenMatches {
  std::vector<HttpMatch> matches;
  Value rewrite;  // istio/api networking/v1/virtual_service.proto HTTPRewrite
};

// The entries of a condition whose requests are rewritten, in the order they have to be tried. What
// is replaced depends on the path pattern that comes first in the condition (engine/rewrite.h), be
// it the one that let the request in or not, so the entries are sorted by that pattern. Reports as
// HttpMatches.
[[nodiscard]] std::vector<RewrittenMatches> MatchesOfRewrite(Emitter& e,
                                                             const engine::Condition& condition,
                                                             const engine::Rewrite& rewrite,
                                                             const RoutePlace& place, Span span);

}  // namespace weft::emit::istio
