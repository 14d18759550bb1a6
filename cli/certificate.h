// The file of a certificate: what prove::Certify says, with the inputs, a digest and a signature.
#pragma once

#include <string>

#include "cli/policy.h"
#include "dsl/result.h"
#include "verifier/verify.h"

namespace weft::cli {

// The certificate of the report, in canonical form: one line of JSON. `key` is the PEM text of a
// private key, Ed25519 or ECDSA P-256, or "" for no signature; else the error says what it is.
[[nodiscard]] Result<std::string> CertificateText(const Policy& policy,
                                                  const verifier::Report& report,
                                                  const std::string& key);

}  // namespace weft::cli
