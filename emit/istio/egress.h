// External services behind an egress gateway. The callers' proxies send what is meant for one to
// the gateway's Service, by the mesh's mutual TLS and under the service's own name (SNI), and the
// gateway sends it on.
#pragma once

#include <optional>
#include <string>

#include "emit/istio/emitter.h"

namespace weft::emit::istio {

struct Egress {
  engine::GatewayId gateway;
  const engine::Listener* listener = nullptr;
  engine::ServiceId service;  // in front of the gateway's pods
  std::string subset;         // of the gateway's Service
};

// The way out for requests to the port of the target from proxies of this cluster other than those
// of gateway `at`; nullopt: they go straight. `port` 0 is the only one it has.
[[nodiscard]] std::optional<Egress> EgressOf(const Emitter& e, const engine::TargetRef& target,
                                             std::uint16_t port, engine::GatewayId at);

// Subsets of the service for what leaves through it: one for each external service.
[[nodiscard]] Value EgressSubsets(const Emitter& e, engine::ServiceId service);

// VirtualServices at the gateways, and for callers that have no table for the host. Reports what
// Istio cannot lead out (5002).
void EmitEgress(Emitter& e);

}  // namespace weft::emit::istio
