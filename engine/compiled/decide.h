// One decision of a compiled policy.
#pragma once

#include "engine/compiled/program.h"

namespace weft::engine::compiled {

[[nodiscard]] Decision Decide(const Program& program, const Request& request);

}  // namespace weft::engine::compiled
