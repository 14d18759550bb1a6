// The checker of certificates: goes through what a certificate says, with none of the code that
// made it. It includes nothing of weft; JSON, hashes, signatures and RE2 are others' libraries.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace weft::checker {

// Why a certificate is not accepted, and at which place: a JSON pointer or a byte.
struct Refusal {
  enum class Why { kUnreadable, kAltered, kDoesNotFollow };
  Why why = Why::kUnreadable;
  std::string where;
  std::string what;
};

// What an accepted certificate says, and how far that was established here.
struct Accepted {
  std::string version;                             // of weft
  std::string signer;                              // SHA-256 of the public key; "" = not signed
  std::map<std::string, std::size_t> established;  // verdicts that were, by name of the property
  std::map<std::string, std::size_t> taken;        // others: on the signer's word
  std::map<std::string, std::size_t> verdicts;     // all, by verdict
  std::size_t arguments = 0, cells = 0;            // gone through
  std::map<std::string, std::string> inputs;       // SHA-256 of each file it was made of, by path
};

// Checks all of the text of a certificate: form, digest, signature, and that every verdict on
// isolation and on laws at servers follows from its arguments. `key` is the PEM of the public key
// that must have signed it; "" = any, or none. No I/O; thread-safe.
[[nodiscard]] std::variant<Accepted, Refusal> Check(const std::string& text,
                                                    const std::string& key);

}  // namespace weft::checker
