// Characters of other scripts, by name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weft {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;  // of its UTF-8
};

// The first of a text that is well-formed UTF-8 and not empty.
[[nodiscard]] CodePoint FirstCodePoint(std::string_view text);

// "U+00A0, a no-break space"; the number alone where weft has no name for it.
[[nodiscard]] std::string Describe(CodePoint point);

// The ASCII letter that looks like it; 0 when none does.
[[nodiscard]] char LooksLike(CodePoint point);

}  // namespace weft
