#include "relay/core/digest.h"

#include <openssl/evp.h>

#include "dsl/check.h"

namespace weft::relay {

std::string ToHex(const Digest& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(64);
  for (const std::uint8_t byte : digest.bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<Digest> FromHex(std::string_view text) {
  Digest digest;
  if (text.size() != 2 * digest.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    int value = 0;
    if (c >= '0' && c <= '9') {
      value = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      value = c - 'a' + 10;
    } else {
      return std::nullopt;
    }
    std::uint8_t& byte = digest.bytes[i / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
  }
  return digest;
}

Digest Sha256(std::string_view data) {
  // Looked up once: the look-up costs more than a short hash.
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Digest digest;
  unsigned int size = 0;
  const int ok = EVP_Digest(data.data(), data.size(), digest.bytes.data(), &size, kSha256, nullptr);
  Check(ok == 1 && size == digest.bytes.size(), "OpenSSL has no SHA-256");
  return digest;
}

FieldHasher& FieldHasher::Add(std::uint64_t number) {
  for (int i = 0; i < 8; ++i) buffer_ += static_cast<char>(number >> (8 * i) & 255);
  return *this;
}

FieldHasher& FieldHasher::Add(std::string_view field) {
  Add(static_cast<std::uint64_t>(field.size()));
  buffer_ += field;
  return *this;
}

FieldHasher& FieldHasher::Add(const Digest& digest) {
  buffer_.append(reinterpret_cast<const char*>(digest.bytes.data()), digest.bytes.size());
  return *this;
}

}  // namespace weft::relay
