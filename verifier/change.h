// What a change of the policy does: every way in which some request is treated differently by two
// versions, decided for all requests, each with a request that shows it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model.h"
#include "engine/request.h"

namespace weft::verifier {

enum class ChangeKind {
  kNewlyAllowed,
  kMtlsWeakened,  // clear text is taken, or sent, where it was not
  kNewlyBlocked,
  kMtlsStrengthened,
  kRerouted,  // other destinations, shares or answers
  kFailover,  // others take over when the first choice is lost
  kLimited,   // counted by other limits
  kTimeout,
  kRetries,
  kHandled,  // rewritten, delayed, mirrored ... in another way
  kSettings  // connections, ejection, balance, token providers, authorizers
};
// "newly-allowed", "mtls-weakened", ...
[[nodiscard]] std::string_view ChangeName(ChangeKind kind);
// The change is one a reviewer looks at first: it lets more happen than before.
[[nodiscard]] bool Widens(ChangeKind kind);

// One cause: lines of both versions, and what follows from them.
struct Change {
  ChangeKind kind = ChangeKind::kNewlyAllowed;
  std::vector<Span> before, after;  // the lines on each side that make the difference
  std::string was, now;             // what becomes of the request, or the part that differs
  std::optional<engine::Request> sent_before,
      sent_after;                      // one request, in the ids of each version
  std::vector<std::string> request;    // the same for people
  std::set<std::string> callers;       // discovered identities: "namespace/account@cluster"
  std::set<std::string> destinations;  // "namespace/service:port@cluster", or hosts
  bool future_callers = false;         // also workloads that may be deployed one day
  bool anonymous_callers = false;      // also callers without mTLS identity
};

// The models as they were compared: providers of tokens and of decisions have the same ids in both.
struct Versions {
  engine::Model before, after;
};

struct ChangeReport {
  std::vector<Change> changes;         // by kind, then place
  std::vector<std::string> undecided;  // what could not be told, with the reason
  std::size_t unconfirmed = 0;  // requests an evaluator does not confirm; not reported: our mistake
  std::uint64_t questions = 0;  // put to the solver
  std::shared_ptr<const Versions> versions;
};

struct ChangeOptions {
  // The lines within the span whose text is not in the other version. Spans are of the version
  // that is said (true: after).
  std::function<std::vector<Span>(bool after, Span span)> edited;
  // The lines of the other version in whose place such a line stands.
  std::function<std::vector<Span>(bool after, Span line)> opposite;
  // Every line that is not in the other version, comments aside.
  std::function<std::vector<Span>(bool after)> all;
};

// Compares two versions. Deterministic; no I/O.
[[nodiscard]] ChangeReport Compare(const engine::Model& before, const engine::Model& after,
                                   const ChangeOptions& options);

}  // namespace weft::verifier
