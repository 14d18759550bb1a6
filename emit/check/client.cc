#include "emit/check/client.h"

#include <algorithm>

#include "emit/check/strings.h"

namespace weft::emit::check {
namespace {

using engine::ClusterId;
using engine::Request;

engine::Labels LabelsAt(const yaml::Node& node, std::string_view path) {
  engine::Labels labels;
  if (const yaml::Node* map = node.At(path)) {
    for (const auto& entry : map->entries) labels[entry.key] = entry.value.text;
  }
  return labels;
}

bool Lost(const Request& request, ClusterId cluster, const engine::Locality& place) {
  return request.lost_clusters.contains(cluster) || request.lost_regions.contains(place.region) ||
         request.lost_zones.contains(place.zone);
}

struct Endpoint {
  ClusterId cluster;
  engine::Locality place;
  engine::WorkloadId workload;  // none: external
  std::uint16_t port = 0;       // of the workload
};

// Pods of a cluster's namespace with the labels, one endpoint for each place they run at.
void AddPods(const Mesh& mesh, ClusterId cluster, const std::string& ns,
             const engine::Labels& labels, std::uint16_t port, const Request& request,
             std::vector<Endpoint>& out) {
  for (std::uint32_t i = 0; i < mesh.world.workloads.size(); ++i) {
    const engine::Workload& w = mesh.world.workloads[i];
    if (w.cluster != cluster || w.ns != ns || w.ready <= 0 || !engine::Selects(labels, w.labels)) {
      continue;
    }
    std::vector<engine::Locality> places = w.localities;
    if (places.empty()) places.push_back(mesh.world[cluster].locality);
    for (const engine::Locality& place : places) {
      if (!Lost(request, cluster, place)) out.push_back({cluster, place, {i}, port});
    }
  }
}

std::uint16_t TargetPort(const IstioObject& entry, std::uint16_t port) {
  if (const yaml::Node* ports = entry.spec.Find("ports")) {
    for (const yaml::Node& p : ports->items) {
      const yaml::Node* number = p.Find("number");
      if (number == nullptr || number->AsInt() != port) continue;
      const yaml::Node* target = p.Find("targetPort");
      return static_cast<std::uint16_t>(target == nullptr ? port : target->AsInt().value_or(port));
    }
  }
  return port;
}

engine::Locality PlaceOf(const std::string& text) {
  const std::size_t slash = text.find('/');
  return {text.substr(0, slash), slash == std::string::npos ? "" : text.substr(slash + 1)};
}

// Endpoints of a ServiceEntry: selected pods here, and WorkloadEntries, of which those of another
// cluster lead to that cluster's pods behind the same host.
std::vector<Endpoint> EntryEndpoints(const Mesh& mesh, ClusterId cluster, const IstioObject& entry,
                                     const std::string& host, std::uint16_t port,
                                     const Request& request) {
  std::vector<Endpoint> found;
  const engine::Labels labels = LabelsAt(entry.spec, "workloadSelector.labels");
  if (labels.empty()) {
    const yaml::Node* endpoints = entry.spec.Find("endpoints");
    if (endpoints == nullptr || endpoints->items.empty()) {
      found.push_back({cluster, {}, {}, port});
      return found;
    }
    for (const yaml::Node& endpoint : endpoints->items) {
      const engine::Locality place = PlaceOf(endpoint.StringOr("locality", ""));
      const bool lost =
          request.lost_regions.contains(place.region) || request.lost_zones.contains(place.zone);
      if (!lost) found.push_back({cluster, place, {}, port});
    }
    return found;
  }
  AddPods(mesh, cluster, entry.ns, labels, TargetPort(entry, port), request, found);
  for (const IstioObject* we : OfKind(mesh, cluster, "WorkloadEntry")) {
    const engine::Labels own = LabelsAt(we->spec, "labels");
    if (we->ns != entry.ns || !engine::Selects(labels, own)) continue;
    const auto remote = own.find("topology.istio.io/cluster");
    if (remote == own.end()) continue;
    const ClusterId there = mesh.world.FindCluster(remote->second);
    const engine::Locality place = PlaceOf(we->spec.StringOr("locality", ""));
    if (there.IsNone() || Lost(request, there, place)) continue;
    // The far gateway sends to the same host in its cluster.
    const auto far = HostNamed(mesh, there, host);
    if (!far || far->entry == nullptr) continue;
    std::vector<Endpoint> pods;
    AddPods(mesh, there, far->entry->ns, LabelsAt(far->entry->spec, "workloadSelector.labels"),
            TargetPort(*far->entry, port), request, pods);
    for (Endpoint& pod : pods) {
      if (pod.place.region == place.region && pod.place.zone == place.zone) found.push_back(pod);
    }
  }
  return found;
}

// The DestinationRule a client uses: of its own namespace, of the service's, of the root.
const IstioObject* RuleFor(const Mesh& mesh, const Client& client, const Host& host) {
  const std::string owner = host.entry != nullptr ? host.entry->ns : host.service_ns;
  for (const std::string& ns : {client.ns, owner, mesh.world.root_namespace}) {
    const IstioObject* best = nullptr;
    std::size_t fit = 0;
    for (const IstioObject* rule : OfKind(mesh, client.cluster, "DestinationRule")) {
      if (rule->ns != ns || !Exported(*rule, client.ns)) continue;
      const std::size_t here = HostFit(rule->spec.StringOr("host", ""), host.name);
      if (here > fit) {
        fit = here;
        best = rule;
      }
    }
    if (best != nullptr) return best;
  }
  return nullptr;
}

std::size_t PriorityOf(const Mesh& mesh, const yaml::Node& labels, const Client& client,
                       const Endpoint& endpoint) {
  std::size_t agree = 0;
  for (const yaml::Node& label : labels.items) {
    bool same = false;
    if (label.text == "topology.kubernetes.io/region") {
      same = endpoint.place.region == client.locality.region;
    } else if (label.text == "topology.kubernetes.io/zone") {
      same = endpoint.place.zone == client.locality.zone;
    } else if (label.text == "topology.istio.io/cluster") {
      same = endpoint.cluster == client.cluster;
    } else if (label.text == "topology.istio.io/network") {
      same = mesh.world[endpoint.cluster].network == mesh.world[client.cluster].network;
    }
    if (!same) break;
    ++agree;
  }
  return labels.items.size() - agree;
}

// Istio's locality priorities: only together with outlier detection, except `distribute`.
void KeepPreferred(const Mesh& mesh, const yaml::Node* policy, const Client& client,
                   std::vector<Endpoint>& endpoints) {
  if (policy == nullptr) return;
  const yaml::Node* setting = policy->At("loadBalancer.localityLbSetting");
  const bool outlier = policy->Find("outlierDetection") != nullptr;
  const std::string& region = client.locality.region;
  if (setting != nullptr && setting->Find("distribute") != nullptr) {
    for (const yaml::Node& d : setting->Find("distribute")->items) {
      if (d.StringOr("from", "") != region + "/*") continue;
      std::erase_if(endpoints, [&](const Endpoint& e) {
        const yaml::Node* to = d.Find("to");
        const yaml::Node* share = to == nullptr ? nullptr : to->Find(e.place.region + "/*");
        return share == nullptr || share->AsInt().value_or(0) == 0;
      });
      return;
    }
  }
  if (!outlier) return;
  if (setting != nullptr && setting->Find("enabled") != nullptr &&
      setting->Find("enabled")->AsBool() == false) {
    return;
  }
  const auto rank = [&](const Endpoint& e) -> std::size_t {
    if (setting != nullptr && setting->Find("failoverPriority") != nullptr) {
      return PriorityOf(mesh, *setting->Find("failoverPriority"), client, e);
    }
    if (e.place.region == region) return e.place.zone == client.locality.zone ? 0 : 1;
    if (setting != nullptr && setting->Find("failover") != nullptr) {
      for (const yaml::Node& f : setting->Find("failover")->items) {
        if (f.StringOr("from", "") == region) {
          return f.StringOr("to", "") == e.place.region ? 2 : 3;
        }
      }
    }
    return 3;
  };
  std::size_t best = SIZE_MAX;
  for (const Endpoint& e : endpoints) best = std::min(best, rank(e));
  std::erase_if(endpoints, [&](const Endpoint& e) { return rank(e) != best; });
}

const yaml::Node* SubsetOf(const IstioObject* rule, const std::string& subset) {
  const yaml::Node* subsets = rule == nullptr ? nullptr : rule->spec.Find("subsets");
  if (subsets == nullptr) return nullptr;
  for (const yaml::Node& s : subsets->items) {
    if (s.StringOr("name", "") == subset) return &s;
  }
  return nullptr;
}

std::vector<Endpoint> EndpointsOf(const Mesh& mesh, const Client& client, const Host& host,
                                  std::uint16_t port, const Request& request) {
  if (host.entry != nullptr) {
    return EntryEndpoints(mesh, client.cluster, *host.entry, host.name, port, request);
  }
  std::vector<Endpoint> endpoints;
  std::uint16_t target = port;
  for (const engine::ServicePort& p : host.service->ports) {
    if (p.number == port) target = p.target;
  }
  if (!host.service->selector.empty()) {
    AddPods(mesh, client.cluster, host.service_ns, host.service->selector, target, request,
            endpoints);
  }
  return endpoints;
}

bool SidecarAdmits(const Mesh& mesh, ClusterId cluster, const std::string& ns, const Host& host,
                   const std::string& host_ns) {
  for (const IstioObject* sidecar : OfKind(mesh, cluster, "Sidecar")) {
    if (sidecar->ns != ns || sidecar->spec.Find("workloadSelector") != nullptr) continue;
    return Admits(*sidecar, host, host_ns);
  }
  return true;
}

// What a traffic policy says of the port: its own settings, which replace all others, else those.
const yaml::Node* PolicyFor(const yaml::Node* policy, std::uint16_t port) {
  const yaml::Node* levels = policy == nullptr ? nullptr : policy->Find("portLevelSettings");
  if (levels == nullptr) return policy;
  for (const yaml::Node& level : levels->items) {
    const yaml::Node* number = level.At("port.number");
    if (number != nullptr && number->AsInt() == port) return &level;
  }
  return policy;
}

// The TLS setting for the port: of the subset, else of the rule.
const yaml::Node* TlsFor(const yaml::Node* policy, const yaml::Node* part, std::uint16_t port) {
  const yaml::Node* own = part == nullptr ? nullptr : PolicyFor(part->Find("trafficPolicy"), port);
  if (own != nullptr && own->Find("tls") != nullptr) return own->Find("tls");
  return policy == nullptr ? nullptr : policy->Find("tls");
}

// The Gateway object with a server on the port that the pod serves.
const IstioObject* GatewayOf(const Mesh& mesh, const engine::Workload& pod, std::uint16_t port) {
  for (const IstioObject* object : OfKind(mesh, pod.cluster, "Gateway")) {
    const engine::Labels selector = LabelsAt(object->spec, "selector");
    const yaml::Node* servers = object->spec.Find("servers");
    if (selector.empty() || servers == nullptr || !engine::Selects(selector, pod.labels)) continue;
    for (const yaml::Node& server : servers->items) {
      const yaml::Node* number = server.At("port.number");
      const yaml::Node* mode = server.At("tls.mode");
      const bool passes = mode != nullptr && mode->text.ends_with("PASSTHROUGH");
      if (number != nullptr && number->AsInt() == port && !passes) return object;
    }
  }
  return nullptr;
}

}  // namespace

bool Exported(const IstioObject& object, const std::string& client_ns) {
  const yaml::Node* to = object.spec.Find("exportTo");
  if (to == nullptr || to->items.empty()) return true;
  return std::any_of(to->items.begin(), to->items.end(), [&](const yaml::Node& ns) {
    return ns.text == "*" || ns.text == client_ns || (ns.text == "." && object.ns == client_ns);
  });
}

bool Admits(const IstioObject& sidecar, const Host& host, const std::string& host_ns) {
  const yaml::Node* egress = sidecar.spec.Find("egress");
  if (egress == nullptr) return true;
  for (const yaml::Node& listener : egress->items) {
    const yaml::Node* hosts = listener.Find("hosts");
    if (hosts == nullptr) continue;
    for (const yaml::Node& h : hosts->items) {
      const std::size_t slash = h.text.find('/');
      const std::string in = h.text.substr(0, slash);
      const bool here = in == "*" || in == host_ns || (in == "." && host_ns == sidecar.ns);
      if (here && HostFit(h.text.substr(slash + 1), host.name) > 0) return true;
    }
  }
  return false;
}

std::vector<std::string> FullNames(const Mesh& mesh, ClusterId cluster, const std::string& ns,
                                   const std::string& host) {
  const std::string domain = ".svc." + mesh.world[cluster].domain;
  std::vector<std::string> names{host, host + "." + ns + domain, host + domain};
  if (host.ends_with(".svc")) names.push_back(host.substr(0, host.size() - 4) + domain);
  return names;
}

std::uint16_t PortOf(const std::optional<Host>& host, const yaml::Node& destination,
                     std::uint16_t asked) {
  const yaml::Node* number = destination.At("port.number");
  if (number != nullptr) return static_cast<std::uint16_t>(number->AsInt().value_or(0));
  if (host && host->service != nullptr && host->service->ports.size() == 1) {
    return host->service->ports.front().number;
  }
  const yaml::Node* ports =
      host && host->entry != nullptr ? host->entry->spec.Find("ports") : nullptr;
  if (ports == nullptr || ports->items.size() != 1) return asked;
  const yaml::Node* only = ports->items.front().Find("number");
  return static_cast<std::uint16_t>(only == nullptr ? 0 : only->AsInt().value_or(0));
}

std::optional<Host> HostNamed(const Mesh& mesh, ClusterId cluster, const std::string& name) {
  for (const engine::Service& service : mesh.world.services) {
    const engine::ServiceInstance* instance = service.In(cluster);
    if (instance == nullptr) continue;
    if (service.name + "." + service.ns + ".svc." + mesh.world[cluster].domain == name) {
      return Host{name, instance, service.ns, nullptr};
    }
  }
  const IstioObject* best = nullptr;
  std::size_t fit = 0;
  for (const IstioObject* entry : OfKind(mesh, cluster, "ServiceEntry")) {
    const yaml::Node* hosts = entry->spec.Find("hosts");
    if (hosts == nullptr) continue;
    for (const yaml::Node& h : hosts->items) {
      const std::size_t here = HostFit(h.text, name);
      if (here > fit) {
        fit = here;
        best = entry;
      }
    }
  }
  if (best == nullptr) return std::nullopt;
  return Host{name, nullptr, best->ns, best};
}

std::optional<Host> FindHost(const Mesh& mesh, ClusterId cluster, const std::string& ns,
                             const std::string& host) {
  for (const std::string& name : FullNames(mesh, cluster, ns, host)) {
    const std::optional<Host> found = HostNamed(mesh, cluster, name);
    if (!found) continue;
    if (found->entry != nullptr && !Exported(*found->entry, ns)) continue;
    if (SidecarAdmits(mesh, cluster, ns, *found, found->service_ns)) return found;
    return std::nullopt;
  }
  return std::nullopt;
}

bool ListensForHttp(const Mesh& mesh, ClusterId cluster, const std::string& ns,
                    std::uint16_t port) {
  for (const engine::Service& service : mesh.world.services) {
    const engine::ServiceInstance* instance = service.In(cluster);
    if (instance == nullptr) continue;
    const Host host{service.Fqdn(mesh.world[cluster]), instance, service.ns, nullptr};
    const auto fits = [port](const engine::ServicePort& p) {
      return p.number == port && p.IsHttp();
    };
    if (std::any_of(instance->ports.begin(), instance->ports.end(), fits) &&
        SidecarAdmits(mesh, cluster, ns, host, service.ns)) {
      return true;
    }
  }
  const auto speaks_http = [port](const yaml::Node& p) {
    const yaml::Node* number = p.Find("number");
    const yaml::Node* protocol = p.Find("protocol");
    return number != nullptr && number->AsInt() == port && protocol != nullptr &&
           (protocol->text == "HTTP" || protocol->text == "HTTP2" || protocol->text == "GRPC");
  };
  for (const IstioObject* entry : OfKind(mesh, cluster, "ServiceEntry")) {
    const yaml::Node* ports = entry->spec.Find("ports");
    const yaml::Node* hosts = entry->spec.Find("hosts");
    if (ports == nullptr || hosts == nullptr || !Exported(*entry, ns) ||
        std::none_of(ports->items.begin(), ports->items.end(), speaks_http)) {
      continue;
    }
    for (const yaml::Node& h : hosts->items) {
      if (SidecarAdmits(mesh, cluster, ns, {h.text, nullptr, entry->ns, entry}, entry->ns)) {
        return true;
      }
    }
  }
  return false;
}

bool HasPort(const Host& host, std::uint16_t port) {
  if (host.service != nullptr) {
    return std::any_of(host.service->ports.begin(), host.service->ports.end(),
                       [port](const engine::ServicePort& p) { return p.number == port; });
  }
  const yaml::Node* ports = host.entry->spec.Find("ports");
  return ports != nullptr &&
         std::any_of(ports->items.begin(), ports->items.end(), [port](const yaml::Node& p) {
           return p.Find("number") != nullptr && p.Find("number")->AsInt() == port;
         });
}

bool RegistryOnly(const Mesh& mesh, const Client& client) {
  const auto sidecars = OfKind(mesh, client.cluster, "Sidecar");
  return std::any_of(sidecars.begin(), sidecars.end(), [&](const IstioObject* sidecar) {
    const yaml::Node* mode = sidecar->spec.At("outboundTrafficPolicy.mode");
    return sidecar->ns == client.ns && mode != nullptr && mode->text == "REGISTRY_ONLY";
  });
}

bool LiesOutside(const Host& host) {
  return host.entry != nullptr &&
         host.entry->spec.StringOr("location", "MESH_EXTERNAL") == "MESH_EXTERNAL";
}

Decision::Share Send(const Mesh& mesh, const Client& client, const std::string& host_name,
                     const std::string& subset, std::uint16_t port, const Request& request,
                     Entrance* entrance) {
  Decision::Share share{
      .weight = 100, .host = host_name, .subset = subset, .clusters = {}, .stage = ""};
  const auto unavailable = [&] {
    share.blocked = true;
    share.stage = "unavailable";
    share.status = 503;
    return share;
  };
  const std::optional<Host> host = HostNamed(mesh, client.cluster, host_name);
  if (!host || !HasPort(*host, port)) return unavailable();
  const IstioObject* rule = RuleFor(mesh, client, *host);
  const yaml::Node* part = SubsetOf(rule, subset);
  if (!subset.empty() && part == nullptr) return unavailable();
  std::vector<Endpoint> endpoints = EndpointsOf(mesh, client, *host, port, request);
  if (part != nullptr) {
    const engine::Labels labels = LabelsAt(*part, "labels");
    std::erase_if(endpoints, [&](const Endpoint& e) {
      return !e.workload.IsNone() && !engine::Selects(labels, mesh.world[e.workload].labels);
    });
  }
  const yaml::Node* policy =
      rule == nullptr ? nullptr : PolicyFor(rule->spec.Find("trafficPolicy"), port);
  KeepPreferred(mesh, policy, client, endpoints);
  if (endpoints.empty()) return unavailable();
  std::optional<engine::Identity> peer = client.identity;
  const yaml::Node* tls = TlsFor(policy, part, port);
  const bool own = tls == nullptr || tls->StringOr("mode", "") == "ISTIO_MUTUAL";
  if (!request.direct && !own) peer.reset();
  for (const Endpoint& e : endpoints) {
    share.clusters.insert(e.cluster);
    if (share.blocked || e.workload.IsNone()) continue;
    const engine::Workload& w = mesh.world[e.workload];
    if (!w.sidecar) continue;
    if (const IstioObject* gateway = entrance == nullptr ? nullptr : GatewayOf(mesh, w, port)) {
      *entrance = {.gateway = gateway,
                   .pod = e.workload,
                   .port = port,
                   .tls = tls != nullptr && tls->StringOr("mode", "") != "DISABLE",
                   .sni = tls == nullptr ? "" : tls->StringOr("sni", ""),
                   .peer = peer};
      continue;
    }
    const auto refusal =
        AskProxy(mesh, {w.cluster, w.ns, w.labels, false, ""}, request, peer, e.port);
    if (!refusal) continue;
    share.blocked = true;
    share.stage = refusal->stage;
    share.status = refusal->status;
  }
  return share;
}

}  // namespace weft::emit::check
