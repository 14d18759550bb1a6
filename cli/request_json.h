// A request, and what becomes of it, as JSON from which another program can send it for real.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "engine/model.h"
#include "engine/request.h"

namespace weft::cli {

// What a caller has to do: where it is and who (source, identity), where it sends (gateway, or host
// and port; `address` names the service, destination or external that the host means), and what.
// Absent parts are null. Tokens carry what a signer needs.
[[nodiscard]] nlohmann::ordered_json RequestJson(const engine::Model& model,
                                                 const engine::Request& request);

// `outcome` served, answered or blocked; for the first, the branches with their tiers of backends
// and, for each backend, the workloads it stands for.
[[nodiscard]] nlohmann::ordered_json ResultJson(const engine::Model& model,
                                                const engine::Request& request,
                                                const engine::Outcome& outcome);

// Name, trust domain, network and domain of each cluster.
[[nodiscard]] nlohmann::ordered_json ClustersJson(const engine::Model& model);

}  // namespace weft::cli
