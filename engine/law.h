// `prove`, references resolved; dsl/test_declarations.h has the surface. Part of the Model.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsl/span.h"
#include "engine/condition.h"
#include "engine/ids.h"
#include "engine/route_rule.h"

namespace weft::engine {

// What an authorizer says.
enum class Answer { kAllow, kDeny, kUnavailable };
// What a law takes for granted of the services that decide with the mesh.
struct Assumptions {
  std::map<AuthorizerId, Answer> answers;
  bool within_limits = false;  // no limit is exhausted, every limiter answers
};

enum class LossKind { kNone, kCluster, kRegion, kZone };

struct Law {
  enum class Form { kRequests, kResidency, kReplicas, kChain };
  enum class Quantifier { kNo, kEvery };
  enum class Verdict { kAllowed, kBlocked, kServed, kServedBy };
  std::string title;
  Form form = Form::kRequests;
  Quantifier quantifier = Quantifier::kNo;
  LossKind loss = LossKind::kNone;
  std::size_t losses = 1;     // how many of the kind are lost at once
  std::vector<TargetRef> to;  // services/destinations; a workspace is all its services
  std::string to_text;
  GatewayId through;
  std::vector<CallerSet> from;  // empty = anyone
  std::optional<bool> mtls;
  bool only_allowed = false;
  Assumptions assumed;
  Condition where;
  Verdict verdict = Verdict::kAllowed;
  std::optional<TargetRef> served_by;
  std::vector<std::string> regions;
  std::vector<ServiceId> chain;
  std::optional<Millis> budget;
  std::optional<std::int64_t> requests;  // at the end of the chain, for one at its beginning
  std::optional<std::int64_t> replicas;  // kReplicas: as many
  double replica_share = 0;  // or this much of what is there when nothing is lost; percent
  Span span;
  struct Parts {  // where they stand; unknown for what the law does not have
    Span loss, to, through, from, where;
  };
  Parts parts;
};

}  // namespace weft::engine
