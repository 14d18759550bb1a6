#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace weft {

// Offset of the first byte that is not part of well-formed UTF-8 (RFC 3629: no overlong forms, no
// surrogates, at most U+10FFFF); nullopt when the text is valid.
[[nodiscard]] std::optional<std::size_t> FirstInvalidUtf8(std::string_view text);

}  // namespace weft
