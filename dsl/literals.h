// Literals with units, from the text of one token.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dsl/name.h"

namespace weft::dsl {

// "500ms", "2s", "5m", "1h", "365d", also combined parts without blanks ("1m30s"). nullopt
// otherwise.
[[nodiscard]] std::optional<Millis> ParseDuration(std::string_view text);
// "10%", "0.5%"; 0..100.
[[nodiscard]] std::optional<double> ParsePercent(std::string_view text);
// "100/s", "10/min", "5/h", "1/day": count and unit.
struct Rate {
  std::int64_t count = 0;
  Millis unit{1000};
};
[[nodiscard]] std::optional<Rate> ParseRate(std::string_view text);
// "4KiB", "1MiB", "512B"; bytes.
[[nodiscard]] std::optional<std::int64_t> ParseSize(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> ParseNumber(std::string_view text);
// 1..65535
[[nodiscard]] std::optional<std::uint16_t> ParsePort(std::string_view text);
// IPv4 or IPv6 address or block.
[[nodiscard]] bool IsAddressBlock(std::string_view text);
// What stands between the quotes of a string, in whatever quotes; nullopt when it has none.
[[nodiscard]] std::optional<std::string_view> Unquoted(std::string_view token_text);
// The string a token of kind kString or kText stands for; nullopt for a bad escape.
[[nodiscard]] std::optional<std::string> Unescape(std::string_view token_text);

}  // namespace weft::dsl
