// What `weft verify` prints, in every format.
#pragma once

#include <string>
#include <vector>

#include "cli/policy.h"
#include "verifier/verify.h"

namespace weft::cli {

struct VerifyResult {
  const Policy& policy;
  const verifier::Report& report;
  std::vector<Diagnostic> diagnostics;  // of reading and of the proofs, sorted
  double seconds = 0;
};

// The contract of `-o json`; "formatVersion" 1.
[[nodiscard]] std::string VerifyJson(const VerifyResult& result);
// SARIF 2.1.0 (OASIS), for code scanning.
[[nodiscard]] std::string VerifySarif(const VerifyResult& result);
// JUnit XML: one case for each property.
[[nodiscard]] std::string VerifyJunit(const VerifyResult& result);
// GitHub workflow commands: `::error file=…,line=…::…`.
[[nodiscard]] std::string VerifyGithub(const VerifyResult& result);
// The list of properties for people.
[[nodiscard]] std::string VerifyHuman(const VerifyResult& result, bool color);

}  // namespace weft::cli
