// State of emission for one cluster; internal to emit/istio/. One file for each resource kind.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "dsl/diagnostic.h"
#include "emit/emit.h"
#include "emit/object.h"
#include "engine/model.h"

namespace weft::emit::istio {

struct Emitter {
  const engine::Model& model;
  const Options& options;
  engine::ClusterId cluster;
  Diagnostics& diagnostics;
  std::vector<Object>& objects;
  std::set<std::tuple<std::string, std::string, std::string>> taken{};  // kind, namespace, name

  // Adds an object with weft's labels and annotations and returns it, to fill in its spec. Names
  // are unique per kind and namespace: a second object of a name gets a number.
  Object& Add(const std::string& api_version, const std::string& kind, const std::string& ns,
              const std::string& name, engine::WorkspaceId workspace, Span span);

  void Refuse(const Code& code, Span span, const std::string& message);

  // Fully qualified host of what a rule sends to.
  [[nodiscard]] std::string HostOf(const engine::TargetRef& target) const;
  // Namespaces of the workspace in this cluster, sorted.
  [[nodiscard]] std::vector<std::string> NamespacesOf(engine::WorkspaceId workspace) const;
  // Where an object of the workspace that belongs to no service lives; the root namespace for none.
  [[nodiscard]] std::string HomeOf(engine::WorkspaceId workspace) const;
  // exportTo for something only these workspaces may see; "*" when `everyone`.
  [[nodiscard]] Value ExportTo(engine::WorkspaceId owner, const std::vector<engine::Grant>& grants,
                               bool everyone) const;
  // The same for a destination or external service: its workspace, those it is shared with, and the
  // gateways, whose routes may lead to it; everyone when its workspace is not isolated.
  template <typename Object>
  [[nodiscard]] Value ExportTo(const Object& object) const {
    std::vector<engine::Grant> grants = object.grants;
    for (const engine::Gateway& gateway : model.gateways) {
      if (!gateway.workspace.IsNone()) grants.push_back({gateway.workspace, {}});
    }
    const engine::WorkspaceId owner = object.workspace;
    return ExportTo(owner, grants, owner.IsNone() || !model[owner].isolated);
  }
};

// "2s", "1500ms" as google.protobuf.Duration in JSON wants it: "1.500s".
[[nodiscard]] std::string DurationText(engine::Millis duration);

void EmitGateways(Emitter& e);
void EmitVirtualServices(Emitter& e);
void EmitDestinationRules(Emitter& e);
void EmitServiceEntries(Emitter& e);
void EmitSidecars(Emitter& e);
void EmitAuthorizationPolicies(Emitter& e);
void EmitPeerAuthentications(Emitter& e);
void EmitRequestAuthentications(Emitter& e);

// Services that the proxies of the workspace ask: its servers' authorizers and limiters.
[[nodiscard]] std::set<engine::ServiceId> AskedBy(const Emitter& e, engine::WorkspaceId workspace);

// trafficPolicy of a DestinationRule for a destination policy; null when it says nothing.
[[nodiscard]] Value TrafficPolicy(Emitter& e, const engine::DestinationPolicy& policy);

// Whether endpoints of `to` take part for callers of this cluster, as the failover order says.
[[nodiscard]] bool TakesPart(const Emitter& e, const engine::DestinationPolicy& policy,
                             engine::ClusterId to);

// Labels that select the pods of a service in this cluster; the guard's policies attach to them.
struct Attachment {
  std::string ns;
  std::string name;
  engine::Labels selector;
  engine::WorkspaceId workspace;
  std::vector<engine::ServicePort> ports;
};
// nullopt when the guard is of another cluster or selects nothing.
[[nodiscard]] std::optional<Attachment> AttachmentOf(const Emitter& e, const engine::Guard& guard);

}  // namespace weft::emit::istio
