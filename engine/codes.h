// Codes of lowering and of the inventory: 3001-3099 inventory, 3100-3999 references and meaning.
// Every constant must be listed in kEngineCodes; `weft explain-code` and docs/errors.md are made
// from it.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::engine::codes {

inline constexpr Code kNotAnObject{
    3001, "not-an-object",
    "An inventory document is not a Kubernetes object: it is no mapping or has no `kind`. An "
    "inventory "
    "is what `kubectl get ... -o yaml` prints, one document an object or a `List`."};
inline constexpr Code kUnnamedObject{3002, "unnamed-object",
                                     "A Kubernetes object of the inventory has no `metadata.name`, "
                                     "so nothing can refer to it. Add the "
                                     "name or remove the object."};

inline constexpr Code kUnknownCluster{
    3101, "unknown-cluster",
    "A cluster is named that is neither declared nor part of the inventory."};
inline constexpr Code kUndiscoveredCluster{
    3102, "undiscovered-cluster",
    "An inventory was given, but not for this declared cluster. Nothing is known to run there."};
inline constexpr Code kUnknownWorkspace{
    3103, "unknown-workspace", "A workspace is named that no `workspace NAME { … }` declares."};
inline constexpr Code kUnknownWorkload{
    3104, "unknown-workload",
    "A service, workload or gateway is named that is neither declared in sight nor discovered."};
inline constexpr Code kWorkspaceOverlap{3105, "workspace-overlap",
                                        "Two workspaces own the same namespace of the same "
                                        "cluster. A namespace belongs to one workspace: "
                                        "narrow one of the two `namespaces` patterns."};
inline constexpr Code kUnknownNamespace{
    3106, "unknown-namespace",
    "A namespace is named that the inventory of the cluster does not have; or, without an "
    "inventory, "
    "one that nobody declares and that looks like one somebody does."};
inline constexpr Code kForeignNamespace{
    3107, "foreign-namespace",
    "A workspace declares something for a namespace it does not own, or for the whole mesh."};
inline constexpr Code kNoOwner{3108, "no-owner",
                               "A declaration in the mesh section needs an owner and none can be "
                               "told from its namespace. Put it "
                               "below `workspace NAME`."};
inline constexpr Code kUnknownService{
    3109, "unknown-service",
    "A declared service is not among the discovered services of its namespace."};
inline constexpr Code kUnknownPort{3110, "unknown-port",
                                   "A port is named that the service does not have."};
inline constexpr Code kProtocolMismatch{
    3111, "protocol-mismatch",
    "The declared protocol differs from the one Istio selects by the port's name or appProtocol; "
    "Istio's "
    "choice decides. Rename the port of the Service (`http-…`) or mend the declaration."};
inline constexpr Code kEmptySubset{3112, "empty-subset",
                                   "The labels of a subset select no workload of the service; "
                                   "requests to it would fail with 503."};
inline constexpr Code kUnknownSubset{3113, "unknown-subset",
                                     "A subset is named that the service does not declare."};
inline constexpr Code kAmbiguous{
    3114, "ambiguous-name",
    "A name means several things. Write the workspace before it: `workspace.name`."};
inline constexpr Code kAmbiguousPort{
    3115, "ambiguous-port",
    "The service has several ports and the rule does not say which: `-> reviews port 9080`."};
inline constexpr Code kBackingConflict{
    3116, "backing-conflict",
    "A destination has two backing services in one cluster, or backings whose ports differ."};
inline constexpr Code kUnknownGateway{3117, "unknown-gateway",
                                      "A gateway is named that no `gateway` declares."};
inline constexpr Code kNotAccepted{3118, "route-not-accepted",
                                   "The gateway does not accept routes of this workspace, or not "
                                   "for this host. The gateway's owner says "
                                   "what it accepts: `accept routes from [w] for hosts [\"h\"]`."};
inline constexpr Code kUnknownTable{3119, "unknown-table",
                                    "A route delegates to a table that does not exist."};
inline constexpr Code kTableNotShared{
    3120, "table-not-shared",
    "A route delegates to a table of a workspace that does not export it to the route's owner."};
inline constexpr Code kDelegationCycle{3121, "delegation-cycle",
                                       "Tables delegate to one another in a cycle."};
inline constexpr Code kNothingDelegated{3122, "nothing-delegated",
                                        "A delegation selects no table; requests it matches are "
                                        "answered as the route's failure mode says."};
inline constexpr Code kBadWeights{3123, "bad-weights",
                                  "The weights of a rule's destinations must add up to 100%."};
inline constexpr Code kOtherwiseNotLast{
    3124, "otherwise-not-last",
    "`otherwise` matches everything, so no rule behind it can be reached."};
inline constexpr Code kConflictingPolicies{3125, "conflicting-policies",
                                           "Two policies of equal rank give one target the same "
                                           "item. Say which one wins with `override` or "
                                           "`priority N`, or narrow one selection."};
inline constexpr Code kConflictingAccess{
    3126, "conflicting-access",
    "Two `access` blocks of equal rank stand for one target. Merge them, or say `override` or "
    "`priority N`."};
