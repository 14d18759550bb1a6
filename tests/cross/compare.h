// An outcome of the reference evaluator against a decision of the interpreter.
#pragma once

#include <string>

#include "emit/check/interpret.h"
#include "engine/request.h"

namespace weft::cross {

// "" when they agree, else what differs.
[[nodiscard]] std::string Difference(const engine::Model& model, const engine::Request& request,
                                     const engine::Outcome& outcome,
                                     const emit::check::Decision& decision);

[[nodiscard]] std::string RequestText(const engine::Model& model, const engine::Request& request);

}  // namespace weft::cross
