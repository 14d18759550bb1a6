// The compiled evaluator: the same answers as the reference evaluator (engine/request.h), prepared
// so that a decision takes a few hundred nanoseconds however many rules there are. It shares the
// Model with the reference, not a line of matching or deciding: tests/cross holds the two against
// each other. The parts are in engine/compiled/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "engine/inline_list.h"
#include "engine/request.h"

namespace weft::engine {

// Lines of the policy, kept in the Model.
using Lines = std::span<const Span>;

// A refusal: engine/request.h Block, without copies.
struct Refusal {
  Stage stage = Stage::kHidden;
  int status = 0;
  Lines lines;
};

// One weighted destination and what its server says.
struct DecidedBranch {
  const Forward* forward = nullptr;  // nullptr: the default route, all requests to `target`
  TargetRef target;
  // Backends, see CompiledModel::TiersOf. Either prepared ones or some of the decision's own.
  std::uint32_t tiers = 0;
  bool has_own_tiers = false;
  std::optional<Refusal> refused;
};

struct Decision {
  enum class Kind { kBlocked, kAnswered, kForwarded };
  Kind kind = Kind::kForwarded;
  Stage stage = Stage::kHidden;     // kBlocked
  int status = 0;                   // kBlocked: what the client sees; 0 = refused or reset
  const RouteRule* rule = nullptr;  // deciding rule of the client or gateway; null = default route
  std::uint32_t route = 0;          // the compiled model's own number of the rule
  const Listener* https_redirect = nullptr;  // answered by the listener, not by a rule
  InlineList<Lines, 8> lines;                // all lines that decided, in order of the stages
  std::size_t refusal_lines = 0;             // kBlocked: `lines` from here on are the refusal's
  InlineList<DecidedBranch, 4> branches;
  // Tiers that were not prepared, because the request says that something is lost or comes from a
  // place without workloads.
  std::vector<std::vector<Tier>> own_tiers;

  // Some part of the traffic gets to a server that lets it in (or the proxy answers).
  [[nodiscard]] bool AllowedSomewhere() const;
};

namespace compiled {
struct Program;
}

// Immutable and thread-safe. Refers to the Model it was compiled from, which must outlive it and
// stay where it is.
class CompiledModel {
 public:
  explicit CompiledModel(std::unique_ptr<const compiled::Program> program);
  CompiledModel(CompiledModel&&) noexcept;
  CompiledModel& operator=(CompiledModel&&) noexcept;
  CompiledModel(const CompiledModel&) = delete;
  CompiledModel& operator=(const CompiledModel&) = delete;
  ~CompiledModel();

  // What becomes of the request. Allocates only where a route rewrites the path, a header is
  // joined, something is lost, or more than a handful of lines or branches decide.
  [[nodiscard]] Decision Decide(const Request& request) const;
  // Tiers of a branch of a decision this model took.
  [[nodiscard]] const std::vector<Tier>& TiersOf(const Decision& decision,
                                                 const DecidedBranch& branch) const;
  // The whole outcome, equal to Evaluate's.
  [[nodiscard]] Outcome Evaluate(const Request& request) const;

 private:
  std::unique_ptr<const compiled::Program> program_;
};

[[nodiscard]] CompiledModel Compile(const Model& model);

}  // namespace weft::engine
