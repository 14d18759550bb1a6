// The path a server sees after a route's rewrite.
#pragma once

#include <string>
#include <string_view>

#include "engine/model.h"

namespace weft::engine {

// Applies `rewrite` to `path`, which `match` has matched. The part of the path that the first
// matching
// `=`, `under` or `starts` pattern of the condition covers is replaced: `under "/api"` rewritten to
// "/v2" turns "/api/x" into "/v2/x" and "/api" into "/v2"; with no such pattern the leading "/" is
// replaced. With a regex every match is substituted (RE2 GlobalReplace), as Envoy's regex_rewrite
// does.
[[nodiscard]] std::string RewritePath(const Condition& match, const Rewrite& rewrite,
                                      std::string_view path);

}  // namespace weft::engine
