#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "engine/codes.h"
#include "engine/inventory.h"

namespace weft::engine {
namespace {

using yaml::Node;

constexpr std::string_view kManagedBy = "app.kubernetes.io/managed-by";

// What every reader of a kind gets.
struct Object {
  const Node& root;
  std::string api_version;
  std::string kind;
  std::string ns;
  std::string name;
  Span span;
};

Labels ReadLabels(const Node* node) {
  Labels labels;
  if (node == nullptr || !node->IsMapping()) return labels;
  for (const Node::Entry& entry : node->entries) labels[entry.key] = entry.value.text;
  return labels;
}

std::string TextAt(const Node& node, std::string_view path) {
  const Node* found = node.At(path);
  return found == nullptr || found->IsNull() ? std::string() : found->text;
}

std::int64_t IntAt(const Node& node, std::string_view path, std::int64_t fallback) {
  const Node* found = node.At(path);
  return found == nullptr ? fallback : found->AsInt().value_or(fallback);
}

const std::vector<Node>& ItemsAt(const Node& node, std::string_view path) {
  static const std::vector<Node> none;
  const Node* found = node.At(path);
  return found == nullptr || !found->IsSequence() ? none : found->items;
}

std::uint16_t ToPort(std::int64_t value) {
  return value >= 1 && value <= 65535 ? static_cast<std::uint16_t>(value) : std::uint16_t{0};
}

// Istio's protocol selection: appProtocol, else the port name up to the first '-'
// (pkg/config/kube/conversion.go; istio.io "Protocol Selection").
PortProtocol SelectProtocol(std::string_view transport, std::string_view app_protocol,
                            std::string_view name) {
  if (transport == "UDP") return PortProtocol::kUdp;
  std::string_view word = app_protocol.empty() ? name.substr(0, name.find('-')) : app_protocol;
  if (word == "kubernetes.io/h2c") word = "http2";
  static constexpr std::array<std::pair<std::string_view, PortProtocol>, 12> kWords = {{
      {"http", PortProtocol::kHttp},
      {"http2", PortProtocol::kHttp2},
      {"grpc", PortProtocol::kGrpc},
      {"grpc-web", PortProtocol::kGrpc},
      {"https", PortProtocol::kHttps},
      {"tls", PortProtocol::kTls},
      {"tcp", PortProtocol::kTcp},
      {"mongo", PortProtocol::kTcp},
      {"mysql", PortProtocol::kTcp},
      {"redis", PortProtocol::kTcp},
      {"kubernetes.io/wss", PortProtocol::kHttps},
      {"kubernetes.io/ws", PortProtocol::kHttp},
  }};
  for (const auto& [known, protocol] : kWords) {
    if (word == known) return protocol;
  }
  if (name.starts_with("grpc-web")) return PortProtocol::kGrpc;
  return PortProtocol::kUnknown;
}

void ReadService(const Object& object, KubeCluster& cluster) {
  KubeService service{.ns = object.ns, .name = object.name, .span = object.span};
  service.labels = ReadLabels(object.root.At("metadata.labels"));
  service.selector = ReadLabels(object.root.At("spec.selector"));
  service.cluster_ip = TextAt(object.root, "spec.clusterIP");
  service.external_name = TextAt(object.root, "spec.externalName");
  for (const Node& port : ItemsAt(object.root, "spec.ports")) {
    KubePort read{.name = TextAt(port, "name"), .number = ToPort(IntAt(port, "port", 0))};
    const Node* target = port.Find("targetPort");
    read.target = read.number;
    if (target != nullptr && target->AsInt()) {
      read.target = ToPort(*target->AsInt());
    } else if (target != nullptr && target->IsString()) {
      read.target_name = target->text;
    }
    read.protocol =
        SelectProtocol(TextAt(port, "protocol"), TextAt(port, "appProtocol"), read.name);
    if (read.number != 0) service.ports.push_back(std::move(read));
  }
  std::sort(service.ports.begin(), service.ports.end(),
            [](const KubePort& a, const KubePort& b) { return a.number < b.number; });
  for (const Node& ingress : ItemsAt(object.root, "status.loadBalancer.ingress")) {
    for (const std::string_view key : {"ip", "hostname"}) {
      const std::string address = ingress.StringOr(key, "");
      if (!address.empty()) service.ingress.push_back(address);
    }
  }
  for (const Node& address : ItemsAt(object.root, "spec.externalIPs")) {
    service.ingress.push_back(address.text);
  }
  cluster.services.push_back(std::move(service));
}

std::map<std::string, std::uint16_t> PortNames(const Node& pod_spec) {
  std::map<std::string, std::uint16_t> names;
  for (const Node& container : ItemsAt(pod_spec, "containers")) {
    for (const Node& port : ItemsAt(container, "ports")) {
      const std::string name = TextAt(port, "name");
      if (!name.empty()) names[name] = ToPort(IntAt(port, "containerPort", 0));
    }
  }
  return names;
}

// Injection turned off at the pod template; see DecideSidecars for the rest.
bool MayHaveSidecar(const Node& metadata_owner, const Node& pod_spec) {
  for (const Node& container : ItemsAt(pod_spec, "containers")) {
    if (TextAt(container, "name") == "istio-proxy") return true;
  }
  for (const std::string_view path : {"metadata.labels", "metadata.annotations"}) {
    const Node* labels = metadata_owner.At(path);
    const Node* inject = labels == nullptr ? nullptr : labels->Find("sidecar.istio.io/inject");
    if (inject != nullptr && inject->text == "false") return false;
  }
  const Node* host_network = pod_spec.Find("hostNetwork");
  return host_network == nullptr || !host_network->AsBool().value_or(false);
}

std::string AccountOf(const Node& pod_spec) {
  std::string account = TextAt(pod_spec, "serviceAccountName");
  if (account.empty()) account = TextAt(pod_spec, "serviceAccount");
  return account.empty() ? "default" : account;
}

void ReadWorkload(const Object& object, KubeCluster& cluster) {
  const Node* pod = object.root.At("spec.template");
  const Node* spec = object.root.At("spec.template.spec");
  static const Node kEmpty;
  const Node& template_node = pod == nullptr ? kEmpty : *pod;
  const Node& pod_spec = spec == nullptr ? kEmpty : *spec;
  KubeWorkload workload{.ns = object.ns, .name = object.name, .kind = object.kind};
  workload.labels = ReadLabels(template_node.At("metadata.labels"));
  if (workload.labels.empty()) {
    workload.labels = ReadLabels(object.root.At("spec.selector.matchLabels"));
  }
  workload.service_account = AccountOf(pod_spec);
  workload.replicas = IntAt(object.root, "spec.replicas", 1);
  workload.ready = workload.replicas;
  workload.sidecar = MayHaveSidecar(template_node, pod_spec);
  workload.port_names = PortNames(pod_spec);
  workload.span = object.span;
  cluster.workloads.push_back(std::move(workload));
}

bool IsReady(const Node& root) {
  const Node* conditions = root.At("status.conditions");
  if (conditions == nullptr) {
    const std::string phase = TextAt(root, "status.phase");
    return phase.empty() || phase == "Running";
  }
  for (const Node& condition : ItemsAt(root, "status.conditions")) {
    if (TextAt(condition, "type") == "Ready") return TextAt(condition, "status") == "True";
  }
  return TextAt(root, "status.phase") == "Running";
}

void ReadPod(const Object& object, KubeCluster& cluster) {
  const std::string phase = TextAt(object.root, "status.phase");
  if (phase == "Succeeded" || phase == "Failed") return;
  static const Node kEmpty;
  const Node* spec = object.root.Find("spec");
  const Node& pod_spec = spec == nullptr ? kEmpty : *spec;
  KubePod pod{.ns = object.ns, .name = object.name};
  const std::vector<Node>& owners = ItemsAt(object.root, "metadata.ownerReferences");
  if (!owners.empty()) pod.owner = TextAt(owners.front(), "name");
  pod.service_account = AccountOf(pod_spec);
  pod.labels = ReadLabels(object.root.At("metadata.labels"));
  pod.node = TextAt(pod_spec, "nodeName");
  pod.address = TextAt(object.root, "status.podIP");
  pod.ready = IsReady(object.root);
  pod.sidecar = MayHaveSidecar(object.root, pod_spec);
  pod.port_names = PortNames(pod_spec);
  pod.span = object.span;
  cluster.pods.push_back(std::move(pod));
}

void ReadNode(const Object& object, KubeCluster& cluster) {
  const Labels labels = ReadLabels(object.root.At("metadata.labels"));
  const auto label = [&](const char* key, const char* legacy) {
    const auto at = labels.find(key);
    if (at != labels.end()) return at->second;
    const auto old = labels.find(legacy);
    return old == labels.end() ? std::string() : old->second;
  };
  cluster.nodes.push_back(
      {object.name,
       {label("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"),
        label("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")}});
}

void ReadEndpoints(const Object& object, KubeCluster& cluster) {
  for (const Node& subset : ItemsAt(object.root, "subsets")) {
    for (const bool ready : {true, false}) {
      for (const Node& address : ItemsAt(subset, ready ? "addresses" : "notReadyAddresses")) {
        cluster.endpoints.push_back({object.ns, object.name, TextAt(address, "targetRef.name"),
                                     TextAt(address, "ip"), ready});
      }
    }
  }
}

void ReadEndpointSlice(const Object& object, KubeCluster& cluster) {
  const Labels labels = ReadLabels(object.root.At("metadata.labels"));
  const auto service = labels.find("kubernetes.io/service-name");
  if (service == labels.end()) return;
  for (const Node& endpoint : ItemsAt(object.root, "endpoints")) {
    const Node* ready = endpoint.At("conditions.ready");
    for (const Node& address : ItemsAt(endpoint, "addresses")) {
      cluster.endpoints.push_back({object.ns, service->second, TextAt(endpoint, "targetRef.name"),
                                   address.text,
                                   ready == nullptr || ready->AsBool().value_or(true)});
    }
  }
}

void ReadNamespace(const Object& object, KubeCluster& cluster) {
  KubeNamespace ns{object.name, ReadLabels(object.root.At("metadata.labels"))};
  const auto network = ns.labels.find("topology.istio.io/network");
  if (network != ns.labels.end() && (object.name == "istio-system" || cluster.network.empty())) {
    cluster.network = network->second;
  }
  cluster.namespaces.push_back(std::move(ns));
}

// The `mesh` entry of istiod's ConfigMap is YAML text of its own.
void ReadMeshConfig(const Object& object, KubeCluster& cluster) {
  if (object.name != "istio" && !object.name.starts_with("istio-")) return;
  const Node* data = object.root.Find("data");
  const Node* mesh = data == nullptr ? nullptr : data->Find("mesh");
  if (mesh == nullptr) return;
  const Source nested{FileId{}, "mesh", mesh->text, SourceKind::kYaml};
  Diagnostics ignored;
  for (const yaml::Document& document : yaml::Parse(nested, ignored)) {
    const std::string trust = document.root.StringOr("trustDomain", "");
    if (!trust.empty()) cluster.trust_domain = trust;
  }
}

void ReadForeign(const Object& object, KubeCluster& cluster) {
  const Labels labels = ReadLabels(object.root.At("metadata.labels"));
  const auto owner = labels.find(std::string(kManagedBy));
  if (owner != labels.end() && owner->second == "weft") return;
  cluster.foreign.push_back(
      {object.api_version, object.kind, object.ns, object.name, object.root, object.span});
}

KubeCluster& ClusterNamed(Inventory& inventory, const std::string& name) {
  for (KubeCluster& cluster : inventory.clusters) {
    if (cluster.name == name) return cluster;
  }
  inventory.clusters.push_back({.name = name});
  return inventory.clusters.back();
}

void Dispatch(const Object& object, KubeCluster& cluster) {
  const std::string& kind = object.kind;
  if (object.api_version.find(".istio.io/") != std::string::npos) {
    ReadForeign(object, cluster);
  } else if (kind == "Namespace") {
    ReadNamespace(object, cluster);
  } else if (kind == "Service") {
    ReadService(object, cluster);
  } else if (kind == "ServiceAccount") {
    cluster.service_accounts.emplace_back(object.ns, object.name);
    Labels labels = ReadLabels(object.root.At("metadata.labels"));
    if (!labels.empty()) cluster.account_labels[{object.ns, object.name}] = std::move(labels);
  } else if (kind == "Secret") {
    cluster.secrets.emplace_back(object.ns, object.name);
  } else if (kind == "Deployment" || kind == "StatefulSet" || kind == "DaemonSet") {
    ReadWorkload(object, cluster);
  } else if (kind == "Pod") {
    ReadPod(object, cluster);
  } else if (kind == "Node") {
    ReadNode(object, cluster);
  } else if (kind == "Endpoints") {
    ReadEndpoints(object, cluster);
  } else if (kind == "EndpointSlice") {
    ReadEndpointSlice(object, cluster);
  } else if (kind == "ConfigMap") {
    ReadMeshConfig(object, cluster);
  }
}

bool IsClusterScoped(std::string_view kind) { return kind == "Namespace" || kind == "Node"; }

void ReadObject(const Node& root, const std::string& cluster, Inventory& inventory,
                Diagnostics& diagnostics) {
  if (!root.IsMapping()) {
    diagnostics.Error(codes::kNotAnObject, root.span,
                      "expected a Kubernetes object, a mapping with `apiVersion` and `kind`");
    return;
  }
  const std::string kind = root.StringOr("kind", "");
  if (kind.empty()) {
    diagnostics.Error(codes::kNotAnObject, root.span, "a Kubernetes object needs a `kind`");
    return;
  }
  if (kind == "List" || (kind.ends_with("List") && root.Find("items") != nullptr)) {
    for (const Node& item : ItemsAt(root, "items")) {
      ReadObject(item, cluster, inventory, diagnostics);
    }
    return;
  }
  std::string name = TextAt(root, "metadata.name");
  if (name.empty()) {
    diagnostics.Error(codes::kUnnamedObject, root.span,
                      "this `" + kind + "` has no `metadata.name`");
    return;
  }
  std::string ns = TextAt(root, "metadata.namespace");
  if (ns.empty() && !IsClusterScoped(kind)) ns = "default";
  Dispatch({root, root.StringOr("apiVersion", ""), kind, std::move(ns), std::move(name), root.span},
           ClusterNamed(inventory, cluster));
}

}  // namespace

void ReadInventory(const std::string& cluster, const Source& source, Inventory& inventory,
                   Diagnostics& diagnostics) {
  ClusterNamed(inventory, cluster);
  for (const yaml::Document& document : yaml::Parse(source, diagnostics)) {
    const std::string& name = document.cluster.empty() ? cluster : document.cluster;
    ReadObject(document.root, name, inventory, diagnostics);
  }
}

}  // namespace weft::engine
