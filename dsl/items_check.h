// Which policy items may stand where.
#pragma once

#include <string_view>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"

namespace weft::dsl {

// The word an item begins with, for messages.
[[nodiscard]] std::string_view ItemWord(const Item& item);

// Reports items given twice in one block.
void CheckRepeated(const std::vector<Item>& items, Diagnostics& diagnostics);

// Reports items that cannot stand where they stand, and items given twice in one block.
void CheckItems(const Program& program, Diagnostics& diagnostics);

}  // namespace weft::dsl
