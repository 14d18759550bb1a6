// `access` blocks, and which servers each of them stands for. Internal to lowering.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "engine/lowering.h"

namespace weft::engine {

// What a guard is made for: a service or gateway in one cluster, or a workload behind none.
struct Server {
  std::variant<ServiceId, GatewayId, WorkloadId> target;
  ClusterId cluster;
  WorkspaceId workspace;
  std::string ns;
  std::string name;
  Labels labels;
  std::vector<WorkloadId> workloads;
  std::vector<ServicePort> ports;
  const std::vector<Grant>* grants = nullptr;
  std::vector<ServiceId> fronts;  // services in front of a gateway: what selects them selects it
};

// An `access` block with its clauses lowered once for all servers it stands for.
struct AccessBlock {
  const dsl::AccessDecl* decl = nullptr;
  WorkspaceId section;
  ServiceId service;
  GatewayId gateway;
  WorkspaceId workspace;
  std::vector<AccessRuleId> allow;
  std::vector<AccessRuleId> deny;
  bool closes = false;
};

// How near a block stands to its server.
enum class Reach { kNone, kMesh, kWorkspace, kSelected, kTarget };

// The blocks that stand for one server, the nearest last.
using ReachedBlocks = std::map<Reach, std::vector<const AccessBlock*>>;

class AccessBlocks {
 public:
  // Lowers every block of the program; reports what it cannot resolve.
  explicit AccessBlocks(Lowering& l);

  // The blocks must outlive what is returned.
  [[nodiscard]] ReachedBlocks Of(const Server& server);
  // The ports of the server the block speaks of; nullopt when it speaks of all.
  [[nodiscard]] std::optional<std::set<std::uint16_t>> PortsOf(const AccessBlock& block,
                                                               const Server& server);
  // The block is among those that decide who is allowed at some server.
  void Decides(const AccessBlock& block) { deciding_.insert(&block); }
  // Warns of blocks that decide nothing; call it after the last server.
  void WarnIdle() const;

 private:
  void Add(const dsl::AccessDecl& decl);
  [[nodiscard]] bool Owns(WorkspaceId section, WorkspaceId owner, const dsl::AccessDecl& decl);
  void AddClause(const dsl::AccessClause& clause, AccessBlock& block);
  [[nodiscard]] Reach ReachOf(const AccessBlock& block, const Server& server);
  [[nodiscard]] bool SelectsServer(const AccessBlock& block, const Server& server);
  [[nodiscard]] bool SelectsServer(const AccessBlock& block, const dsl::Selection& selection,
                                   const Server& server);
  [[nodiscard]] bool SelectsWorkloads(const AccessBlock& block, const dsl::Selection& selection,
                                      const Server& server);

  Lowering& l_;
  std::vector<AccessBlock> blocks_;
  std::set<const AccessBlock*> reaching_;  // stand for some server
  std::set<const AccessBlock*> deciding_;
  // Positions in `blocks_`, so that a server looks at those only that can stand for it.
  using Positions = std::vector<std::size_t>;
  std::map<std::variant<ServiceId, GatewayId, WorkloadId>, Positions> by_target_;
  std::map<WorkspaceId, Positions> by_workspace_;  // `access workspace w`
  std::map<WorkspaceId, Positions> by_section_;    // those that select; none: the mesh section
};

// A service in front of a gateway, as selections see it.
[[nodiscard]] Selectable SelectableFront(const Model& model, ServiceId front);

[[nodiscard]] AccessRuleId AddAccessRule(Model& model, AccessRule rule);

}  // namespace weft::engine
