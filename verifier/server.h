// What a server lets in, as a formula.
#pragma once

#include <vector>

#include "engine/model.h"
#include "verifier/space.h"

namespace weft::verifier {

// The guard lets the request in, as engine::CheckGuard decides it. `guard` may be null: everything
// is let in. `view.port` must be set to the service port. `route` are the modifiers of the rule
// that takes the request at a proxy that routes it; what authorizers and limiters say of it is
// free.
[[nodiscard]] FormulaId Passes(Space& space, Formulas& formulas, const engine::Model& model,
                               const engine::Guard* guard, engine::Layer layer, const View& view,
                               const engine::RouteModifiers* route = nullptr);

// The view as rules of the guard have it: a server without mTLS on the port knows nobody. The guard
// may be null.
[[nodiscard]] View SeenBy(const engine::Guard* guard, View view);

// What must all hold for the guard to let a request in, with the lines that demand it.
struct Constraint {
  enum class Kind { kDemand, kDeny, kClosed };
  FormulaId formula;
  std::vector<Span> spans;
  Kind kind = Kind::kDemand;
};
[[nodiscard]] std::vector<Constraint> ConstraintsOf(Space& space, Formulas& formulas,
                                                    const engine::Model& model,
                                                    const engine::Guard* guard, engine::Layer layer,
                                                    const View& view,
                                                    const engine::RouteModifiers* route = nullptr);

// The request is one the limit counts, as engine::Counts decides it.
[[nodiscard]] FormulaId Counted(Space& space, Formulas& formulas, const engine::Limit& limit,
                                const View& view);

// The rule applies to the request.
[[nodiscard]] FormulaId Applies(Space& space, Formulas& formulas, const engine::AccessRule& rule,
                                engine::Layer layer, const View& view);

// Caller sets the guard's rules mention.
[[nodiscard]] std::vector<const engine::CallerSet*> CallerSetsOf(const engine::Model& model,
                                                                 const engine::Guard& guard);

}  // namespace weft::verifier
