// Codes of the proofs: 4100-4199. Every constant must be listed in kVerifierCodes.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::verifier::codes {

inline constexpr Code kLawViolated{
    4101, "law-violated",
    "A `prove` does not hold. The counterexample is a request that shows it; the labels show the "
    "rules that let it through. Narrow one of those rules, or weaken the law."};
inline constexpr Code kIsolationBroken{
    4102, "isolation-broken",
    "A workspace can reach something of another workspace that is not exported to it: by a route "
    "that sends requests there, or by an `allow` that admits it. Export what is meant to be "
    "shared, "
    "or remove the route or the source."};
inline constexpr Code kUnreachableRule{
    4103, "unreachable-rule",
    "No request ever reaches this rule: the rules before it take everything it matches, it "
    "contradicts itself, or no listener serves its host. Move it up, narrow the rules before it, "
    "or "
    "remove it."};
inline constexpr Code kRefusedRoute{
    4104, "refused-route",
    "Every request this rule forwards is refused by the server it goes to, whatever it looks like. "
    "Allow the gateway or the callers at the server, or remove the rule."};
inline constexpr Code kIdleAllow{
    4105, "idle-allow",
    "An `allow` admits nobody: whatever it matches is denied by a `deny`, refused by mTLS, or "
    "contradicts itself."};
inline constexpr Code kIdleDeny{
    4106, "idle-deny",
    "A `deny` meets no request that anything allows, so it changes nothing. Remove it, or check "
    "that it says what is meant."};
inline constexpr Code kMtlsMismatch{
    4107, "mtls-mismatch",
    "Clients are told to speak without mTLS to servers that require it, so every request fails. "
    "Remove `tls …` from the destination, or `mtls strict` from the server."};
inline constexpr Code kNoEjection{
    4108, "failover-without-ejection",
    "Istio moves traffic to another locality only when endpoints are ejected as outliers. Without "
    "`eject after …` the failover never happens and traffic is spread over all localities."};
inline constexpr Code kNothingLeft{
    4109, "no-destination-left",
    "A destination has backings in several clusters, but after losing one of them some caller has "
    "none left that it can reach. Check networks, east-west gateways and `failover`."};
inline constexpr Code kResidencyBroken{
    4110, "residency-broken",
    "Data marked to stay in some regions can be served from another one."};
inline constexpr Code kFailoverLoop{
    4111, "failover-loop", "A `failover from region a to region b` leads back to where it began."};
inline constexpr Code kUnresolvedInCluster{
    4112, "unresolved-in-cluster",
    "A rule sends requests to a service that does not run in one of the clusters the rule applies "
    "to. Requests there fail with 503. Use a destination that spans clusters, or deploy the "
    "service there."};
inline constexpr Code kBudgetExceeded{
    4113, "budget-exceeded",
    "Retries do not fit into the time limit: attempts times the limit per try is longer than the "
    "whole, so the last attempts are cut off; or a call chain takes longer than its caller waits."};
inline constexpr Code kHostHijack{
    4114, "host-hijack",
    "A route for sidecars changes where requests to a host of another workspace go, though that "
    "workspace does not share it."};
inline constexpr Code kHostCollision{
    4115, "host-collision",
    "Two declarations answer to one host at one place. Which of them Istio uses depends on age."};
inline constexpr Code kRuleConflict{
    4116, "rule-conflict",
    "Two routes for one host at one gateway match the same request and do different things. Order "
    "never matters between routes, so narrow one of them or put both into one route."};
inline constexpr Code kNotStrict{
    4117, "isolation-without-strict-mtls",
    "An isolated workspace does not require mTLS. Who calls is then known only of callers that "
    "choose to show an identity; with mTLS off nobody has one, and isolation refuses everyone."};
inline constexpr Code kIdleLimit{
    4118, "idle-limit",
    "A limit counts no request that gets that far: its condition contradicts itself, or everything "
    "it would count is refused before. Remove it, or check that it says what is meant."};
inline constexpr Code kLimitNeverDecides{
    4119, "limit-never-decides",
    "Whatever this limit counts is counted by another one that is always exhausted first: by fewer "
    "values and at a lower rate. Remove one of the two, or mend the rate."};
inline constexpr Code kAuthorizationSkipped{
    4120, "authorization-skipped",
    "At one gateway some rules that send to a destination ask an authorizer and this one does not. "
    "Say `authorize by …` here too, or `without authorization` where that is meant."};
inline constexpr Code kTokenNotDemanded{
    4121, "token-not-demanded",
    "Tokens are checked here when there are any, and nobody is refused for having none: no rule "
    "looks at them. Drop `optional`, or demand the token where access is allowed: `when jwt p`."};
inline constexpr Code kSaysNothing{
    4122, "law-says-nothing",
    "A `prove` is about no request at all: what it speaks of does not exist, nobody is such a "
    "caller, or its condition contradicts itself. It would hold whatever the policy says, so it "
    "counts as not proved. The label shows the part that is empty; mend it, or remove the law."};
inline constexpr Code kAddedInOriginal{
    4130, "added-in-original",
    "The policy selects workloads of an isolated workspace. In the system it was read from it adds "
    "to isolation: members of the workspace and importers still get in, though the policy does not "
    "list them. Here it replaces isolation for these workloads. The request is one that gets in "
    "there and not here; list its caller if it shall."};
inline constexpr Code kAssumed{4140, "assumed",
                               "Objects in `raw istio` are emitted as they are, and nothing here "
                               "knows what they do. The proofs "
                               "named in the message take for granted that they leave them true."};
inline constexpr Code kUnproved{
    4190, "counterexample-not-replayed",
    "The solver found a counterexample that the reference evaluator does not confirm. That is a "
    "fault of weft, not of the policy; please report it with the policy."};
inline constexpr Code kUndecided{
    4191, "undecided",
    "The property could be neither proved nor refuted: an expression is outside of what weft can "
    "reason about, or a limit was reached. The message says which. It counts as not proved."};

inline constexpr std::array kVerifierCodes = {
    kLawViolated,          kIsolationBroken,  kUnreachableRule,
    kRefusedRoute,         kIdleAllow,        kIdleDeny,
    kMtlsMismatch,         kNoEjection,       kNothingLeft,
    kResidencyBroken,      kFailoverLoop,     kUnresolvedInCluster,
    kBudgetExceeded,       kHostHijack,       kHostCollision,
    kRuleConflict,         kIdleLimit,        kLimitNeverDecides,
    kAuthorizationSkipped, kTokenNotDemanded, kSaysNothing,
    kAddedInOriginal,      kAssumed,          kUnproved,
    kUndecided};

}  // namespace weft::verifier::codes
