// `transform`: what of it a stock proxy does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/items.h"
#include "engine/model.h"

namespace weft::engine {

// Header changes that say the same as the transformation; nullopt when it takes more than that. A
// header that is set to nothing is removed, as its templates have it.
[[nodiscard]] std::optional<std::vector<HeaderOp>> HeadersOf(const dsl::TransformItem& item);

// The first part that cannot be kept, for people; "" when HeadersOf has all of it.
[[nodiscard]] std::string NotKept(const dsl::TransformItem& item);

}  // namespace weft::engine
