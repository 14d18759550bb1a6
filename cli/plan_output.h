// What `weft plan` prints, in every format.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/policy.h"
#include "emit/diff.h"
#include "relay/core/object.h"
#include "verifier/change.h"

namespace weft::cli {

// One set of objects put in place together.
struct RolloutStep {
  std::vector<relay::ObjectKey> applied, removed;
};

struct PlanResult {
  std::string against;  // as given
  const Policy& before;
  const Policy& after;
  verifier::ChangeReport report;
  std::map<std::string, std::vector<emit::ObjectChange>> objects;  // by cluster
  std::map<std::string, std::vector<RolloutStep>> rollout;         // by cluster
  bool emitted = false;  // both versions could be; else nothing is known of objects

  [[nodiscard]] bool IsEmpty() const { return report.changes.empty() && objects.empty(); }
};

// Contract of `-o json`; "formatVersion" 1.
[[nodiscard]] std::string PlanJson(const PlanResult& result);
// For a reviewer at a terminal.
[[nodiscard]] std::string PlanHuman(const PlanResult& result, bool color);
// For a comment on a pull request.
[[nodiscard]] std::string PlanMarkdown(const PlanResult& result);

}  // namespace weft::cli
