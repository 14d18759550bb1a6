// IPv4 and IPv6 addresses and CIDR blocks.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::engine {

// 16 bytes in network order; IPv4 is held as the mapped address ::ffff:a.b.c.d.
struct Ip {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Ip&) const = default;
  // "10.0.0.1", "2001:db8::1"; nullopt on anything else.
  [[nodiscard]] static std::optional<Ip> Parse(std::string_view text);
  [[nodiscard]] bool IsV4() const;
  [[nodiscard]] std::string ToString() const;
};

// A block; bits behind the prefix are zero.
struct Cidr {
  Ip base;
  std::uint8_t length = 128;  // over the 16 bytes: an IPv4 /8 is 104
  auto operator<=>(const Cidr&) const = default;
  // "10.0.0.0/8", a bare address (a /32 or /128); host bits are cleared.
  [[nodiscard]] static std::optional<Cidr> Parse(std::string_view text);
  [[nodiscard]] bool Contains(const Ip& ip) const;
  [[nodiscard]] Ip First() const { return base; }
  [[nodiscard]] Ip Last() const;
  [[nodiscard]] std::string ToString() const;  // canonical: "10.0.0.0/8", "10.0.0.1/32"
};

}  // namespace weft::engine
