// `authenticate` of routes at a gateway: Envoy's own filters, as Istio's RequestAuthentication
// knows only whole workloads. envoy.extensions.filters.http.jwt_authn.v3 checks the tokens of a
// route and leaves their payloads for envoy.extensions.filters.http.rbac.v3, which looks at the
// claims.
#pragma once

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

// Adds what `authenticate` of a rule says to typed_per_filter_config.
void AddTokenFilters(Emitter& e, const engine::RouteRule& rule, Value& per_filter);

// The filters that such settings need, at every gateway with such routes.
void EmitTokenFilters(Emitter& e);

}  // namespace weft::emit::istio
