// Random requests near what a random policy speaks of.
#pragma once

#include "engine/model.h"
#include "engine/request.h"
#include "tests/cross/random_policy.h"

namespace weft::cross {

[[nodiscard]] engine::Request RandomRequest(const engine::Model& model, Random& random);

}  // namespace weft::cross
