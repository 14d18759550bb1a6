#include "emit/check/words.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "engine/ip.h"

namespace weft::emit::check {
namespace {

bool IsAlnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// Letters and digits at both ends, and of `others` between them.
bool IsName(std::string_view text, std::string_view others) {
  return !text.empty() && IsAlnum(text.front()) && IsAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return IsAlnum(c) || others.find(c) != std::string_view::npos;
         });
}

bool AreDnsLabels(std::string_view text) {
  const std::size_t last = text.rfind('.');
  const std::string_view top = last == std::string_view::npos ? text : text.substr(last + 1);
  if (!top.empty() && std::all_of(top.begin(), top.end(), IsDigit)) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (dot == std::string_view::npos) return label.empty() || IsDnsLabel(label);
    if (!IsDnsLabel(label)) return false;
    text.remove_prefix(dot + 1);
  }
}

bool HasDnsLength(std::string_view text) { return !text.empty() && text.size() <= 255; }

}  // namespace

bool IsDnsLabel(std::string_view text) { return text.size() <= 63 && IsName(text, "-"); }

bool IsFqdn(std::string_view text) { return HasDnsLength(text) && AreDnsLabels(text); }

bool IsWildcardDomain(std::string_view text) {
  if (!HasDnsLength(text)) return false;
  const std::size_t dot = text.find('.');
  const std::string_view first = text.substr(0, dot);
  // `*`, `*-name`, `name`.
  std::string_view label = first;
  if (label.starts_with('*')) label.remove_prefix(1);
  if (label.size() < first.size() && label.starts_with('-')) label.remove_prefix(1);
  const bool fits = first == "*" || (first.size() <= 63 && IsName(label, "-"));
  return fits && (dot == std::string_view::npos || AreDnsLabels(text.substr(dot + 1)));
}

bool IsPartialWildcard(std::string_view text) {
  return text.find('*') != std::string_view::npos && text != "*" && !text.starts_with("*.");
}

bool IsIp(std::string_view text) { return engine::Ip::Parse(text).has_value(); }

bool IsSubnet(std::string_view text) {
  return std::count(text.begin(), text.end(), '/') == 1 ? engine::Cidr::Parse(text).has_value()
                                                        : IsIp(text);
}

bool IsLabelKey(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    if (prefix.size() > 253) return false;
    std::size_t begin = 0;
    while (true) {
      const std::size_t dot = prefix.find('.', begin);
      if (!IsName(prefix.substr(begin, dot - begin), "-")) return false;
      if (dot == std::string_view::npos) break;
      begin = dot + 1;
    }
    text.remove_prefix(slash + 1);
  }
  return text.size() <= 63 && IsName(text, "-_.");
}

bool IsLabelValue(std::string_view text) { return text.empty() || IsName(text, "-_."); }

bool IsUnixAddress(std::string_view text) {
  return text.starts_with('@') || (text.starts_with('/') && !text.ends_with('/'));
}

bool IsHeaderName(std::string_view text) {
  // Istio's pattern takes the comma too, which stands between `+` and `.`.
  constexpr std::string_view kOthers = "!#$%&'*+,-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return IsAlnum(c) || kOthers.find(c) != std::string_view::npos;
  });
}

bool IsClaimHeader(std::string_view text) {
  constexpr std::string_view kPrefix = "@request.auth.claims";
  if (!Lower(text).starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  return text.size() > 1 &&
         (text.front() == '.' || (text.size() > 2 && text.front() == '[' && text.back() == ']'));
}

bool IsHeaderValue(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    if (c != '%') continue;
    if (text.substr(i, 2) == "%%") {
      ++i;
      continue;
    }
    // A command: %NAME% or %NAME(arguments)%.
    const std::size_t open = text.find_first_of("%(", i + 1);
    if (open == std::string_view::npos) return false;
    i = open;
    if (text[open] == '%') continue;
    const std::size_t close = text.find(')', open);
    if (close == std::string_view::npos) return false;
    i = text.find_first_not_of(' ', close + 1);
    if (i == std::string_view::npos || text[i] != '%') return false;
  }
  return true;
}

std::optional<std::chrono::nanoseconds> ParseDuration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double nanoseconds;
  };
  static constexpr Unit kUnits[] = {{"ms", 1e6},   {"us", 1e3}, {"ns", 1},
                                    {"h", 3.6e12}, {"m", 6e10}, {"s", 1e9}};
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return std::chrono::nanoseconds(0);
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const std::string number(text.substr(0, digits));
    if (std::count(number.begin(), number.end(), '.') > 1 || number == ".") return std::nullopt;
    text.remove_prefix(digits);
    const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                    [&](const Unit& u) { return text.starts_with(u.name); });
    if (unit == std::end(kUnits)) return std::nullopt;
    total += std::strtod(number.c_str(), nullptr) * unit->nanoseconds;
    text.remove_prefix(unit->name.size());
  }
  if (total > 9.2e18) return std::nullopt;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(negative ? -total : total));
}

Protocol ProtocolOf(std::string_view text) {
  const std::string name = Lower(text);
  if (name == "http" || name == "http2" || name == "http_proxy" || name == "grpc" ||
      name == "grpc-web") {
    return Protocol::kHttp;
  }
  if (name == "https") return Protocol::kHttps;
  if (name == "tls") return Protocol::kTls;
  if (name == "tcp" || name == "udp" || name == "mongo" || name == "redis" || name == "mysql") {
    return Protocol::kTcp;
  }
  return Protocol::kUnknown;
}

bool HostWithin(std::string_view a, std::string_view b) {
  if (!b.starts_with('*')) return !a.starts_with('*') && a == b;
  const std::string_view suffix = b.substr(1);
  if (a.starts_with('*')) a.remove_prefix(1);
  return a.size() >= suffix.size() && a.ends_with(suffix);
}

bool HostsMeet(std::string_view a, std::string_view b) {
  return HostWithin(a, b) || HostWithin(b, a);
}

}  // namespace weft::emit::check
