// What Envoy's jwt_authn filter and the rbac filter behind it make of the tokens of a request,
// where EnvoyFilters put them and a route's settings name a requirement, as
// envoy.extensions.filters.http.jwt_authn.v3 and envoy.extensions.filters.http.rbac.v3 say.
#pragma once

#include <optional>

#include "emit/check/filters.h"

namespace weft::emit::check {

// The filters that stand `first`, in front of external authorization, or in front of the router.
[[nodiscard]] std::optional<Refusal> AskTokens(const Mesh& mesh, const Patches& patches, bool first,
                                               const engine::Request& request);

// Whether the token filters of the place stand in front of the filters that count.
[[nodiscard]] bool TokensBeforeLimits(const Patches& patches, bool first);

}  // namespace weft::emit::check
