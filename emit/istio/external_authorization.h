// External authorization: security.istio.io/v1 AuthorizationPolicy with action CUSTOM, which names
// a provider of MeshConfig, and EnvoyFilters for what a provider is told or whether a route asks
// it.
#pragma once

#include <optional>
#include <string>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

// Name of the extension provider in MeshConfig.
[[nodiscard]] std::string ProviderName(const engine::Authorizer& authorizer);

// The provider a server asks, of its guard or of the routes on a gateway; nullopt = none. Istio
// asks one provider for a workload: a second one is refused.
[[nodiscard]] std::optional<engine::AuthorizerId> ProviderOf(Emitter& e,
                                                             const engine::Guard& guard);
[[nodiscard]] std::optional<engine::AuthorizerId> ProviderOfGateway(Emitter& e,
                                                                    engine::GatewayId gateway);

// envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute: asked with this context, or not.
[[nodiscard]] Value CheckSettings(const engine::ExternalAuthorization& asked);
[[nodiscard]] Value NotAsked();

void EmitExternalAuthorization(Emitter& e);

// ConfigMap `weft-settings-<authorizer>` beside each authorizer: `settings` by the name `config`.
void EmitAuthorizerSettings(Emitter& e);

}  // namespace weft::emit::istio
