// SHA-256 digests: the names of objects, manifests and releases.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::relay {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const Digest&) const = default;
};

// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string ToHex(const Digest& digest);
[[nodiscard]] std::optional<Digest> FromHex(std::string_view text);

[[nodiscard]] Digest Sha256(std::string_view data);

// SHA-256 over a list of fields: each is preceded by its length, so that no two lists hash alike by
// moving bytes from one field to the next.
class FieldHasher {
 public:
  // `domain` names what is hashed and the version of its form, such as "weft.object.v1".
  explicit FieldHasher(std::string_view domain) { Add(domain); }
  FieldHasher& Add(std::string_view field);
  FieldHasher& Add(const Digest& digest);
  FieldHasher& Add(std::uint64_t number);
  [[nodiscard]] Digest Finish() const { return Sha256(buffer_); }

 private:
  std::string buffer_;
};

}  // namespace weft::relay
