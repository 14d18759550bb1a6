// One place, host and port in two versions; internal to verifier/.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "verifier/change_work.h"
#include "verifier/sites.h"

namespace weft::verifier {

// What a rule does with the requests it decides, in words that do not depend on the version.
struct Effect {
  std::string to;     // shares and backends of the first choice, or the answer
  std::string later;  // backends when those are lost
  std::string timeout, retries, limits;
  std::string handling;  // everything else: rewrites, headers, faults, mirrors, authorizers ...
  auto operator<=>(const Effect&) const = default;
};

// One way a list of rules ends for a request.
struct Choice {
  enum class Kind { kRule, kDefault, kNoRoute, kHidden, kHttps };
  Kind kind = Kind::kRule;
  const engine::RouteRule* rule = nullptr;  // kRule, kDefault
  Effect effect;
  std::string text;  // match and effect: rules of equal text decide alike
};

struct CellSide {
  explicit CellSide(const engine::Model& of) : model(&of) {}

  // Fill `choices`; the site must be complete.
  void Hide();         // nobody knows the host
  void LeadToHttps();  // the listener answers
  void TakeRules();    // site.rules, then no route
  void TakeDefault();  // to the target the host names

  const engine::Model* model;
  Site site;
  const engine::Guard* guard = nullptr;               // of the gateway
  Span listener;                                      // of the gateway
  std::vector<Choice> choices;                        // tried in order; the last matches everything
  std::shared_ptr<const engine::RouteRule> fallback;  // of kDefault
};

// Names in the report.
struct CellNames {
  std::string destination;
  std::string caller;  // "" at gateways
  bool anonymous = false;
};

// Both sides have the same lists and ask the same of whoever comes in.
[[nodiscard]] bool SameCell(const CellSide& before, const CellSide& after);

// Reports every difference.
void CompareCell(ChangeWork& work, const CellSide& before, const CellSide& after,
                 const CellNames& names);

}  // namespace weft::verifier
