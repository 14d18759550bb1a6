#include "dsl/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <system_error>

namespace weft::yaml {
namespace {

// The words YAML 1.1 resolves, as go-yaml v2 (which sigs.k8s.io/yaml builds on) has them in its
// table.
constexpr std::array<std::string_view, 11> kTrueWords = {
    "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
constexpr std::array<std::string_view, 11> kFalseWords = {
    "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
constexpr std::array<std::string_view, 5> kNullWords = {"", "~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 12> kSpecialFloats = {".nan",  ".NaN",  ".NAN",  ".inf",
                                                             ".Inf",  ".INF",  "+.inf", "+.Inf",
                                                             "+.INF", "-.inf", "-.Inf", "-.INF"};

template <std::size_t N>
bool Contains(const std::array<std::string_view, N>& words, std::string_view text) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool IsFloat(std::string_view text) {
  if (Contains(kSpecialFloats, text)) return true;
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  std::size_t at = !digits.empty() && (digits[0] == '+' || digits[0] == '-') ? 1 : 0;
  bool any = false;
  const auto skip_digits = [&] {
    while (at < digits.size() && digits[at] >= '0' && digits[at] <= '9') {
      ++at;
      any = true;
    }
  };
  skip_digits();
  if (at < digits.size() && digits[at] == '.') {
    ++at;
    skip_digits();
  }
  if (!any) return false;
  if (at < digits.size() && (digits[at] == 'e' || digits[at] == 'E')) {
    ++at;
    if (at < digits.size() && (digits[at] == '+' || digits[at] == '-')) ++at;
    const std::size_t exponent = at;
    skip_digits();
    if (at == exponent) return false;
  }
  return at == digits.size();
}

Kind PlainKind(std::string_view text) {
  if (Contains(kNullWords, text)) return Kind::kNull;
  if (Contains(kTrueWords, text) || Contains(kFalseWords, text)) return Kind::kBool;
  const char first = text.front();
  const bool numeric =
      (first >= '0' && first <= '9') || first == '+' || first == '-' || first == '.';
  if (!numeric) return Kind::kString;
  if (ParseInt(text)) return Kind::kInt;
  return IsFloat(text) ? Kind::kFloat : Kind::kString;
}

// Longer text that starts like a name is no word with a meaning of its own, as `false` is.
constexpr std::size_t kLongestWord = 5;

bool IsSafePlain(std::string_view text) {
  const auto is_alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !(is_alpha(text.front()) || text.front() == '/')) return false;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!is_alpha(c) && !digit && c != '-' && c != '.' && c != '_' && c != '/') return false;
  }
  return true;
}

}  // namespace

Kind ScalarKind(std::string_view tag, std::string_view text) {
  if (tag == "!") return Kind::kString;
  if (tag.empty() || tag == "?") return PlainKind(text);
  if (tag == "tag:yaml.org,2002:int") return Kind::kInt;
  if (tag == "tag:yaml.org,2002:bool") return Kind::kBool;
  if (tag == "tag:yaml.org,2002:float") return Kind::kFloat;
  if (tag == "tag:yaml.org,2002:null") return Kind::kNull;
  return Kind::kString;
}

std::optional<std::int64_t> ParseInt(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  bool negative = false;
  std::string_view rest = digits;
  if (!rest.empty() && (rest[0] == '+' || rest[0] == '-')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  int base = 10;
  if (rest.starts_with("0x")) {
    base = 16;
    rest.remove_prefix(2);
  } else if (rest.starts_with("0b")) {
    base = 2;
    rest.remove_prefix(2);
  } else if (rest.starts_with("0o")) {
    base = 8;
    rest.remove_prefix(2);
  } else if (rest.size() > 1 && rest[0] == '0') {
    base = 8;
    rest.remove_prefix(1);
  }
  if (rest.empty() || rest[0] == '-' || rest[0] == '+') return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  if (error != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
  return negative ? -value : value;
}

bool IsTrueWord(std::string_view text) { return Contains(kTrueWords, text); }

std::string QuoteString(std::string_view text) {
  std::string quoted;
  AppendQuoted(text, quoted);
  return quoted;
}

void AppendQuoted(std::string_view text, std::string& out) {
  if (IsSafePlain(text) && (text.size() > kLongestWord || PlainKind(text) == Kind::kString)) {
    out += text;
    return;
  }
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4U];
          out += kHex[static_cast<unsigned char>(c) & 0xFU];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace weft::yaml
