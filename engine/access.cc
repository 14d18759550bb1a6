// Guards: `access` blocks, isolation and what else a server enforces, merged into one for each
// server.
#include <algorithm>
#include <set>

#include "engine/access_blocks.h"
#include "engine/codes.h"
#include "engine/fronts.h"
#include "engine/guard_items.h"

namespace weft::engine {
namespace {

class GuardMaker {
 public:
  explicit GuardMaker(Lowering& l) : l_(l), blocks_(l), items_(l) {
    for (std::uint32_t i = 0; i < l.model.destinations.size(); ++i) {
      for (const Backing& backing : l.model.destinations[i].backings) {
        backed_[{backing.service, backing.cluster}].push_back({i});
      }
    }
  }

  void Make() {
    std::set<WorkloadId> covered;
    for (std::uint32_t i = 0; i < l_.model.services.size(); ++i) {
      const Service& service = l_.model.services[i];
      for (const ServiceInstance& instance : service.instances) {
        covered.insert(instance.workloads.begin(), instance.workloads.end());
        const GatewayId behind = GatewayBehind(l_.model, instance);
        if (!behind.IsNone()) {
          fronts_[{behind, instance.cluster}].push_back({i});
          continue;
        }
        Add({.target = ServiceId{i},
             .cluster = instance.cluster,
             .workspace = service.workspace,
             .ns = service.ns,
             .name = service.name,
             .labels = service.labels,
             .workloads = instance.workloads,
             .ports = instance.ports,
             .grants = &service.grants});
      }
    }
    for (std::uint32_t i = 0; i < l_.model.gateways.size(); ++i) {
      const Gateway& gateway = l_.model.gateways[i];
      covered.insert(gateway.workloads.begin(), gateway.workloads.end());
      for (const ClusterId cluster : gateway.clusters) {
        Add({.target = GatewayId{i},
             .cluster = cluster,
             .workspace = gateway.workspace,
             .ns = gateway.ns,
             .name = gateway.name,
             .workloads = PodsIn(gateway, cluster),
             .fronts = fronts_[{GatewayId{i}, cluster}]});
      }
    }
    for (std::uint32_t i = 0; i < l_.model.workloads.size(); ++i) {
      const Workload& workload = l_.model.workloads[i];
      if (covered.contains({i})) continue;
      Add({.target = WorkloadId{i},
           .cluster = workload.cluster,
           .workspace = workload.workspace,
           .ns = workload.ns,
           .name = workload.name,
           .labels = workload.labels,
           .workloads = {{i}}});
    }
    Sort();
    CopyToFronts();
    blocks_.WarnIdle();
  }

 private:
  void Sort() {
    std::sort(l_.model.guards.begin(), l_.model.guards.end(), [](const Guard& a, const Guard& b) {
      return std::tie(a.target, a.cluster) < std::tie(b.target, b.cluster);
    });
  }

  [[nodiscard]] std::vector<WorkloadId> PodsIn(const Gateway& gateway, ClusterId cluster) const {
    std::vector<WorkloadId> pods;
    for (const WorkloadId id : gateway.workloads) {
      if (l_.model[id].cluster == cluster) pods.push_back(id);
    }
    return pods;
  }

  // Whoever calls a service in front of a gateway is at the gateway. Modes of mTLS are those of its
  // listeners.
  void CopyToFronts() {
    std::vector<Guard> copies;
    for (const auto& [gateway, services] : fronts_) {
      const Guard* guard = l_.model.GuardOf(gateway.first, gateway.second);
      for (const ServiceId service : services) {
        if (guard == nullptr) break;
        Guard& copy = copies.emplace_back(*guard);
        copy.target = service;
        copy.mtls = MtlsMode::kPermissive;
        copy.port_mtls.clear();
      }
    }
    l_.model.guards.insert(l_.model.guards.end(), copies.begin(), copies.end());
    Sort();
  }

  void Add(const Server& server) {
    Guard guard{.target = server.target, .cluster = server.cluster};
    const ReachedBlocks reached = blocks_.Of(server);
    for (const auto& [reach, blocks] : reached) {
      for (const AccessBlock* block : blocks) {
        guard.deny.insert(guard.deny.end(), block->deny.begin(), block->deny.end());
        if (!block->deny.empty()) guard.spans.push_back(block->decl->header.span);
      }
    }
    ChooseAllow(server, reached, guard);
    items_.Apply(server, reached, guard);
    items_.AddTokens(server, guard);
    const bool trivial = !guard.closed && guard.deny.empty() && guard.authentication.empty() &&
                         guard.authorization.empty() && guard.limits.empty() &&
                         guard.code.empty() && guard.mtls == MtlsMode::kPermissive &&
                         guard.port_mtls.empty();
    if (!trivial) l_.model.guards.push_back(std::move(guard));
  }

