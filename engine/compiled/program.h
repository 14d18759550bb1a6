// A compiled policy: everything a decision looks at.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/compile.h"
#include "engine/compiled/delivery.h"
#include "engine/compiled/guards.h"
#include "engine/compiled/host_index.h"
#include "engine/compiled/names.h"
#include "engine/compiled/rewriting.h"
#include "engine/compiled/rule_list.h"
#include "engine/compiled/services.h"

namespace weft::engine::compiled {

// A workload as a caller, in one cache line.
struct alignas(64) Client {
  static constexpr std::uint32_t kAnyLocality = 0xffffffff;
  Peer peer;                // of its sidecar
  std::uint32_t scope = 0;  // which tables its sidecar uses: index into Program::scopes
  std::uint32_t namespace_number = TextMap::kAbsent;
  std::uint32_t locality = kAnyLocality;  // kAnyLocality: that of the cluster it calls from
  WorkspaceId workspace;
  bool proxied = false;  // has a sidecar
  bool trimmed = false;  // which knows its own hosts only
};

// Tables that apply at the sidecars of some workloads, by host.
struct Scope {
  std::vector<std::uint32_t> tables;
  HostIndex hosts;
  std::vector<bool> routed;  // by ServiceId: some table is for it
};

struct CompiledForward {
  const Forward* forward = nullptr;
  std::uint32_t plan = 0;
};
struct CompiledRoute {
  const RouteRule* rule = nullptr;
  std::vector<CompiledForward> forwards;  // those with a weight
  std::optional<PathRewrite> rewrite;
};
struct CompiledTable {
  static constexpr std::size_t kLayers = 3;
  bool has_layer[kLayers] = {false, false, false};
  RuleList rules[kLayers];      // ids are indices into Program::routes
  RuleList otherwise[kLayers];  // tried after the rules of every table of the host
};

struct CompiledListener {
  const Listener* listener = nullptr;
  HostIndex hosts;
};
// A gateway's proxies in one cluster, as senders.
struct GatewayProxies {
  std::optional<Peer> peer;
  Place place;
  GuardNumber guard = kNoGuard;
};
struct CompiledGateway {
  std::vector<CompiledListener> listeners;
  HostIndex tables;
  std::vector<GatewayProxies> in;  // by cluster
};

struct Program {
  explicit Program(const Model& from);

  const Model& model;
  Conditions conditions;
  RuleBook book;
  Guards guards;
  Services services;
  Delivery delivery;
  HostNames names;
  std::vector<Client> clients;            // by WorkloadId
  std::vector<std::uint32_t> localities;  // of each cluster
  std::vector<Scope> scopes;
  std::vector<CompiledRoute> routes;
  std::vector<CompiledTable> tables;       // by TableId
  std::vector<CompiledGateway> gateways;   // by GatewayId
  std::vector<std::string> service_hosts;  // by ServiceId: the name tables use
  std::deque<std::string> uris;            // of peers

 private:
  void AddTables();
  [[nodiscard]] CompiledRoute MakeRoute(const RouteRule& rule);
  void AddClients();
  void AddScope(std::vector<std::uint32_t> applicable);
  [[nodiscard]] Peer PeerOf(const Workload& workload);
  void AddGateways();
  [[nodiscard]] GatewayProxies ProxiesOf(GatewayId gateway, ClusterId cluster);
};

}  // namespace weft::engine::compiled
