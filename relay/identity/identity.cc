#include "relay/identity/identity.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "relay/core/digest.h"
#include "relay/files/files.h"

namespace weft::relay {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Cert = std::unique_ptr<X509, Free<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Free<X509_REQ_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
using Usages = std::unique_ptr<EXTENDED_KEY_USAGE, Free<EXTENDED_KEY_USAGE_free>>;

constexpr char kUriPrefix[] = "spiffe://weft/cluster/";
// Clocks differ a little; a certificate is valid a little before it is made.
constexpr long kBackdate = 300;
constexpr std::chrono::hours kRootTtl{24 * 3650};

std::string Drain(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}
Bio Memory(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
std::string ToPem(X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate);
  return Drain(bio);
}
std::string ToPem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Drain(bio);
}
Cert ReadCert(const std::string& pem) {
  const Bio bio = Memory(pem);
  return Cert(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}
Key ReadKey(const std::string& pem) {
  const Bio bio = Memory(pem);
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
}
Key MakeKey() { return Key(EVP_EC_gen("P-256")); }

bool Extend(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  if (extension == nullptr) return false;
  const bool ok = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return ok;
}

// A certificate over `key`, signed with `signer`; `issuer` is null for a root.
struct Wish {
  std::string common_name;
  std::string alternative;  // "" = none
  std::string usage;        // extendedKeyUsage; "" = a root
  std::chrono::seconds ttl{0};
};
Result<std::string> Sign(const Wish& wish, EVP_PKEY* key, X509* issuer, EVP_PKEY* signer) {
  const Cert certificate(X509_new());
  X509* cert = certificate.get();
  bool ok = X509_set_version(cert, X509_VERSION_3) == 1;
  std::unique_ptr<BIGNUM, Free<BN_free>> serial(BN_new());
  ok = ok && BN_rand(serial.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
       BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(cert)) != nullptr;
  ok = ok && X509_gmtime_adj(X509_getm_notBefore(cert), -kBackdate) != nullptr &&
       X509_gmtime_adj(X509_getm_notAfter(cert), static_cast<long>(wish.ttl.count())) != nullptr;
  X509_NAME* name = X509_get_subject_name(cert);
  const std::string common_name = wish.common_name.substr(0, 64);
  ok = ok && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                        reinterpret_cast<const unsigned char*>(common_name.c_str()),
                                        -1, -1, 0) == 1;
  X509* by = issuer == nullptr ? cert : issuer;
  ok = ok && X509_set_issuer_name(cert, X509_get_subject_name(by)) == 1 &&
       X509_set_pubkey(cert, key) == 1;
  const bool root = wish.usage.empty();
  ok = ok && Extend(cert, by, NID_basic_constraints,
                    root ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE");
  ok = ok && Extend(cert, by, NID_key_usage,
                    root ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  ok = ok && Extend(cert, by, NID_subject_key_identifier, "hash");
  if (!root) {
    ok = ok && Extend(cert, by, NID_authority_key_identifier, "keyid:always") &&
         Extend(cert, by, NID_ext_key_usage, wish.usage) &&
         Extend(cert, by, NID_subject_alt_name, wish.alternative);
  }
  ok = ok && X509_sign(cert, signer, EVP_sha256()) > 0;
  if (!ok) return Error{"a certificate cannot be made"};
  return ToPem(cert);
}

std::string RandomHex(int bytes) {
  std::vector<unsigned char> raw(static_cast<std::size_t>(bytes));
  std::unique_ptr<BIGNUM, Free<BN_free>> number(BN_new());
  Check(BN_rand(number.get(), 8 * bytes, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1,
        "OpenSSL has no randomness");
  BN_bn2binpad(number.get(), raw.data(), bytes);
  std::string text;
  for (const unsigned char byte : raw) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

const std::string kTokens = "/weft/v1/token/";
const std::string kRevoked = "/weft/v1/revoked/";

std::string TokenKey(const std::string& secret) {
  return kTokens + ToHex(Sha256("weft.token.v1:" + secret));
}

}  // namespace

Result<KeyAndRequest> MakeKeyAndRequest() {
  const Key key = MakeKey();
  const Request request(X509_REQ_new());
  if (!key || X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) <= 0) {
    return Error{"a key cannot be made"};
  }
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  return KeyAndRequest{ToPem(key.get()), Drain(bio)};
}

bool IsClusterName(const std::string& name) {
  return !name.empty() && name.size() <= 253 && name.front() != '-' && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
         });
}

