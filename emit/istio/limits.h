// Rate limits: EnvoyFilters that ask a limiter (envoy.service.ratelimit.v3) or count in the proxy,
// and the limiter's own configuration (github.com/envoyproxy/ratelimit).
#pragma once

#include <string>
#include <vector>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

// envoy.config.route.v3.RateLimit, one for each limit that a limiter counts.
[[nodiscard]] Value RateLimitsOf(Emitter& e, const std::vector<engine::LimitId>& limits);

// Name of the filter that asks the limiter.
[[nodiscard]] std::string LimiterFilter(const engine::Limiter& limiter);
// envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute: the limits of the virtual host
// count beside those of the route.
[[nodiscard]] Value WithLimitsOfHost();

// EnvoyFilters at servers and gateways; a ConfigMap `weft-limits-<limiter>` beside each limiter.
void EmitLimits(Emitter& e);

}  // namespace weft::emit::istio
