// Rate limits: one bucket said in place (`limit 100/s per …`), and limits that count into a tree of
// descriptors (`limits NAME { … }`) by what a request sends (`counter NAME { … }`). Read by
// dsl/limits.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/condition.h"
#include "dsl/filter_items.h"
#include "dsl/name.h"

namespace weft::dsl {

struct LimitKey {
  enum class Kind { kSourceIdentity, kSourceIp, kRemoteIp, kPath, kMethod, kHeader, kClaim };
  Kind kind = Kind::kSourceIdentity;
  Str name;       // header or claim name
  Name provider;  // of a claim
};

// `100/s per source.identity burst 20 on error allow by main [when COND]`; also `limit 100/s per …`
// as an item.
struct LimitItem {
  Number requests;
  Millis unit{1000};
  std::vector<LimitKey> per;  // empty = one bucket for all
  std::optional<Number> burst;
  std::optional<bool> allow_on_error;
  std::optional<Condition> when;
  std::optional<PhaseClause> phase;
  std::optional<Name> limiter;  // `by main`; the only limiter in sight when absent
};

// One entry of what is sent: `"key" = "value"`, `source cluster`, `destination cluster`, `remote
// address`, `header "x-user" as "user" [optional]`, `match "value" when header "a" = "b"` (`unless`
// for the opposite), `metadata "key" path ["ns", "a"] default "v" [of route]`.
struct SendEntry {
  enum class Kind {
    kConstant,
    kSourceCluster,
    kDestinationCluster,
    kRemoteAddress,
    kHeader,
    kMatch,
    kMetadata
  };
  Kind kind = Kind::kConstant;
  std::optional<Str> key;  // descriptor key; that of the kind when absent
  Str value;               // kConstant, kMatch: the descriptor's value; kHeader: the header
  bool optional = false;   // kHeader: without it the entry is left out, not the whole descriptor
  std::optional<Condition> when;  // kMatch: header conditions joined by `and`
  bool unless = false;
  std::vector<Str> path;        // kMetadata: namespace, then keys
  std::optional<Str> fallback;  // kMetadata
  bool of_route = false;        // kMetadata: of the route instead of the request
  Span span;
};

// `send a, b`: one descriptor of entries in order; `send set a, b`: the order is free.
struct SendClause {
  std::vector<SendEntry> entries;
  bool set = false;
  Span span;
};

// `limit by api { count by per-user  send remote address  through main  phase … }`.
struct CountedLimitItem {
  QName limits;                 // the tree of descriptors
  std::vector<QName> counters;  // `count by NAME`
  std::vector<SendClause> sends;
  std::optional<Name> limiter;  // `through main`
  std::optional<bool> allow_on_error;
  std::optional<Condition> when;
  std::optional<PhaseClause> phase;
};

}  // namespace weft::dsl
