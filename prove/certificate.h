// Certificates: what `weft verify` found, with arguments that a reader can go through without a
// solver and without weft's verifier; docs/certificates.md has the format.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "dsl/span.h"
#include "engine/model.h"
#include "verifier/verify.h"

namespace weft::prove {

// The policy as far as the arguments speak of it, every verdict of the report, and the arguments:
// for isolation of workspaces and for laws that refuse requests at servers, of each port a division
// of all requests into cells that are blocked, or a request that gets in. `report` must be of
// verifier::Verify of the model, with every property. Deterministic. `place` gives "file:line".
[[nodiscard]] nlohmann::json Certify(const engine::Model& model, const verifier::Report& report,
                                     const std::function<std::string(Span)>& place);

}  // namespace weft::prove
