#include "dsl/code_point.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace weft {
namespace {

std::string_view CharacterName(char32_t value) {
  static constexpr std::array<std::pair<char32_t, std::string_view>, 12> kNames = {{
      {0x00A0, "a no-break space"},
      {0x200B, "a zero-width space"},
      {0x200C, "a zero-width non-joiner"},
      {0x200D, "a zero-width joiner"},
      {0x2013, "a dash"},
      {0x2014, "a dash"},
      {0x2018, "a quotation mark"},
      {0x2019, "a quotation mark"},
      {0x201C, "a quotation mark"},
      {0x201D, "a quotation mark"},
      {0x202F, "a narrow no-break space"},
      {0xFEFF, "a byte order mark"},
  }};
  for (const auto& [known, name] : kNames) {
    if (known == value) return name;
  }
  if (value >= 0x0370 && value <= 0x03FF) return "a Greek letter";
  if (value >= 0x0400 && value <= 0x052F) return "a Cyrillic letter";
  if (value >= 0x202A && value <= 0x202E) return "a mark that turns the direction of text";
  if (value >= 0x2066 && value <= 0x2069) return "a mark that turns the direction of text";
  return "";
}

}  // namespace

CodePoint FirstCodePoint(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const char32_t lead = byte(0);
  const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t value = bytes == 1 ? lead : lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes && i < text.size(); ++i) value = value << 6 | (byte(i) & 0x3F);
  return {value, bytes};
}

std::string Describe(CodePoint point) {
  std::array<char, 16> number{};
  std::snprintf(number.data(), number.size(), "U+%04X", static_cast<std::uint32_t>(point.value));
  const std::string_view name = CharacterName(point.value);
  return number.data() + std::string(name.empty() ? "" : ", ") + std::string(name);
}

char LooksLike(CodePoint point) {
  static constexpr std::array<std::pair<char32_t, char>, 14> kLetters = {{
      {0x0430, 'a'},
      {0x0435, 'e'},
      {0x043E, 'o'},
      {0x0440, 'p'},
      {0x0441, 'c'},
      {0x0443, 'y'},
      {0x0445, 'x'},
      {0x0456, 'i'},
      {0x0455, 's'},
      {0x0458, 'j'},
      {0x04BB, 'h'},
      {0x0501, 'd'},
      {0x03BF, 'o'},
      {0x03BD, 'v'},
  }};
  for (const auto& [known, letter] : kLetters) {
    if (known == point.value) return letter;
  }
  return 0;
}

}  // namespace weft
