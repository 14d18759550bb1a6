// Codes of emission: 5000-5099. Every constant must be listed in kEmitCodes.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::emit::codes {

inline constexpr Code kNotYetEmitted{
    5001, "not-emitted",
    "This part of the policy is typed, but weft emits no Istio configuration for it; the message "
    "names it. Nothing is written, so that no half of a policy is enforced."};
inline constexpr Code kInexpressible{
    5002, "inexpressible-condition",
    "Istio has no way to say this condition at this place. An AuthorizationPolicy knows no regular "
    "expressions and no query parameters; a VirtualService knows no tokens, no addresses and no "
    "service accounts."};
inline constexpr Code kTooManyCases{
    5003, "too-many-cases",
    "Written out as Istio needs it, the condition has more than 512 alternatives. Simplify it, or "
    "split the rule."};
inline constexpr Code kFailoverOrder{
    5004, "inexpressible-failover",
    "Istio cannot order localities this way. It can prefer the same zone, then the same region, "
    "then any; or the same cluster, then any."};

inline constexpr Code kNotHere{
    5006, "provider-not-here",
    "An authorizer or a limiter is asked in a cluster in which its service does not run."};

inline constexpr Code kBesideIstio{
    5007, "beside-istio",
    "What this asks for is no configuration of Istio: the certificates of its authorities (the "
    "secret `cacerts` of each cluster) and the installed versions of Istio and its gateways are "
    "made elsewhere. The objects written do not depend on it and are complete."};

inline constexpr Code kRawObject{
    5008, "raw-object",
    "What stands in `raw istio` is emitted as it is, so it has to be whole: YAML documents with "
    "`apiVersion`, `kind` and `metadata.name`, for namespaces of the workspace that says it, and "
    "none "
    "of a kind and name that is emitted for something else."};

inline constexpr Code kTrustAssumed{
    5009, "trust-domain-assumed",
    "Nothing says which trust domain the cluster has, so its name was taken, and what is emitted "
    "names callers with it. An Istio that was installed without saying so has the trust domain "
    "`cluster.local`: nobody would be admitted there. Say `trust \"…\"` in `cluster`, or give the "
    "ConfigMap `istio` of the cluster with the inventory."};

inline constexpr Code kUnknownField{
    5101, "unknown-istio-field",
    "An Istio object has a field its kind does not have. Kubernetes would drop it in silence, and "
    "with it what it was meant to say."};
inline constexpr Code kBadField{5102, "bad-istio-field",
                                "A field of an Istio object has a value of the wrong type."};
inline constexpr Code kBadWord{
    5103, "bad-istio-word",
    "A field of an Istio object holds a word that is not among those it can have."};
inline constexpr Code kMissingField{5104, "missing-istio-field",
                                    "An Istio object lacks a field it cannot do without."};
inline constexpr Code kUnknownKind{
    5105, "unknown-istio-kind",
    "A document says it is Istio's, and is of a kind or version that Istio does not have."};
inline constexpr Code kOutOfRange{
    5106, "istio-value-out-of-range",
    "A number, a length or a count in an Istio object is outside what its kind allows; the API "
    "server of Kubernetes refuses the object."};
inline constexpr Code kBrokenRule{5107, "istio-rule-broken",
                                  "An Istio object breaks a rule of its kind: a value is not what "
                                  "the field is for, or two fields "
                                  "are set that exclude one another. Istio refuses the object."};

inline constexpr std::array kEmitCodes = {
    kNotYetEmitted, kInexpressible, kTooManyCases, kFailoverOrder, kNotHere,
    kBesideIstio,   kRawObject,     kTrustAssumed, kUnknownField,  kBadField,
    kBadWord,       kMissingField,  kUnknownKind,  kOutOfRange,    kBrokenRule};

}  // namespace weft::emit::codes
