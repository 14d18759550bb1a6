// Durations on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weft::cli {

// "90s", "10m", "2h" in seconds; nothing for anything else.
[[nodiscard]] inline std::optional<std::int64_t> Seconds(const std::string& text) {
  if (text.size() < 2 || text.size() > 8) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = 10 * number + (c - '0');
  }
  switch (text.back()) {
    case 's':
      return number;
    case 'm':
      return 60 * number;
    case 'h':
      return 3600 * number;
    default:
      return std::nullopt;
  }
}

}  // namespace weft::cli
