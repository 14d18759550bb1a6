// Outcomes of the reference evaluator against those of the other judges.
#pragma once

#include <string>

#include "emit/check/interpret.h"
#include "engine/request.h"

namespace weft::cross {

// The interpreter of emitted objects decides the same; "" or what differs.
[[nodiscard]] std::string Difference(const engine::Model& model, const engine::Request& request,
                                     const engine::Outcome& outcome,
                                     const emit::check::Decision& decision);

// The compiled evaluator says the same in every field, lines included; "" or the field that
// differs.
[[nodiscard]] std::string Difference(const engine::Outcome& reference,
                                     const engine::Outcome& compiled);

[[nodiscard]] std::string RequestText(const engine::Model& model, const engine::Request& request);

}  // namespace weft::cross
