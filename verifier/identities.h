// Identities that patterns over whole SPIFFE identities tell apart.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dsl/pattern.h"
#include "engine/request.h"

namespace weft::verifier {

// Where an identity can be: trust domain and namespace.
using Place = std::pair<std::string, std::string>;

// For every combination of the patterns that some identity spiffe://TRUST/ns/NS/sa/ACCOUNT matches,
// one such identity: an account in each of the places, discovered or not, and one in some namespace
// of each trust domain. Accounts and namespaces are Kubernetes names. Patterns without automaton
// are left out (Space gives up on them), and so are combinations past the limits of BuildAtoms.
[[nodiscard]] std::set<engine::Identity> DistinctIdentities(const std::vector<Pattern>& patterns,
                                                            const std::set<Place>& places,
                                                            const std::set<std::string>& trusts);

}  // namespace weft::verifier
