// The file of a certificate, and its signature.
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "checker/parts.h"

namespace weft::checker {
namespace {

using Why = Refusal::Why;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

const unsigned char* Raw(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Sha256(const std::string& data) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(data.data(), data.size(), digest, &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned i = 0; i < 2 * size; ++i) {
    text += "0123456789abcdef"[(digest[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
  }
  return text;
}

std::string Bytes(const std::string& base64) {
  std::string bytes(base64.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), Raw(base64),
                                   static_cast<int>(base64.size()));
  const int padding = base64.ends_with("==") ? 2 : base64.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(std::max(size - padding, 0)));
  return bytes;
}

// The embedded key has signed the body, and is the one that is wanted, if one is. Its digest.
std::string CheckSignature(const Json& signature, const std::string& body, const std::string& pem) {
  const std::string der = Bytes(signature.at("public_key"));
  const unsigned char* data = Raw(der);
  const Key key(d2i_PUBKEY(nullptr, &data, static_cast<long>(der.size())), EVP_PKEY_free);
  if (key == nullptr) Refuse(Why::kAltered, "/signature/public_key", "is no key");
  if (!pem.empty()) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> file(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    const Key wanted(PEM_read_bio_PUBKEY(file.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
    if (wanted == nullptr) Refuse(Why::kUnreadable, "--key", "is no public key in PEM");
    if (EVP_PKEY_eq(wanted.get(), key.get()) != 1) {
      Refuse(Why::kAltered, "/signature", "is by another key");
    }
  }
  const std::string value = Bytes(signature.at("value"));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const bool edwards = EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_ED25519;
  const EVP_MD* hash = edwards ? nullptr : EVP_sha256();
  if (EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key.get()) != 1 ||
      EVP_DigestVerify(context.get(), Raw(value), value.size(), Raw(body), body.size()) != 1) {
    Refuse(Why::kAltered, "/signature", "is not of this certificate");
  }
  return Sha256(der);
}

}  // namespace

void Refuse(Why why, const std::string& where, const std::string& what) {
  throw Refusal{why, where, what};
}

Json ReadDocument(const std::string& text, const std::string& key, std::string& signer) {
  if (text.size() > 64U << 20) Refuse(Why::kUnreadable, "its end", "is larger than 64 MiB");
  Json document;
  const auto flat = [](int depth, Json::parse_event_t, Json&) {
    if (depth > 64) Refuse(Why::kUnreadable, "depth 64", "is nested deeper than that");
    return true;
  };
  try {
    document = Json::parse(text, flat);
  } catch (const Json::parse_error& error) {
    Refuse(Why::kUnreadable, "byte " + std::to_string(error.byte), "is no JSON");
  }
  if (!document.is_object() || !document.contains("certificate")) {
    Refuse(Why::kUnreadable, "/", "is no certificate of weft");
  }
  // One text for one certificate: no key twice, no space, no other order.
  if (document.dump() + "\n" != text) Refuse(Why::kAltered, "/", "is not in canonical form");
  const std::string body = document.at("certificate").dump();
  if (document.at("digest") != Sha256(body)) {
    Refuse(Why::kAltered, "/digest", "is not of this certificate");
  }
  const Json& signature = document.at("signature");
  if (!signature.is_null()) signer = CheckSignature(signature, body, key);
  if (signature.is_null() && !key.empty()) Refuse(Why::kAltered, "/signature", "is missing");
  return std::move(document.at("certificate"));
}

}  // namespace weft::checker
