// `test` and `prove`.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dsl/condition.h"
#include "dsl/header.h"
#include "dsl/name.h"

namespace weft::dsl {

// `with opa denying`, `with opa unavailable`: what an authorizer says.
struct StatedAnswer {
  enum class Kind { kAllow, kDeny, kUnavailable };
  Name authorizer;
  Kind kind = Kind::kAllow;
};

struct TestRequest {
  Str method;
  Str url;  // `http://reviews:9080/reviews/7?x=1`; scheme https on gateways = TLS listener
  std::vector<LabelTerm> headers;
  std::optional<SourceClause> from;  // absent = outside
  std::optional<QName> through;      // `through gateways.north-south`
  bool plaintext = false;            // `without mtls`
  std::optional<Str> source_ip;
  std::optional<Str> remote_ip;
  struct Token {
    Name provider;
    bool invalid = false;
    std::vector<std::pair<Str, std::vector<Str>>> claims;
    Span span;
  };
  std::vector<Token> tokens;  // `with jwt corp { role = ["auditor"] }`, `with invalid jwt corp`
  std::vector<StatedAnswer> answers;  // `with opa denying`
  std::vector<Name> silent;           // `with limiter main unavailable`
  struct After {                      // `after 100 requests in the second`
    Number requests;
    Millis window{1000};
  };
  std::optional<After> after;
  std::optional<Number> body;  // `with body 2MiB`
  Span span;
};
struct Expectation {
  enum class Kind { kAllowed, kDenied, kBlocked, kServedBy, kRespond, kRedirect, kTimeout };
  Kind kind = Kind::kAllowed;
  std::optional<Name> stage;    // `blocked at mtls`
  std::optional<QName> target;  // `served by reviews.v2`
  std::optional<Name> cluster;  // `on west`
  std::optional<Number> status;
  std::optional<Str> location;
  std::optional<Duration> duration;  // `timeout 2s`
  Span span;
};
struct TestDecl {
  Header header;  // name = the quoted title
  TestRequest request;
  std::vector<Expectation> expectations;
  struct Loss {
    enum class Kind { kCluster, kRegion, kZone } kind = Kind::kCluster;
    Str name;
  };
  std::vector<Loss> losses;  // `on loss of cluster east`
};

// `prove "title" { … }`.
struct ProveDecl {
  enum class Quantifier { kNo, kEvery };
  enum class Verdict { kAllowed, kBlocked, kServed, kServedBy };
  enum class LossKind { kNone, kCluster, kRegion, kZone };
  enum class Form { kRequests, kResidency, kReplicas, kChain };
  Header header;
  Form form = Form::kRequests;
  Quantifier quantifier = Quantifier::kNo;
  LossKind loss = LossKind::kNone;  // `on loss of any region: …`
  std::int64_t losses = 1;          // `on loss of any 2 regions: …`
  Span loss_span;
  std::optional<QName> to;  // service, destination or workspace
  bool to_workspace = false;
  std::optional<QName> through;  // `through gateways.north-south`
  std::vector<SourceClause> from;
  std::optional<bool> mtls;           // `with mtls` / `without mtls`
  bool only_allowed = false;          // `every request allowed to X is served`
  bool within_limits = false;         // `within limits`: no limit is exhausted
  std::vector<StatedAnswer> answers;  // `with opa allowing`
  std::optional<Condition> where;
  Verdict verdict = Verdict::kAllowed;
  std::optional<QName> served_by;
  std::vector<Str> regions;  // kResidency: `data of X stays in [ … ]`
  // kReplicas: `replicas of X stay at least 4`, `… 50%`; without `to`, of every destination
  std::optional<Number> replicas;
  std::optional<Percent> replica_share;
  std::vector<QName> chain;  // kChain: `chain a -> b -> c fits 5s`, `… makes at most 9 requests`
  std::optional<Duration> budget;
  std::optional<Number> requests;
  Span span;  // of the law
};

}  // namespace weft::dsl
