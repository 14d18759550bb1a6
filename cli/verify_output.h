// What `weft verify` prints, in every format.
#pragma once

#include <string>
#include <vector>

#include "cli/policy.h"
#include "verifier/verify.h"

namespace weft::cli {

// A finding the baseline accepts.
struct AcceptedFinding {
  Diagnostic diagnostic;
  std::string fingerprint, until, reason;
};

struct VerifyResult {
  const Policy& policy;
  const verifier::Report& report;         // without what is accepted
  std::vector<Diagnostic> language;       // of reading, sorted
  std::vector<Diagnostic> diagnostics;    // of reading and of the proofs, sorted
  std::vector<AcceptedFinding> accepted;  // in the order of the places
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
