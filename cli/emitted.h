// The Istio objects that `weft verify --emitted` compares with the policy.
#pragma once

#include <optional>
#include <string>

#include "cli/policy.h"
#include "emit/check/interpret.h"

namespace weft::cli {

// What weft would emit; with a directory, the objects in `DIRECTORY/<cluster>/`, as `weft emit -o`
// lays them out. Istio objects of the inventory that weft did not write are there in either case.
// What Istio would refuse is reported (5101-5107). nullopt when something cannot be read, which is
// printed. The result points into the policy.
[[nodiscard]] std::optional<emit::check::Mesh> LoadEmitted(const std::string& directory,
                                                           Policy& policy);

// What weft would emit alone.
[[nodiscard]] emit::check::Mesh EmitAndRead(Policy& policy);

}  // namespace weft::cli