  // The nearest block that closes decides who is allowed; isolation stands between the blocks of
  // the mesh and those of the workspace.
  void ChooseAllow(const Server& server, const ReachedBlocks& reached, Guard& guard) {
    std::vector<AccessRuleId> own;
    std::set<std::uint16_t> covered;
    bool decided = false;
    for (const Reach reach : {Reach::kTarget, Reach::kSelected, Reach::kWorkspace}) {
      if (!TakeAllow(server, reached, reach, guard, covered)) continue;
      decided = true;
      break;
    }
    if (decided && covered.empty()) {
      NoteReplaced(server, reached, guard);
      return;
    }
    // Ports the blocks do not speak of are as they would be without the blocks.
    own.swap(guard.allow);
    const bool closed_by_blocks = guard.closed;
    guard.closed = false;
    if (IsIsolated(server)) {
      Isolate(server, guard);
    } else {
      TakeAllow(server, reached, Reach::kMesh, guard, covered);
    }
    if (!decided) return;
    if (!guard.closed) guard.allow = {AnyoneRule(guard.spans.empty() ? Span{} : guard.spans[0])};
    for (AccessRuleId& id : guard.allow) id = OnPorts(id, covered, true);
    guard.allow.insert(guard.allow.begin(), own.begin(), own.end());
    guard.closed = closed_by_blocks;
  }

  [[nodiscard]] bool IsIsolated(const Server& server) const {
    return !server.workspace.IsNone() && l_.model[server.workspace].isolated &&
           !std::holds_alternative<GatewayId>(server.target);
  }

  // Whom isolation would let in besides, for blocks that add to it in the system they come from.
  void NoteReplaced(const Server& server, const ReachedBlocks& reached, Guard& guard) {
    const auto at = reached.find(Reach::kSelected);
    if (at == reached.end() || !IsIsolated(server)) return;
    for (const AccessBlock* block : at->second) {
      if (!block->decl->adds_in_original || !block->closes) continue;
      Guard isolation{.target = server.target, .cluster = server.cluster};
      Isolate(server, isolation);
      guard.replaced = std::move(isolation.allow);
      guard.replaced_by = block->decl->header.span;
      return;
    }
  }

  AccessRuleId AnyoneRule(Span span) {
    AccessRule rule{.when = Condition::True(), .grantee = {}, .span = span};
    return AddAccessRule(l_.model, std::move(rule));
  }

  // The rule narrowed to some ports, or to all but them.
  AccessRuleId OnPorts(AccessRuleId id, const std::set<std::uint16_t>& ports, bool others) {
    AccessRule rule = l_.model[id];
    Condition on = Condition::Of(PortMatch{{ports.begin(), ports.end()}}, rule.span);
    if (others) on = Condition::Not(std::move(on));
    rule.when = Condition::And({std::move(on), std::move(rule.when)});
    return AddAccessRule(l_.model, std::move(rule));
  }

  // Adds what the blocks of this reach allow; false when none of them decides. `covered` gets the
  // ports they speak of, nothing when they speak of all.
  bool TakeAllow(const Server& server, const ReachedBlocks& reached, Reach reach, Guard& guard,
                 std::set<std::uint16_t>& covered) {
    const auto at = reached.find(reach);
    if (at == reached.end()) return false;
    std::vector<const AccessBlock*> closing;
    for (const AccessBlock* block : at->second) {
      if (block->closes) closing.push_back(block);
    }
    if (closing.empty()) return false;
    const auto standing = [](const AccessBlock* b) {
      return std::pair(b->decl->override_, b->decl->priority ? b->decl->priority->value : 0);
    };
    std::stable_sort(
        closing.begin(), closing.end(),
        [&](const AccessBlock* a, const AccessBlock* b) { return standing(a) > standing(b); });
    if (reach != Reach::kSelected && closing.size() > 1 &&
        standing(closing[0]) == standing(closing[1])) {
      Diagnostic& d = l_.diagnostics.Error(
          codes::kConflictingAccess, closing[1]->decl->header.span,
          "two `access` blocks stand for `" + closing[1]->decl->header.name.value + "`");
      d.related = {{closing[0]->decl->header.span, "the other one"}};
      d.help = "merge them, or mark the one that wins with `override`";
    }
    guard.closed = true;
    bool every_port = false;
    for (const AccessBlock* block : closing) {
      if (standing(block) != standing(closing.front())) break;
      blocks_.Decides(*block);
      const std::optional<std::set<std::uint16_t>> ports = blocks_.PortsOf(*block, server);
      every_port = every_port || !ports;
      if (ports) covered.insert(ports->begin(), ports->end());
      for (const AccessRuleId id : block->allow) {
        guard.allow.push_back(ports ? OnPorts(id, *ports, false) : id);
      }
      guard.spans.push_back(block->decl->header.span);
    }
    if (every_port) covered.clear();
    return true;
  }

