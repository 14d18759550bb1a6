// Readers of the items in dsl/filter_items.h; internal to dsl/. Each begins behind its item's word.
#pragma once

#include <optional>
#include <vector>

#include "dsl/cursor.h"
#include "dsl/items.h"

namespace weft::dsl {

// Reads the filter item whose word is at the cursor; false when it is no filter's word.
bool ReadFilterItem(Cursor& c, Item& item);
// `request { … }` or `response { … }` behind `transform`.
[[nodiscard]] TransformItem ReadTransform(Cursor& c);
// `[exact "https://a", ends ".b"]`: origins of `cors` and `csrf`.
[[nodiscard]] std::vector<Spanned<Pattern>> ReadOrigins(Cursor& c);

}  // namespace weft::dsl
