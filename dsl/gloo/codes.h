// Codes of the import of Gloo Mesh objects: 7000-7099. Every constant must be listed in kGlooCodes;
// `weft explain-code` and docs/errors.md are made from it.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::gloo::codes {

inline constexpr Code kTemplated{
    7001, "templated-yaml",
    "The file is a template (`{{ … }}` of Helm or another tool), not YAML. Render it first, for "
    "example with `helm template`, and give the result to weft."};
inline constexpr Code kNotAnObject{
    7002, "not-an-object",
    "A YAML document has no `apiVersion`, `kind` or `metadata.name`, so it is no Kubernetes "
    "object. "
    "Values files and kustomizations are not policy: render them first."};
inline constexpr Code kUnknownKind{
    7003, "unknown-gloo-kind",
    "The kind, the group or the version does not exist in Gloo Mesh. The original drops such an "
    "object without a word; the help names the nearest kind."};
inline constexpr Code kRefusedKind{
    7004, "refused-gloo-kind",
    "weft knows the kind and does not read it. The message says why and what to use instead."};
inline constexpr Code kUnknownField{
    7005, "unknown-gloo-field",
    "The field does not exist here. The original drops it without a word, and a selector that is "
    "dropped makes a policy apply to everything. The help names the nearest field, or the place "
    "where the field belongs."};
inline constexpr Code kWrongType{
    7006, "wrong-gloo-type",
    "The value has another type than the field. A label value such as `true` or `1.20` must stand "
    "in quotes to be a string."};
inline constexpr Code kUnknownValue{7007, "unknown-gloo-value",
                                    "The value is none of those the field can have."};
inline constexpr Code kRefusedField{
    7008, "refused-gloo-field",
    "weft knows the field and cannot keep what it means. The message says why and what to use "
    "instead."};
inline constexpr Code kNotKept{
    7009, "gloo-field-not-kept",
    "The field is read, but not in this combination; what it says would be lost. The message names "
    "it."};
inline constexpr Code kReplaced{
    7010, "gloo-object-replaced",
    "The same object (kind, namespace, name and cluster) is given twice with different content. "
    "The "
    "later file wins, as with `kubectl apply`; within one file it is an error."};
inline constexpr Code kNoWorkspace{
    7011, "outside-any-workspace",
    "No workspace owns the namespace of this object, so it has no effect; in the original neither. "
    "Documents belong to the cluster that the comment `# applied to cluster: NAME` above them "
    "names, else to the management cluster `mgmt`."};
inline constexpr Code kNotRead{
    7012, "configuration-not-read",
    "The workspace owns the namespace but does not read configuration from it (`configEnabled: "
    "false`), so the object has no effect; in the original neither."};
inline constexpr Code kBadCombination{
    7013, "bad-gloo-combination",
    "Fields that exclude or need one another stand together or apart; the original refuses or "
    "misreads the object. The message says which."};
inline constexpr Code kDangling{
    7014, "dangling-gloo-reference",
    "A reference names an object that is not there. A workspace that nothing is shared with yet is "
    "only a warning."};
inline constexpr Code kNamedPort{
    7015, "unresolved-port-name",
    "A port is given by its name, and the inventory has no such port on the service. Give the "
    "inventory with `--inventory`, or write the number."};
inline constexpr Code kNotBound{
    7016, "route-not-bound",
    "The RouteTable names a VirtualGateway, and no listener of it accepts the table's hosts, "
    "workspace or labels (`allowedRouteTables`), so no request ever reaches it."};
inline constexpr Code kFullWildcard{
    7017, "full-wildcard-host",
    "The host `*` is not allowed in a RouteTable: it would claim every host of the gateway for one "
    "team. Name the hosts, or use a wildcard below a domain: `*.shop.example`."};
inline constexpr Code kForeignKind{7018, "foreign-object",
                                   "The object is not of Gloo Mesh; weft does not read policy from "
                                   "it. Istio objects that exist in "
                                   "a cluster belong into its inventory."};
inline constexpr Code kNoEffect{
    7019, "gloo-object-without-effect",
    "The object is fine and changes nothing: it selects nothing, or nothing uses it."};

inline constexpr std::array kGlooCodes = {
    kTemplated,   kNotAnObject,  kUnknownKind,    kRefusedKind, kUnknownField,
    kWrongType,   kUnknownValue, kRefusedField,   kNotKept,     kReplaced,
    kNoWorkspace, kNotRead,      kBadCombination, kDangling,    kNamedPort,
    kNotBound,    kFullWildcard, kForeignKind,    kNoEffect};

}  // namespace weft::gloo::codes
