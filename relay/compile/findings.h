// Findings as JSON: one shape for `weft verify -o json` and the status of the relay.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/source.h"
#include "engine/model.h"
#include "verifier/verify.h"

namespace weft::relay {

// "W4102".
[[nodiscard]] std::string CodeText(std::uint16_t number);

// {"file":…,"line":…,"column":…}; file and line are null for an unknown place.
[[nodiscard]] nlohmann::ordered_json PlaceJson(Span span, const SourceMap& sources);

// One diagnostic as an element of `findings`.
[[nodiscard]] nlohmann::ordered_json FindingJson(const Diagnostic& diagnostic,
                                                 const SourceMap& sources);

// The `findings` array of diagnostics, sorted.
[[nodiscard]] nlohmann::ordered_json FindingsJson(const Diagnostics& diagnostics,
                                                  const SourceMap& sources);

// The findings of the proofs, each with its witness: the request that shows it.
[[nodiscard]] std::vector<nlohmann::ordered_json> ProofFindingsJson(const verifier::Report& report,
                                                                    const engine::Model& model,
                                                                    const SourceMap& sources);

}  // namespace weft::relay
