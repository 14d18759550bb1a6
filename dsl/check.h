// The one way to say "this is our bug". Never used on outside input.
#pragma once

#include <string_view>

namespace weft {

// Aborts with `message` on stderr unless `condition` holds.
void Check(bool condition, std::string_view message);

}  // namespace weft
