#include "dsl/literals.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <utility>

namespace weft::dsl {
namespace {

// A number and the word behind it: "500ms" -> 500, "ms".
struct Quantity {
  std::int64_t value = 0;
  std::string_view unit;
};

std::optional<Quantity> SplitQuantity(std::string_view text) {
  Quantity quantity;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), quantity.value);
  if (error != std::errc() || quantity.value < 0) return std::nullopt;
  quantity.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return quantity;
}

std::optional<std::int64_t> MillisOf(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  for (const auto& [name, millis] : kUnits) {
    if (name == unit) return millis;
  }
  return std::nullopt;
}

void AppendUtf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6U));
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

// `\u{1F600}` at `at` (behind the `u`); advances past it.
bool ReadCodePoint(std::string_view body, std::size_t& at, std::string& out) {
  const std::size_t close = body.find('}', at);
  if (at >= body.size() || body[at] != '{' || close == std::string_view::npos) return false;
  std::uint32_t code = 0;
  const char* first = body.data() + at + 1;
  const char* last = body.data() + close;
  const auto [end, error] = std::from_chars(first, last, code, 16);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (error != std::errc() || end != last || code > 0x10FFFF || surrogate) return false;
  AppendUtf8(code, out);
  at = close + 1;
  return true;
}

}  // namespace

std::optional<Millis> ParseDuration(std::string_view text) {
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::optional<Quantity> part = SplitQuantity(text);
    if (!part) return std::nullopt;
    std::size_t unit = 0;
    while (unit < part->unit.size() && (part->unit[unit] < '0' || part->unit[unit] > '9')) ++unit;
    const std::optional<std::int64_t> millis = MillisOf(part->unit.substr(0, unit));
    constexpr std::int64_t kMost = std::int64_t{100} * 365 * 86'400'000;  // 100 years
    if (!millis || part->value > kMost / *millis) return std::nullopt;
    total += part->value * *millis;
    text = part->unit.substr(unit);
  }
  return Millis(total);
}

std::optional<double> ParsePercent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < 0 || value > 100) return std::nullopt;
  return value;
}

std::optional<Rate> ParseRate(std::string_view text) {
  const std::optional<Quantity> quantity = SplitQuantity(text);
  if (!quantity || quantity->value < 1) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 7> kUnits = {
      {{"/s", 1000},
       {"/sec", 1000},
       {"/min", 60'000},
       {"/m", 60'000},
       {"/h", 3'600'000},
       {"/hour", 3'600'000},
       {"/day", 86'400'000}}};
  for (const auto& [name, millis] : kUnits) {
    if (name == quantity->unit) return Rate{quantity->value, Millis(millis)};
  }
  return std::nullopt;
}

std::optional<std::int64_t> ParseSize(std::string_view text) {
  const std::optional<Quantity> quantity = SplitQuantity(text);
  if (!quantity) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kUnits = {
      {{"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}}};
  for (const auto& [name, bytes] : kUnits) {
    if (name == quantity->unit && quantity->value <= (std::int64_t{1} << 40) / bytes) {
      return quantity->value * bytes;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  const std::optional<Quantity> quantity = SplitQuantity(text);
  if (!quantity || !quantity->unit.empty()) return std::nullopt;
  return quantity->value;
}

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  const std::optional<std::int64_t> number = ParseNumber(text);
  if (!number || *number < 1 || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

bool IsAddressBlock(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  const bool v6 = address.find(':') != std::string::npos;
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), bytes.data()) != 1) return false;
  if (slash == std::string_view::npos) return true;
  const std::optional<std::int64_t> length = ParseNumber(text.substr(slash + 1));
  return length && *length <= (v6 ? 128 : 32);
}

std::optional<std::string_view> Unquoted(std::string_view token_text) {
  for (const char quote : {'"', '\''}) {
    if (!token_text.starts_with(quote)) continue;
    if (token_text.size() < 2 || !token_text.ends_with(quote)) return std::nullopt;
    return token_text.substr(1, token_text.size() - 2);
  }
  constexpr std::string_view kSmart = "\xE2\x80";  // and one more byte, on either side
  const bool smart = token_text.size() >= 6 && token_text.starts_with(kSmart) &&
                     token_text.substr(token_text.size() - 3).starts_with(kSmart);
  if (!smart) return std::nullopt;
  return token_text.substr(3, token_text.size() - 6);
}

std::optional<std::string> Unescape(std::string_view token_text) {
  if (token_text.starts_with("\"\"\"") && token_text.size() >= 6) {
    return std::string(token_text.substr(3, token_text.size() - 6));
  }
  const std::string_view body = Unquoted(token_text).value_or(token_text);
  if (body.find('\\') == std::string_view::npos) return std::string(body);
  std::string out;
  for (std::size_t at = 0; at < body.size();) {
    if (body[at] != '\\') {
      out += body[at++];
      continue;
    }
    if (at + 1 >= body.size()) return std::nullopt;
    const char escape = body[at + 1];
    at += 2;
    switch (escape) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case '"':
      case '\\':
        out += escape;
        break;
      case 'u':
        if (!ReadCodePoint(body, at, out)) return std::nullopt;
        break;
      default:
        return std::nullopt;
    }
  }
  return out;
}

}  // namespace weft::dsl
