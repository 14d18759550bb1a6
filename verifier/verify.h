// Proofs over a Model: built-in properties and every `prove`.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "engine/model.h"
#include "engine/request.h"

namespace weft::verifier {

// kEmpty: a law about nothing, such as the loss of a zone where no zone is known. Not proved.
enum class PropertyVerdict { kProved, kViolated, kUndecided, kEmpty };
[[nodiscard]] std::string_view VerdictName(PropertyVerdict verdict);

// One property of one subject, such as `isolation` of workspace `payments`.
struct Property {
  std::string name;
  std::string subject;
  PropertyVerdict verdict = PropertyVerdict::kProved;
  std::vector<Span> rests_on;   // laws: the lines the proof needs (those of the deciding rules)
  double seconds = 0;           // spent on it; 0 without Options::seconds
  std::vector<Span> assumes{};  // `raw istio` that could change it
};

// A violated property: the diagnostic with its counterexample in `notes`.
struct Finding {
  Diagnostic diagnostic;
  std::string property;
  std::optional<engine::Request> witness;
  std::optional<engine::TargetRef> to;
  bool allowed = false;   // what happens to the witness now
  bool expected = false;  // what should
  bool replayed = false;  // the reference evaluator confirms it
};

struct Report {
  std::vector<Finding> findings;     // sorted by place and code
  std::vector<Property> properties;  // in the order they were proved
  std::uint64_t questions = 0;       // put to the solver
  [[nodiscard]] std::size_t Count(PropertyVerdict verdict) const;
};

struct Options {
  std::string only;                               // property name; "" = all
  std::size_t rules_together = 400;               // rules of one place that stand in one question
  std::function<std::string(Span)> place;         // "file:line" for counterexamples
  std::function<void(const std::string&)> began;  // told the name of each property; may be empty
  std::function<double()> seconds;                // a clock that never goes back; may be empty
};

// Proves or refutes everything. Deterministic: same model, same report. No I/O, no clock.
[[nodiscard]] Report Verify(const engine::Model& model, const Options& options);

// Names of the properties, for `--property` and its errors.
[[nodiscard]] const std::vector<std::string>& PropertyNames();

}  // namespace weft::verifier
