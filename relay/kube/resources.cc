#include "relay/kube/resources.h"

namespace weft::relay::kube {

const std::vector<Resource>& DiscoveredResources() {
  static const std::vector<Resource> resources = [] {
    std::vector<Resource> all = {
        {"v1", "Namespace", "namespaces", false},
        {"v1", "Node", "nodes", false},
        {"v1", "Pod", "pods"},
        {"v1", "Service", "services"},
        {"v1", "ServiceAccount", "serviceaccounts"},
        {"v1", "ConfigMap", "configmaps", true, false, "istio-system"},
        {"apps/v1", "Deployment", "deployments"},
        {"apps/v1", "StatefulSet", "statefulsets"},
        {"apps/v1", "DaemonSet", "daemonsets"},
        {"discovery.k8s.io/v1", "EndpointSlice", "endpointslices"},
        {"networking.istio.io/v1beta1", "ProxyConfig", "proxyconfigs", true, true},
        {"networking.istio.io/v1", "WorkloadGroup", "workloadgroups", true, true},
        {"extensions.istio.io/v1alpha1", "WasmPlugin", "wasmplugins", true, true},
    };
    for (const Resource& resource : WrittenResources()) {
      if (resource.kind != "ConfigMap") all.push_back(resource);
    }
    return all;
  }();
  return resources;
}

const std::vector<Resource>& WrittenResources() {
  static const std::vector<Resource> resources = {
      {"v1", "ConfigMap", "configmaps"},
      {"networking.istio.io/v1", "DestinationRule", "destinationrules", true, true},
      {"networking.istio.io/v1alpha3", "EnvoyFilter", "envoyfilters", true, true},
      {"networking.istio.io/v1", "Gateway", "gateways", true, true},
      {"networking.istio.io/v1", "ServiceEntry", "serviceentries", true, true},
      {"networking.istio.io/v1", "Sidecar", "sidecars", true, true},
      {"networking.istio.io/v1", "VirtualService", "virtualservices", true, true},
      {"networking.istio.io/v1", "WorkloadEntry", "workloadentries", true, true},
      {"security.istio.io/v1", "AuthorizationPolicy", "authorizationpolicies", true, true},
      {"security.istio.io/v1", "PeerAuthentication", "peerauthentications", true, true},
      {"security.istio.io/v1", "RequestAuthentication", "requestauthentications", true, true},
      {"telemetry.istio.io/v1", "Telemetry", "telemetries", true, true},
  };
  return resources;
}

std::string KindOf(const Resource& resource) {
  const std::size_t slash = resource.api_version.find('/');
  if (slash == std::string::npos) return resource.kind;
  return resource.kind + "." + resource.api_version.substr(0, slash);
}

std::string CollectionPath(const Resource& resource, std::string_view ns) {
  const bool core = resource.api_version.find('/') == std::string::npos;
  std::string path = (core ? "/api/" : "/apis/") + resource.api_version;
  if (!ns.empty()) path += "/namespaces/" + PercentEncoded(ns);
  return path + "/" + resource.plural;
}

std::string ObjectPath(const Resource& resource, const ObjectKey& key) {
  return CollectionPath(resource, key.ns) + "/" + PercentEncoded(key.name);
}

std::string PercentEncoded(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  static constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

}  // namespace weft::relay::kube
