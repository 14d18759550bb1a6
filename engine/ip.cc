#include "engine/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace weft::engine {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Byte `i` of the mask of a block of `length` bits.
std::uint8_t MaskByte(std::uint8_t length, std::size_t i) {
  const int bits = std::clamp(static_cast<int>(length) - static_cast<int>(i * 8), 0, 8);
  return static_cast<std::uint8_t>(0xff00U >> static_cast<unsigned>(bits));
}

}  // namespace

std::optional<Ip> Ip::Parse(std::string_view text) {
  const std::string copy(text);
  Ip ip;
  if (text.find(':') != std::string_view::npos) {
    if (inet_pton(AF_INET6, copy.c_str(), ip.bytes.data()) != 1) return std::nullopt;
    return ip;
  }
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), ip.bytes.begin());
  if (inet_pton(AF_INET, copy.c_str(), ip.bytes.data() + 12) != 1) return std::nullopt;
  return ip;
}

bool Ip::IsV4() const { return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin()); }

std::string Ip::ToString() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  const bool v4 = IsV4();
  inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? 12 : 0), buffer, sizeof buffer);
  return buffer;
}

std::optional<Cidr> Cidr::Parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<Ip> ip = Ip::Parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const bool v4 = text.substr(0, slash).find(':') == std::string_view::npos;
  unsigned length = v4 ? 32 : 128;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    unsigned given = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), given);
    if (error != std::errc() || end != digits.data() + digits.size() || given > length) {
      return std::nullopt;
    }
    length = given;
  }
  Cidr block{*ip, static_cast<std::uint8_t>(length + (v4 ? 96 : 0))};
  for (std::size_t i = 0; i < block.base.bytes.size(); ++i) {
    block.base.bytes[i] &= MaskByte(block.length, i);
  }
  return block;
}

bool Cidr::Contains(const Ip& ip) const {
  for (std::size_t i = 0; i < ip.bytes.size(); ++i) {
    if ((ip.bytes[i] & MaskByte(length, i)) != base.bytes[i]) return false;
  }
  return true;
}

Ip Cidr::Last() const {
  Ip last = base;
  for (std::size_t i = 0; i < last.bytes.size(); ++i) {
    last.bytes[i] |= static_cast<std::uint8_t>(~MaskByte(length, i));
  }
  return last;
}

std::string Cidr::ToString() const {
  const bool v4 = base.IsV4() && length >= 96;
  return base.ToString() + "/" + std::to_string(v4 ? length - 96 : length);
}

}  // namespace weft::engine
