// Numbers that make a random test longer or repeat it.
#pragma once

namespace weft::cross {

// The environment variable as a number, else `fallback`.
[[nodiscard]] unsigned FromEnvironment(const char* name, unsigned fallback);

}  // namespace weft::cross
