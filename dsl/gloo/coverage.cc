// docs/gloo.md: what becomes of every field of every kind, made from the table of kinds.
#include <algorithm>
#include <set>

#include "dsl/gloo/forms.h"
#include "dsl/gloo/read.h"
#include "dsl/gloo/schema.h"

namespace weft::gloo {
namespace {

constexpr std::string_view kHead = R"(# Gloo Mesh objects

`weft` reads the objects of Gloo Mesh Enterprise v2 as they are:

    weft verify POLICY_DIR --inventory INVENTORY_DIR
    weft import gloo POLICY_DIR --inventory INVENTORY_DIR -o weft-policy

Every field of every kind is used, refused by name, or passed over with a reason; nothing is dropped
in silence. This page is made from the table the reader works by (`weft import gloo --fields`).

## Which cluster, which workspace

- A document belongs to the cluster that the nearest comment `# applied to cluster: NAME` above it
  names, else to the management cluster `mgmt`.
- The later of two objects of one kind, namespace, name and cluster counts: a warning between files,
  an error within one.
- An object whose namespace no workspace owns in its cluster has no effect, and neither has one in a
  namespace with `configEnabled: false`; both are reported.
- Names become unique within a workspace: the first object keeps its name (by kind, name, namespace,
  cluster, whatever the files), a second one gets its kind or namespace behind it.

## Where the original contradicts itself

| subject | here |
|---|---|
| two policies of one kind on one target | an error; with `creationTimestamp` on both, the older one wins and a warning names the loser. AccessPolicies add up |
| AccessPolicy that selects workloads under service isolation | replaces isolation for them, as one that selects destinations does; a warning shows a request that the original would let in |
| `allowedRouteTables` without a selector, with `{}` | any table; the tables of the gateway's workspace |
| `importFrom` absent | nothing is imported |
| `options` of the settings named `global` | replace those of every workspace, option by option |
| the host `*` in a RouteTable | refused; the rest of the table is read |
| `authz: {}` of an AccessPolicy | for workloads nobody, for destinations everybody |
| labels of a route that delegates | count for the routes it delegates to, too |
| `trimProxyConfig` of the settings named `global` | not for workspaces that have no settings of their own |
| hosts of federated services | both `SERVICE.NAMESPACE.CLUSTER.SUFFIX` and, as older releases wrote it, `SERVICE.NAMESPACE.svc.CLUSTER.SUFFIX` |
| limits for servers of one cluster, asked from others | the limiter of each cluster counts; a warning says so |
| `:path` in a `headerValueMatch` | compared without the query |
| several RateLimitPolicies on one target | all of them count |
| a missing token where a JWTPolicy selects destinations | 403, as Istio answers; at routes 401 |
| selectors by namespace or cluster of objects that have neither in weft | the labels `weft.dev/namespace` and `weft.dev/cluster` |

## Emitted objects, beside those of the original

Both mean the same; they are written differently.

| original | here |
|---|---|
| isolation: an AuthorizationPolicy and a PeerAuthentication per service and port, with every discovered account | an AuthorizationPolicy per service whose principals are the namespaces (`cluster1/ns/web/sa/*`), so that a new account needs no new object; a PeerAuthentication per namespace; `weft-isolate` closes workloads without a service |
| an AccessPolicy on workloads adds its own AuthorizationPolicy beside that of isolation, and Istio unites the two | one AuthorizationPolicy, which replaces that of isolation |
| a Sidecar per Deployment | a Sidecar per namespace, with the same hosts |
| `exportTo: ['.']` and a copy per namespace | one object, exported to the namespaces of the workspaces that may see it |
| the port of a Gateway server is that of the pods behind the Service | the port of the listener, which Istio maps by the Service |
| tokens and claims of routes: the vendor's staged jwt_authn filter | Envoy's jwt_authn and rbac filters, put in by EnvoyFilters |
| limits: a tree pushed to the limiter | ConfigMap `weft-limits-NAME` for github.com/envoyproxy/ratelimit, one entry for each descriptor that is reached |
| settings of an ExtAuthPolicy: pushed to the authorizer | ConfigMap `weft-settings-NAME`; the check names its file by the context extension `config` |
| RootTrustPolicy: certificates by the agents | not written; a warning says so |
| routes are named `ROUTE-TABLE` | routes are named as in the table |
| a remote endpoint is a WorkloadEntry without region where none is known | its region is the name of its cluster, so that what is near comes first |

## When a policy selects nothing

| kind | applies to |
|---|---|
)";

std::string TypeText(const Field& field) {
  std::string text;
  switch (field.scalar) {
    case Scalar::kString:
      text = "string";
      break;
    case Scalar::kBool:
      text = "bool";
      break;
    case Scalar::kInt:
      text = "int";
      break;
    case Scalar::kNumber:
      text = "number";
      break;
    case Scalar::kDuration:
      text = "duration";
      break;
    case Scalar::kAny:
      text = "any";
      break;
    case Scalar::kEnum:
      for (const std::string& value : field.values) text += (text.empty() ? "" : ", ") + value;
      break;
    case Scalar::kMessage:
      text = field.of;
      break;
  }
  if (!field.form.empty()) text += ", " + FormText(field.form);
  switch (field.shape) {
    case Shape::kOne:
      return text;
    case Shape::kList:
      return "list of " + text;
    case Shape::kMap:
      return "map " + (field.key_form.empty() ? "" : "of " + FormText(field.key_form) + " ") +
             "to " + text;
  }
  return text;
}

std::string FateText(const Field& field) {
  switch (field.fate) {
    case Fate::kUsed:
      return field.note;
    case Fate::kRefused:
      return "**refused**: " + field.note;
    case Fate::kIdle:
      return "passed over: " + field.note;
  }
  return "";
}

class Page {
 public:
  std::string Write() {
    text_ = kHead;
    for (const KindInfo& kind : TheSchema().kinds) {
      if (!kind.empty.empty()) text_ += "| " + kind.kind + " | " + kind.empty + " |\n";
    }
    std::string group;
    for (const KindInfo& kind : TheSchema().kinds) {
      if (kind.refused) continue;
      const std::string api = kind.group + "/" + kind.version;
      if (api != group) text_ += "\n## " + api + "\n";
      group = api;
      text_ += "\n### " + kind.kind + "\n\nBecomes " + kind.note + ".\n";
      shown_.clear();
      Table(kind.message, "");
    }
    text_ +=
        "\n## Kinds that are refused\n\n| API | kind | why, and what instead |\n|---|---|---|\n";
    for (const KindInfo& kind : TheSchema().kinds) {
      if (!kind.refused) continue;
      text_ += "| " + kind.group + "/" + kind.version + " | " +
               (kind.kind == "*" ? "every kind" : kind.kind) + " | " + kind.note + " |\n";
    }
    return text_;
  }

 private:
  // Rows of a message, those of the messages in it indented by their path.
  void Table(const std::string& message, const std::string& path) {
    if (path.empty()) text_ += "\n| field | type | what becomes of it |\n|---|---|---|\n";
    if (!shown_.insert(message).second) return;
    for (const Field& field : TheSchema().messages.at(message).fields) {
      const std::string name = path + field.name;
      text_ += "| `" + name + "` | " + TypeText(field) + " | " + FateText(field) + " |\n";
      if (field.scalar == Scalar::kMessage && field.fate == Fate::kUsed) {
        Table(field.of, name + (field.shape == Shape::kList ? "[]." : "."));
      }
    }
  }

  std::string text_;
  std::set<std::string> shown_;  // messages of this kind that have their rows
};

}  // namespace

std::string CoverageText() { return Page().Write(); }

}  // namespace weft::gloo
