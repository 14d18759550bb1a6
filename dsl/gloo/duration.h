// Durations as Go writes them, which is how Gloo's fields are written.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace weft::gloo {

// "0.5s", "1m30s", "1.5h", "100ms"; whole milliseconds, not negative. nullopt otherwise.
[[nodiscard]] std::optional<std::chrono::milliseconds> ParseGoDuration(std::string_view text);

}  // namespace weft::gloo
