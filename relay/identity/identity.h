// Certificates of the relay: who is who. An agent's identity is the one URI in the subject
// alternative name of its certificate, spiffe://weft/cluster/<name>; nothing else names it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "dsl/result.h"
#include "relay/store/store.h"

namespace weft::relay {

// A name by which server certificates are known, whatever address they are reached at.
inline constexpr char kServerName[] = "weft-server";

// A private key (PEM, P-256) and a request for a certificate over it (PEM).
struct KeyAndRequest {
  std::string key;
  std::string csr;
};
[[nodiscard]] Result<KeyAndRequest> MakeKeyAndRequest();

// The cluster a certificate (PEM) is for. Errors: not for clients, not exactly one URI, another
// URI, not a cluster's name.
[[nodiscard]] Result<std::string> ClusterOf(const std::string& certificate);
// A cluster's name: lower-case letters, digits, '-' and '.', at most 253 characters.
[[nodiscard]] bool IsClusterName(const std::string& name);
// Seconds since 1970 between which the first certificate of a chain (PEM) is valid.
struct Validity {
  std::int64_t from = 0;
  std::int64_t until = 0;
};
[[nodiscard]] Result<Validity> ValidityOf(const std::string& chain);
// SHA-256 (hex) of the certificate's DER form.
[[nodiscard]] Result<std::string> FingerprintOf(const std::string& certificate);

// Signs for the relay. Not thread-safe.
class Authority {
 public:
  // Reads `directory`/root.pem and root.key, or makes both; the key is readable by its owner only.
  [[nodiscard]] static Result<Authority> Open(const std::string& directory);

  [[nodiscard]] const std::string& root() const { return root_; }  // PEM
  // A certificate for the cluster over the key of the request; everything else in it is ignored.
  [[nodiscard]] Result<std::string> SignAgent(const std::string& csr, const std::string& cluster,
                                              std::chrono::seconds ttl) const;
  // A fresh key and certificate for the server itself.
  struct ServerCertificate {
    std::string key;
    std::string chain;  // with the root, so that an agent can compare it with its token
  };
  [[nodiscard]] Result<ServerCertificate> SignServer(std::chrono::seconds ttl) const;

 private:
  Authority(std::string root, std::string key) : root_(std::move(root)), key_(std::move(key)) {}
  std::string root_;
  std::string key_;
};

// What `weft enroll token` prints: for one cluster, once, for a while.
struct Token {
  std::string cluster;
  std::string secret;  // hexadecimal
  std::string root;    // FingerprintOf the server's root
};
[[nodiscard]] std::string ToText(const Token& token);
[[nodiscard]] std::optional<Token> ParseToken(const std::string& text);

// Makes a token; the store keeps only the digest of its secret.
[[nodiscard]] Result<Token> IssueToken(Store& store, const std::string& cluster,
                                       const std::string& root, std::int64_t expires);
// Uses it up: of any number of attempts, whenever and wherever, one succeeds. Returns the cluster.
// Errors say nothing about what exists: "the token is not valid".
[[nodiscard]] Result<std::string> RedeemToken(Store& store, const std::string& text,
                                              std::int64_t now);

// From `now` on no certificate is worth anything that was issued to the cluster before; tokens for
// it that were not used yet are void.
[[nodiscard]] Status Revoke(Store& store, const std::string& cluster, std::int64_t now);
// By cluster, when it was revoked last.
[[nodiscard]] Result<std::map<std::string, std::int64_t>> Revocations(Store& store);
// Whether a certificate was issued at `revoked` or before.
[[nodiscard]] bool IsRevoked(const Validity& validity, std::int64_t revoked);

}  // namespace weft::relay
