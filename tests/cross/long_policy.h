// Random rules in lists long enough for an index, over every field a rule can look at: what the
// compiled evaluator finds its way through. Not all of it can be said in Istio objects.
#pragma once

#include <string>

#include "engine/request.h"
#include "tests/cross/random_policy.h"

namespace weft::cross {

// A second file beside one of RandomPolicy: workspace `long` with a service, an external service, a
// destination, their tables and many access clauses.
[[nodiscard]] std::string LongPolicy(Random& random);

// A request to any name and port, mostly of the long policy, in any way a caller can come: names
// that nobody has, identities not of the inventory, several tokens, lost regions.
[[nodiscard]] engine::Request WildRequest(const engine::Model& model, Random& random);

}  // namespace weft::cross
