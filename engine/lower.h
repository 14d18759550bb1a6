// Declarations and inventory to Model.
#pragma once

#include <string>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/diagnostic.h"
#include "engine/inventory.h"
#include "engine/model.h"
#include "engine/request.h"

namespace weft::engine {

// Resolves every reference, applies policies to what they select, merges delegation, computes
// grants and guards. Errors: codes 3100-3999 of engine/codes.h; what is wrong is left out of the
// Model, the rest is lowered, so that all mistakes are found in one run. Deterministic.
[[nodiscard]] Model Lower(const dsl::Program& program, const Inventory& inventory,
                          Diagnostics& diagnostics);

// A `test` block ready to run.
struct TestCase {
  std::string title;
  Request request;
  struct Expect {
    enum class Kind { kAllowed, kDenied, kBlocked, kServedBy, kRespond, kRedirect, kTimeout };
    Kind kind = Kind::kAllowed;
    std::optional<Stage> stage;
    std::optional<TargetRef> target;
    std::string subset;
    ClusterId cluster;
    int status = 0;
    std::string location;
    Millis duration{0};
    Span span;
  };
  std::vector<Expect> expects;
  Span span;
};

// The program's tests, resolved against the model it was lowered to. Unresolvable tests are
// reported.
[[nodiscard]] std::vector<TestCase> LowerTests(const dsl::Program& program, const Model& model,
                                               Diagnostics& diagnostics);

struct TestResult {
  bool passed = false;
  Outcome outcome;
  std::string message;  // why it failed: expected …, found …
  Span span;            // of the failed expectation
};
[[nodiscard]] TestResult RunTest(const Model& model, const TestCase& test);

// One line for people: "served by reviews.v1 on east", "blocked at denied (403)".
[[nodiscard]] std::string OutcomeText(const Model& model, const Outcome& outcome);

// The Location header of a redirect answer to the request.
[[nodiscard]] std::string Location(const Redirect& redirect, const Request& request);

}  // namespace weft::engine
