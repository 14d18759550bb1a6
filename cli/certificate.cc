#include "cli/certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/model_text.h"
#include "prove/certificate.h"
#include "relay/core/digest.h"

namespace weft::cli {
namespace {

using Json = nlohmann::json;
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string HexOf(const std::string& text) { return relay::ToHex(relay::Sha256(text)); }

const unsigned char* Bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Base64(const std::string& data) {
  std::string text(4 * ((data.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), Bytes(data),
                                   static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

PrivateKey ReadKey(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> file(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  // A key that is encrypted is refused, not asked about.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  return {PEM_read_bio_PrivateKey(file.get(), nullptr, no_password, nullptr), EVP_PKEY_free};
}

std::string PublicDer(const EVP_PKEY* key) {
  unsigned char* data = nullptr;
  const int size = i2d_PUBKEY(key, &data);
  std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(data);
  return der;
}

// Ed25519 (RFC 8032), or ECDSA over P-256 with SHA-256.
Result<Json> Signature(const std::string& body, const std::string& pem) {
  const PrivateKey key = ReadKey(pem);
  if (key == nullptr) return Error{"is no private key in PEM, or is encrypted"};
  const int kind = EVP_PKEY_get_base_id(key.get());
  const bool edwards = kind == EVP_PKEY_ED25519;
  if (!edwards && !(kind == EVP_PKEY_EC && EVP_PKEY_get_bits(key.get()) == 256)) {
    return Error{"is neither an Ed25519 nor a P-256 key"};
  }
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  std::size_t size = 0;
  bool ok = EVP_DigestSignInit(context.get(), nullptr, edwards ? nullptr : EVP_sha256(), nullptr,
                               key.get()) == 1 &&
            EVP_DigestSign(context.get(), nullptr, &size, Bytes(body), body.size()) == 1;
  std::string value(size, '\0');
  ok = ok && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(value.data()), &size,
                            Bytes(body), body.size()) == 1;
  if (!ok) return Error{"cannot sign"};
  value.resize(size);
  return Json{{"algorithm", edwards ? "ed25519" : "ecdsa-p256-sha256"},
              {"public_key", Base64(PublicDer(key.get()))},
              {"value", Base64(value)}};
}

Json InputsJson(const SourceMap& sources) {
  Json list = Json::array();
  for (std::uint32_t i = 0; i < sources.size(); ++i) {
    const Source& source = sources.Get({i});
    list.push_back(
        {{"path", source.name}, {"sha256", HexOf(source.text)}, {"library", source.path.empty()}});
  }
  return list;
}

}  // namespace

Result<std::string> CertificateText(const Policy& policy, const verifier::Report& report,
                                    const std::string& key) {
  const SourceMap& sources = policy.inputs.sources;
  Json certificate =
      prove::Certify(policy.model, report, [&](Span span) { return sources.FileLine(span); });
  certificate["format"] = 1;
  certificate["weft"] = WEFT_VERSION;
  certificate["model"] = HexOf(engine::MeaningText(policy.model));
  certificate["inputs"] = InputsJson(sources);
  const std::string body = certificate.dump();
  Json signature;
  if (!key.empty()) {
    Result<Json> made = Signature(body, key);
    if (!made.ok()) return Error{made.error()};
    signature = std::move(made).value();
  }
  const Json document = {{"certificate", std::move(certificate)},
                         {"digest", HexOf(body)},
                         {"signature", std::move(signature)}};
  return document.dump() + "\n";
}

}  // namespace weft::cli
