#include "dsl/gloo/duration.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace weft::gloo {
namespace {

constexpr double kMaxMillis = 1e15;

// Milliseconds of one unit at the beginning of `text`, which is taken off.
std::optional<double> TakeUnit(std::string_view& text) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"ms", 1}, {"us", 1e-3}, {"ns", 1e-6}, {"h", 3600e3}, {"m", 60e3}, {"s", 1e3}}};
  for (const auto& [unit, millis] : kUnits) {
    if (!text.starts_with(unit)) continue;
    text.remove_prefix(unit.size());
    return millis;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseGoDuration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds{0};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    double value = 0;
    const char* const end = text.data() + digits;
    const auto parsed = std::from_chars(text.data(), end, value);
    if (digits == 0 || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    text.remove_prefix(digits);
    const std::optional<double> unit = TakeUnit(text);
    if (!unit) return std::nullopt;
    total += value * *unit;
  }
  const double rounded = std::round(total);
  if (rounded > kMaxMillis || std::abs(total - rounded) > 1e-6) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(rounded)};
}

}  // namespace weft::gloo
