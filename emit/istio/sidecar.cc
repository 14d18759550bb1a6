// networking.istio.io/v1 Sidecar; istio/api networking/v1/sidecar.proto
#include <algorithm>
#include <set>

#include "emit/istio/emitter.h"
#include "engine/delivery.h"

namespace weft::emit::istio {
namespace {

// Every host the workspace's proxies keep: its own, and what is shared with it.
std::set<std::string> VisibleHosts(const Emitter& e, engine::WorkspaceId workspace) {
  std::set<std::string> hosts;
  for (std::uint32_t i = 0; i < e.model.services.size(); ++i) {
    const engine::Service& service = e.model.services[i];
    if (service.In(e.cluster) == nullptr || service.workspace == workspace) continue;
    if (engine::IsVisible(e.model, workspace, engine::ServiceId{i})) {
      hosts.insert(service.ns + "/" + e.HostOf(engine::ServiceId{i}));
    }
  }
  for (const engine::ServiceId id : AskedBy(e, workspace)) {
    if (e.model[id].In(e.cluster) != nullptr) {
      hosts.insert(e.model[id].ns + "/" + e.HostOf(id));
    }
  }
  for (std::uint32_t i = 0; i < e.model.destinations.size(); ++i) {
    if (!engine::IsVisible(e.model, workspace, engine::DestinationId{i})) continue;
    for (const std::string& host : e.model.destinations[i].hosts) hosts.insert("*/" + host);
  }
  for (std::uint32_t i = 0; i < e.model.externals.size(); ++i) {
    if (!engine::IsVisible(e.model, workspace, engine::ExternalId{i})) continue;
    for (const std::string& host : e.model.externals[i].hosts) hosts.insert("*/" + host);
  }
  return hosts;
}

}  // namespace

void EmitSidecars(Emitter& e) {
  for (std::uint32_t w = 0; w < e.model.workspaces.size(); ++w) {
    const engine::Workspace& workspace = e.model.workspaces[w];
    if (!workspace.trim) continue;
    const std::vector<std::string> namespaces = e.NamespacesOf({w});
    const std::set<std::string> others = VisibleHosts(e, {w});
    for (const std::string& ns : namespaces) {
      const Span span = workspace.isolate_span.IsKnown() ? workspace.isolate_span : workspace.span;
      Object& object = e.Add("networking.istio.io/v1", "Sidecar", ns, "weft-trim", {w}, span);
      Value hosts = Value::array();
      // Own namespaces hold nothing but what the workspace owns.
      for (const std::string& own : namespaces)
        hosts.push_back(own + "/*.svc." + e.model[e.cluster].domain);
      for (const std::string& host : others) hosts.push_back(host);
      object.spec["egress"].push_back({{"hosts", hosts}});
      object.spec["outboundTrafficPolicy"]["mode"] = "REGISTRY_ONLY";
    }
  }
}

}  // namespace weft::emit::istio
