// YAML as JSON text, for what is passed on as it is.
#pragma once

#include <string>

#include "dsl/yaml.h"

namespace weft::gloo {

// One line; keys in source order.
[[nodiscard]] std::string ToJson(const yaml::Node& node);

}  // namespace weft::gloo