  // Own service accounts, and those of the workspaces the server is shared with.
  void Isolate(const Server& server, Guard& guard) {
    const Workspace& workspace = l_.model[server.workspace];
    guard.closed = true;
    guard.spans.push_back(workspace.isolate_span);
    guard.allow.push_back(IsolationRule(server.workspace));
    std::vector<Grant> grants;
    if (server.grants != nullptr) grants = *server.grants;
    if (const auto* service = std::get_if<ServiceId>(&server.target)) {
      const auto at = backed_.find({*service, server.cluster});
      if (at != backed_.end()) {
        for (const DestinationId id : at->second) {
          const auto& more = l_.model[id].grants;
          grants.insert(grants.end(), more.begin(), more.end());
        }
      }
    }
    std::set<WorkspaceId> admitted;
    for (const Grant& grant : grants) {
      if (grant.to == server.workspace || !admitted.insert(grant.to).second) continue;
      guard.allow.push_back(GrantRule(grant));
    }
  }

  CallerSet CallersOf(WorkspaceId id, Span span) {
    CallerSet set{
        .any_of = {}, .workspaces = {id}, .text = "workspace " + l_.NameOf(id), .span = span};
    for (const auto& [cluster, ns] : l_.model[id].namespaces) {
      set.any_of.emplace_back(IdentitySet{l_.model[cluster].trust_domain, ns, std::nullopt});
    }
    return set;
  }

  AccessRuleId IsolationRule(WorkspaceId id) {
    const auto known = isolation_.find(id);
    if (known != isolation_.end()) return known->second;
    const Span span = l_.model[id].isolate_span;
    AccessRule rule{.origin = AccessRule::Origin::kIsolation,
                    .callers = {CallersOf(id, span)},
                    .when = Condition::True(),
                    .grantee = {},
                    .span = span};
    return isolation_[id] = AddAccessRule(l_.model, std::move(rule));
  }

  AccessRuleId GrantRule(const Grant& grant) {
    const auto known = granted_.find(grant);
    if (known != granted_.end()) return known->second;
    AccessRule rule{.origin = AccessRule::Origin::kGrant,
                    .callers = {CallersOf(grant.to, grant.span)},
                    .when = Condition::True(),
                    .grantee = grant.to,
                    .span = grant.span};
    return granted_[grant] = AddAccessRule(l_.model, std::move(rule));
  }

  Lowering& l_;
  AccessBlocks blocks_;
  GuardItems items_;
  std::map<std::pair<ServiceId, ClusterId>, std::vector<DestinationId>> backed_;
  std::map<std::pair<GatewayId, ClusterId>, std::vector<ServiceId>> fronts_;
  std::map<WorkspaceId, AccessRuleId> isolation_;
  std::map<Grant, AccessRuleId> granted_;
};

void Unite(std::vector<AccessRuleId>& into, const std::vector<AccessRuleId>& more) {
  for (const AccessRuleId id : more) {
    if (std::find(into.begin(), into.end(), id) == into.end()) into.push_back(id);
  }
}

// Services with the same workloads are one server to Istio: what one of them is given, all have.
void MergeShared(Model& model) {
  std::map<WorkloadId, std::vector<Guard*>> by_workload;
  for (Guard& guard : model.guards) {
    const auto* service = std::get_if<ServiceId>(&guard.target);
    if (service == nullptr) continue;
    for (const WorkloadId id : model[*service].In(guard.cluster)->workloads) {
      by_workload[id].push_back(&guard);
    }
  }
  for (const auto& [workload, guards] : by_workload) {
    for (std::size_t i = 1; i < guards.size(); ++i) {
      Guard& first = *guards[0];
      Guard& other = *guards[i];
      Unite(first.allow, other.allow);
      Unite(first.deny, other.deny);
      first.closed = first.closed || other.closed;
      first.mtls = std::min(first.mtls, other.mtls);
    }
    for (std::size_t i = 1; i < guards.size(); ++i) {
      guards[i]->allow = guards[0]->allow;
      guards[i]->deny = guards[0]->deny;
      guards[i]->closed = guards[0]->closed;
      guards[i]->mtls = guards[0]->mtls;
    }
  }
}

}  // namespace

void LowerGuards(Lowering& l) {
  GuardMaker(l).Make();
  MergeShared(l.model);
}

}  // namespace weft::engine