Result<std::string> ClusterOf(const std::string& certificate) {
  const Cert cert = ReadCert(certificate);
  if (!cert) return Error{"it is not a certificate"};
  const Usages usages(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(cert.get(), NID_ext_key_usage, nullptr, nullptr)));
  bool client = false;
  for (int i = 0; usages && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    client = client || OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i)) == NID_client_auth;
  }
  if (!client) return Error{"the certificate is not for a client"};
  // The extension must be there once: a second one would make this null.
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(cert.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (!names || sk_GENERAL_NAME_num(names.get()) != 1) {
    return Error{"the certificate does not have exactly one name"};
  }
  const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), 0);
  if (name->type != GEN_URI) return Error{"the certificate's name is not a URI"};
  const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
  const std::string uri(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                        static_cast<std::size_t>(ASN1_STRING_length(text)));
  if (!uri.starts_with(kUriPrefix)) return Error{"the certificate is not a cluster's"};
  std::string cluster = uri.substr(sizeof kUriPrefix - 1);
  if (!IsClusterName(cluster)) return Error{"the certificate names no cluster"};
  return cluster;
}

Result<Validity> ValidityOf(const std::string& chain) {
  const Cert cert = ReadCert(chain);
  if (!cert) return Error{"it is not a certificate"};
  const auto seconds = [](const ASN1_TIME* time) -> std::int64_t {
    std::tm parts{};
    return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(timegm(&parts)) : 0;
  };
  return Validity{seconds(X509_get0_notBefore(cert.get())),
                  seconds(X509_get0_notAfter(cert.get()))};
}

Result<std::string> FingerprintOf(const std::string& certificate) {
  const Cert cert = ReadCert(certificate);
  if (!cert) return Error{"it is not a certificate"};
  Digest digest;
  unsigned int size = 0;
  X509_digest(cert.get(), EVP_sha256(), digest.bytes.data(), &size);
  return ToHex(digest);
}

Result<Authority> Authority::Open(const std::string& directory) {
  const std::string root_path = directory + "/root.pem";
  const std::string key_path = directory + "/root.key";
  std::error_code error;
  const bool has_root = std::filesystem::exists(root_path, error);
  const bool has_key = std::filesystem::exists(key_path, error);
  if (has_root != has_key) {
    return Error{"`" + directory + "` holds only one of root.pem and root.key"};
  }
  if (!has_root) {
    const Key key = MakeKey();
    if (!key) return Error{"a key cannot be made"};
    const Result<std::string> root =
        Sign({.common_name = "weft root " + RandomHex(4), .ttl = kRootTtl}, key.get(), nullptr,
             key.get());
    if (!root.ok()) return Error{root.error()};
    const Status made = MakeDirectory(directory);
    if (!made.ok()) return Error{made.error()};
    for (const auto& [path, text] :
         {std::pair(key_path, ToPem(key.get())), std::pair(root_path, root.value())}) {
      const Status written = WriteDurably(path, text, 0600);
      if (!written.ok()) return Error{written.error()};
    }
  }
  Result<std::string> root = ReadWhole(root_path);
  Result<std::string> key = ReadWhole(key_path);
  if (!root.ok()) return Error{root.error()};
  if (!key.ok()) return Error{key.error()};
  const Cert cert = ReadCert(root.value());
  const Key parsed = ReadKey(key.value());
  if (!cert || !parsed || X509_check_private_key(cert.get(), parsed.get()) != 1) {
    return Error{"`" + directory + "`: root.pem and root.key do not belong together"};
  }
  return Authority(std::move(root).value(), std::move(key).value());
}

Result<std::string> Authority::SignAgent(const std::string& csr, const std::string& cluster,
                                         std::chrono::seconds ttl) const {
  const Bio bio = Memory(csr);
  const Request request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (!request) return Error{"the request cannot be read"};
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
    return Error{"the request is not signed with its key"};
  }
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || EVP_PKEY_get_bits(key) < 256) {
    return Error{"the key of the request is not of P-256 or better"};
  }
  const Cert root = ReadCert(root_);
  const Key signer = ReadKey(key_);
  const Result<std::string> leaf = Sign({.common_name = cluster,
                                         .alternative = "URI:" + (kUriPrefix + cluster),
                                         .usage = "clientAuth",
                                         .ttl = ttl},
                                        key, root.get(), signer.get());
  if (!leaf.ok()) return leaf;
  return leaf.value() + root_;
}

