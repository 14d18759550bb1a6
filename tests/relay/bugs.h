// Planted protocol bugs: the simulation must notice each of them.
#pragma once

#include <vector>

#include "tests/relay/simulation.h"

namespace weft::relay::sim {

[[nodiscard]] const std::vector<Bug>& PlantedBugs();

}  // namespace weft::relay::sim
