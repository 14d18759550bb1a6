// Findings a team accepts for now: by fingerprint, each until a day.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/result.h"
#include "dsl/source.h"

namespace weft::cli {

// What names each of the findings from run to run: its code, message and file, and the text of its
// line without blanks; not the line's number. Of several alike, each has a number of its own.
[[nodiscard]] std::vector<std::string> Fingerprints(const std::vector<Diagnostic>& findings,
                                                    const SourceMap& sources);

struct Acceptance {
  std::string until;   // "2027-01-31"; accepted on that day still
  std::string reason;  // may be empty
  Span span;           // of the entry
};
using Baseline = std::map<std::string, Acceptance>;  // by fingerprint

// Reads the entries of a file that was added to `sources`. Errors: W6901, W6902.
[[nodiscard]] Baseline ReadBaseline(const Source& source, Diagnostics& diagnostics);

// Today in UTC, and a day that many days later, as "2027-01-31".
[[nodiscard]] std::string DayFromNow(int days);
[[nodiscard]] bool IsDay(const std::string& text);

// The text of a baseline of the findings. Those that `known` accepts on `today` keep their reason
// and day, all others are accepted until `until`.
[[nodiscard]] std::string BaselineText(const std::vector<Diagnostic>& findings,
                                       const SourceMap& sources, const Baseline& known,
                                       const std::string& today, const std::string& until);

}  // namespace weft::cli