Result<Authority::ServerCertificate> Authority::SignServer(std::chrono::seconds ttl) const {
  const Key key = MakeKey();
  const Cert root = ReadCert(root_);
  const Key signer = ReadKey(key_);
  if (!key) return Error{"a key cannot be made"};
  const Result<std::string> leaf = Sign({.common_name = kServerName,
                                         .alternative = std::string("DNS:") + kServerName,
                                         .usage = "serverAuth",
                                         .ttl = ttl},
                                        key.get(), root.get(), signer.get());
  if (!leaf.ok()) return Error{leaf.error()};
  return ServerCertificate{ToPem(key.get()), leaf.value() + root_};
}

std::string ToText(const Token& token) {
  return "weft1:" + token.cluster + ":" + token.secret + ":" + token.root;
}

std::optional<Token> ParseToken(const std::string& text) {
  std::vector<std::string> fields(1);
  for (const char c : text) {
    if (c == ':') {
      fields.emplace_back();
    } else if (c != '\n' && c != '\r' && c != ' ') {
      fields.back() += c;
    }
  }
  if (fields.size() != 4 || fields[0] != "weft1" || !IsClusterName(fields[1]) ||
      fields[2].size() != 64 || !FromHex(fields[3])) {
    return std::nullopt;
  }
  return Token{fields[1], fields[2], fields[3]};
}

Result<Token> IssueToken(Store& store, const std::string& cluster, const std::string& root,
                         std::int64_t expires) {
  Token token{cluster, RandomHex(32), root};
  const std::string value = std::to_string(expires) + " " + cluster;
  const Result<bool> done = store.Transact({}, {{TokenKey(token.secret), value}});
  if (!done.ok()) return Error{done.error()};
  return token;
}

Result<std::string> RedeemToken(Store& store, const std::string& text, std::int64_t now) {
  const Error invalid{"the token is not valid: it was used, has expired, or is for another server"};
  const std::optional<Token> token = ParseToken(text);
  if (!token) return invalid;
  const std::string key = TokenKey(token->secret);
  const Result<std::optional<std::string>> found = store.Get(key);
  if (!found.ok()) return Error{found.error()};
  if (!found.value()) return invalid;
  const std::size_t space = found.value()->find(' ');
  const std::string cluster = found.value()->substr(space + 1);
  if (std::stoll(*found.value()) < now || cluster != token->cluster) return invalid;
  // Whoever removes it has it; the comparison settles a race.
  const Result<bool> done = store.Transact({{key, found.value()}}, {{key, std::nullopt}});
  if (!done.ok()) return Error{done.error()};
  if (!done.value()) return invalid;
  return cluster;
}

Status Revoke(Store& store, const std::string& cluster, std::int64_t now) {
  const Result<std::map<std::string, std::string>> tokens = store.Range(kTokens);
  if (!tokens.ok()) return Error{tokens.error()};
  std::vector<Write> writes = {{kRevoked + cluster, std::to_string(now)}};
  for (const auto& [key, value] : tokens.value()) {
    if (value.substr(value.find(' ') + 1) == cluster) writes.push_back({key, std::nullopt});
  }
  const Result<bool> done = store.Transact({}, writes);
  if (!done.ok()) return Error{done.error()};
  return Unit{};
}

Result<std::map<std::string, std::int64_t>> Revocations(Store& store) {
  const Result<std::map<std::string, std::string>> found = store.Range(kRevoked);
  if (!found.ok()) return Error{found.error()};
  std::map<std::string, std::int64_t> revoked;
  for (const auto& [key, value] : found.value()) {
    revoked[key.substr(kRevoked.size())] = std::stoll(value);
  }
  return revoked;
}

bool IsRevoked(const Validity& validity, std::int64_t revoked) {
  return validity.from + kBackdate <= revoked;
}

}  // namespace weft::relay