inline constexpr Code kEmptySource{3127, "empty-source",
                                   "A source matches nothing that is discovered, so the clause "
                                   "admits nobody today; or it names an "
                                   "account that nobody has and that looks like one somebody has."};
inline constexpr Code kUnknownProvider{
    3128, "unknown-provider", "A jwt provider or an authorizer is named that is not declared."};
inline constexpr Code kNothingSelected{
    3129, "nothing-selected",
    "A selection matches nothing, or an `access` block that selects decides nothing, as blocks "
    "that "
    "stand nearer decide for all that it selects. Mend its names and labels, or remove it."};
inline constexpr Code kSharedAccount{
    3130, "shared-account",
    "Two services run under one service account. mTLS identity cannot tell them apart, so a rule "
    "that "
    "admits one admits both. Give each service an account of its own."};
inline constexpr Code kBadRequest{
    3131, "bad-test-request",
    "The request of a test cannot be understood: its URL, source or gateway does not resolve."};
inline constexpr Code kWrongLayer{3132, "wrong-layer",
                                  "An HTTP matcher or action stands in a rule for TCP or TLS "
                                  "connections, which have no methods, paths "
                                  "or headers."};

inline constexpr Code kTestFailed{
    3133, "test-failed",
    "A `test` block found something else than it expects. The labels show the lines that decided."};

inline constexpr Code kUnknownSecret{
    3134, "unknown-secret",
    "A listener names a certificate secret that the inventory of the cluster does not have in the "
    "gateway's namespace. The listener would stay closed. Secrets are known by name only."};

inline constexpr Code kDelegationTooLarge{
    3141, "delegation-too-large",
    "The tables that a route delegates to delegate in turn, more than 16 times in a row or to more "
    "than 50,000 rules in all. A table that is delegated to twice counts twice: delegate to it "
    "from one place."};
inline constexpr Code kSubsetHere{
    3142, "subset-not-here",
    "A subset stands where only all of a service can: it would be taken for the whole. Routes send "
    "to subsets; access is decided, and callers are told apart, by service and service account. "
    "What is to be treated apart gets a service, or an account, of its own."};
inline constexpr Code kUnknownPlace{
    3143, "unknown-place",
    "A region or zone is lost that no cluster, node or endpoint is in, so that nothing would be "
    "lost. Regions and zones are those of `cluster`, of `external` endpoints and of the nodes of "
    "the inventory."};
inline constexpr Code kOlderWins{
    3140, "older-policy-wins",
    "Two policies of one kind stand for one target, and the system they were read from goes by "
    "age: the older one is applied, the younger one not. The warning stands at the loser. In weft "
    "text the same is said by `priority`; better, narrow one of the two, or remove it."};
inline constexpr Code kNotExposed{
    3144, "external-not-exposed",
    "A route of a gateway, or `via` of an external service, leads through a gateway that does not "
    "let "
    "it out: `expose external services …` of the gateway or its listener does not name it, or no "
    "listener for HTTP takes its hosts."};

inline constexpr Code kNotImportersToSay{
    3145, "not-for-importers",
    "A policy for what another workspace shares says something that only its owner can say. A "
    "workspace "
    "that something is shared with says how its own callers call it, `balance` and `connections`; "
    "who "
    "is ejected, where requests fail over to and how TLS is spoken holds for all callers."};

inline constexpr Code kMadeHeader{
    3146, "made-header",
    "A limit looks at a header that a transformation on the same route sets. Where that comes "
    "later, or makes the header in a way that is not followed, the proofs take the header as the "
    "client sends it. Followed are values without a template and the first group of an expression "
    "over one header, compared with `=`."};

inline constexpr Code kRedirectLoop{
    3147, "redirect-loop",
    "A redirect leads back to the rule it stands in, so that a client asks again and again until "
    "it gives up. Redirect to another path or host, or let a rule before it serve the new path."};

inline constexpr std::array kEngineCodes = {kNotAnObject,         kUnnamedObject,
                                            kUnknownCluster,      kUndiscoveredCluster,
                                            kUnknownWorkspace,    kUnknownWorkload,
                                            kWorkspaceOverlap,    kUnknownNamespace,
                                            kForeignNamespace,    kNoOwner,
                                            kUnknownService,      kUnknownPort,
                                            kProtocolMismatch,    kEmptySubset,
                                            kUnknownSubset,       kAmbiguous,
                                            kAmbiguousPort,       kBackingConflict,
                                            kUnknownGateway,      kNotAccepted,
                                            kUnknownTable,        kTableNotShared,
                                            kDelegationCycle,     kNothingDelegated,
                                            kBadWeights,          kOtherwiseNotLast,
                                            kConflictingPolicies, kConflictingAccess,
                                            kEmptySource,         kUnknownProvider,
                                            kNothingSelected,     kSharedAccount,
                                            kBadRequest,          kWrongLayer,
                                            kTestFailed,          kUnknownSecret,
                                            kOlderWins,           kDelegationTooLarge,
                                            kSubsetHere,          kUnknownPlace,
                                            kNotExposed,          kNotImportersToSay,
                                            kMadeHeader,          kRedirectLoop};

}  // namespace weft::engine::codes
