// The synthetic estates as objects of Gloo Mesh: `rules` objects beside the workspaces, ten kinds
// of them in turn for each service, so that 10,000 for 1,000 services are one of each.
#pragma once

#include "tests/generate/estate.h"

namespace weft::generate {

[[nodiscard]] Estate GenerateGloo(Size size);

}  // namespace weft::generate
