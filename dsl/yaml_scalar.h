// Types of plain YAML scalars, as Kubernetes clients resolve them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dsl/yaml.h"

namespace weft::yaml {

// Kind of a scalar with the tag yaml-cpp reports: "!" for quoted, "?" or "" for plain, else an
// explicit tag such as tag:yaml.org,2002:str.
[[nodiscard]] Kind ScalarKind(std::string_view tag, std::string_view text);

// Value of a scalar of Kind::kInt: decimal, 0x, 0b, 0o and leading-0 octal, `_` separators.
[[nodiscard]] std::optional<std::int64_t> ParseInt(std::string_view text);

// Whether a kBool scalar means true.
[[nodiscard]] bool IsTrueWord(std::string_view text);

}  // namespace weft::yaml
