// What runs in each cluster: the discovered Kubernetes objects the meaning of a policy depends on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/source.h"
#include "dsl/yaml.h"

namespace weft::engine {

using Labels = std::map<std::string, std::string>;

// True when every entry of `selector` is in `labels`. An empty selector selects everything; callers
// that must not (a Service without selector) test for it.
[[nodiscard]] bool Selects(const Labels& selector, const Labels& labels);

struct Locality {
  std::string region;
  std::string zone;
  auto operator<=>(const Locality&) const = default;
};

struct KubeNamespace {
  std::string name;
  Labels labels;
};

// How a Service port is spoken, by appProtocol or the prefix of the port's name, as Istio selects
// it.
enum class PortProtocol { kHttp, kHttp2, kGrpc, kHttps, kTcp, kTls, kUdp, kUnknown };

struct KubePort {
  std::string name;
  std::uint16_t number = 0;
  std::uint16_t target = 0;  // resolved container port; = number when a named one cannot be found
  std::string target_name;   // a named targetPort; "" for a number
  PortProtocol protocol = PortProtocol::kUnknown;
};

struct KubeService {
  std::string ns;
  std::string name;
  Labels labels;
  Labels selector;  // empty: no selector (or ExternalName)
  std::vector<KubePort> ports;
  std::string cluster_ip;            // "" or "None" for headless
  std::vector<std::string> ingress;  // status.loadBalancer ips and hostnames, spec.externalIPs
  std::string external_name;
  Span span;
};

// A Deployment, StatefulSet, DaemonSet or bare Pod: what shares one pod template.
struct KubeWorkload {
  std::string ns;
  std::string name;
  std::string kind;
  Labels labels;                // of the pods
  std::string service_account;  // "default" when not said
  std::int64_t replicas = 1;    // desired
  std::int64_t ready = 1;       // ready pods; = replicas when no Pod of it was dumped
  bool sidecar = true;          // false when injection is off by label/annotation or hostNetwork
  std::vector<std::string> addresses;               // pod IPs, sorted
  std::vector<Locality> localities;                 // of its nodes, sorted, without duplicates
  std::map<Locality, std::int64_t> ready_in;        // ready pods whose node's place is known
  std::map<std::string, std::uint16_t> port_names;  // container port name -> number
  Span span;
};

// An Istio object found in the cluster that weft did not make (no managed-by label).
struct ForeignObject {
  std::string api_version;
  std::string kind;
  std::string ns;
  std::string name;
  yaml::Node body;
  Span span;
};

struct KubePod {
  std::string ns;
  std::string name;
  std::string owner;  // name of the owning ReplicaSet, StatefulSet, ...; "" for a bare pod
  std::string service_account;
  Labels labels;
  std::string node;
  std::string address;
  bool ready = false;
  bool sidecar = true;
  std::map<std::string, std::uint16_t> port_names;
  Span span;
};

struct KubeNode {
  std::string name;
  Locality locality;
};

// An Endpoints or EndpointSlice object: one entry per address.
struct KubeEndpoint {
  std::string ns;
  std::string service;
  std::string pod;  // targetRef; "" unknown
  std::string address;
  bool ready = true;
};

struct KubeCluster {
  std::string name;
  std::string network;       // label topology.istio.io/network on istio-system; "" unknown
  std::string trust_domain;  // trustDomain of the istio ConfigMap; "" unknown
  std::vector<KubeNamespace> namespaces;                                 // sorted by name
  std::vector<KubeService> services;                                     // sorted by ns, name
  std::vector<std::pair<std::string, std::string>> service_accounts;     // (ns, name), sorted
  std::map<std::pair<std::string, std::string>, Labels> account_labels;  // of those that have any
  std::vector<KubeWorkload> workloads;                                   // sorted by ns, name
  std::vector<std::pair<std::string, std::string>> secrets;              // (ns, name), sorted
  std::vector<ForeignObject> foreign;
  std::vector<KubePod> pods;  // as read; FinishInventory folds them into workloads
  std::vector<KubeNode> nodes;
  std::vector<KubeEndpoint> endpoints;
  Locality locality;  // the most frequent locality of its nodes
};

struct Inventory {
  std::vector<KubeCluster> clusters;  // sorted by name
  [[nodiscard]] const KubeCluster* Find(const std::string& cluster) const;
};

// Reads the dump of one cluster (several files may be given for one cluster) into `inventory`:
// kinds listed in the class comment of each struct, `List` unfolded, Secrets by name only, other
// Kubernetes kinds skipped. A Namespace that is only named by its objects is added without labels.
// An Endpoints or EndpointSlice object supplies readiness and addresses when the Pods are not in
// the dump. Diagnostics: codes 3001-3099; a broken object is skipped. `cluster` is used for
// documents without a
// `# applied to cluster:` comment. A gateway that shows only as a Service and an account named
// after it is taken as running.
void ReadInventory(const std::string& cluster, const Source& source, Inventory& inventory,
                   Diagnostics& diagnostics);

// Sorts, removes duplicates (a later object replaces an earlier one of the same name), resolves
// named target ports and pod localities. Call once after the last ReadInventory.
void FinishInventory(Inventory& inventory);

}  // namespace weft::engine
