// YAML as JSON text, for what is passed on as it is.
#pragma once

#include <string>

#include "dsl/yaml.h"

namespace weft::yaml {

// One line; keys in source order.
[[nodiscard]] std::string ToJson(const Node& node);

}  // namespace weft::yaml
