// From a chosen target to the backends that get the request: locality tiers and what servers say.
#pragma once

#include <optional>
#include <vector>

#include "engine/request.h"

namespace weft::engine {

// Where the proxy that sends the request runs and as whom.
struct Sender {
  ClusterId cluster;
  Locality locality;
  std::optional<Identity> identity;  // presented to servers under automatic mTLS
};

// Endpoints of `target` that are ready under the request's losses and reachable from the sender,
// most preferred tier first. A service has the endpoints of the sender's own cluster only; a
// destination has those of its backings: own cluster, same network, or behind an east-west gateway.
[[nodiscard]] std::vector<Tier> TiersOf(const Model& model, const TargetRef& target,
                                        const std::string& subset, const Sender& sender,
                                        const Request& request);

// Sends `request` (as it leaves the proxy: path, host and headers rewritten) to one weighted
// target. `port` is the service port.
[[nodiscard]] Branch Deliver(const Model& model, const Forward& forward, std::uint16_t port,
                             const Sender& sender, const Request& request,
                             std::vector<Span>& rules);

}  // namespace weft::engine
