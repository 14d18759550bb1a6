// Small changes to objects, most of which make them wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <random>

#include "dsl/yaml.h"

namespace weft::conformance {

// A node as JSON, which is YAML too.
[[nodiscard]] nlohmann::json ToJson(const yaml::Node& node);

// Changes one or two places below `spec` or `metadata`: a field goes, is renamed, emptied, doubled
// or gets another value.
void Mutate(nlohmann::json& object, std::mt19937_64& random);

}  // namespace weft::conformance
