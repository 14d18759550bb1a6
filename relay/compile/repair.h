// Edits of the policy that mend what a proof found, each proved to do so before it is offered.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "relay/compile/inputs.h"

namespace weft::relay {

struct Repair {
  std::string finding;                       // "W4103 routes.weft:12: no request reaches this rule"
  std::string what;                          // "move the rule up"
  std::map<std::string, std::string> files;  // path -> text after this repair and those before it
  std::string difference;                    // unified, against the text before this repair
  std::vector<std::string> otherwise;        // other single edits that would do
  std::size_t mended = 1;                    // findings that are gone with it
};

struct Repairs {
  std::vector<Repair> repairs;  // in the order they are made, each on top of those before it
  std::vector<Repair> offers;   // what would mend the rest, but lets more requests in; not on top
  std::size_t left = 0;         // findings without a repair
};

// Looks for the fewest edits: of all candidates the one after which most findings are gone, and no
// new one is there, is taken first; of equals the one that lets least happen. Candidates are made
// for the errors and warnings of the proofs: a rule is removed, moved up or narrowed, a service is
// exported, an item is removed or added. An export is only taken when repairs `may_widen` what is
// let in, else it is offered. Verifies once for each, at most kMostTries times. A policy that does
// not type is not repaired. Writes nothing.
[[nodiscard]] Repairs FindRepairs(const InputOptions& inputs, bool may_widen);

inline constexpr std::size_t kMostTries = 400;

}  // namespace weft::relay
