// `access` blocks, isolation and what else a server enforces, merged into one guard per server.
#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

using Target = dsl::AccessDecl::TargetKind;

// An `access` block with its clauses lowered once for all servers it stands for.
struct Block {
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
};

class GuardMaker {
 public:
  explicit GuardMaker(Lowering& l) : l_(l) {
    for (const dsl::AccessDecl& decl : l.program.accesses) AddBlock(decl);
    for (const dsl::ServiceDecl& decl : l.program.services) {
      services_[{decl.in_namespace.value, decl.header.name.value}] = &decl;
    }
    for (std::uint32_t i = 0; i < l.model.destinations.size(); ++i) {
      for (const Backing& backing : l.model.destinations[i].backings) {
        backed_[{backing.service, backing.cluster}].push_back({i});
      }
    }
    for (const dsl::LimitDecl& decl : l.program.limits) AddLimits(decl);
  }

  void Make() {
    std::set<WorkloadId> covered;
    for (std::uint32_t i = 0; i < l_.model.services.size(); ++i) {
      const Service& service = l_.model.services[i];
      for (const ServiceInstance& instance : service.instances) {
        covered.insert(instance.workloads.begin(), instance.workloads.end());
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
             .name = gateway.name});
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
    std::sort(l_.model.guards.begin(), l_.model.guards.end(), [](const Guard& a, const Guard& b) {
      return std::tie(a.target, a.cluster) < std::tie(b.target, b.cluster);
    });
  }

 private:
  void AddBlock(const dsl::AccessDecl& decl) {
    Block block{.decl = &decl, .section = l_.Section(decl.header)};
    switch (decl.target_kind) {
      case Target::kService:
        block.service =
            l_.ServiceNamed(*decl.target, block.section,
                            "; what is to be guarded apart gets a service of its own");
        if (block.service.IsNone()) return;
        if (!Owns(block.section, l_.model[block.service].workspace, decl)) return;
        break;
      case Target::kGateway:
        block.gateway = l_.Gateway(*decl.target, block.section);
        if (block.gateway.IsNone()) return;
        if (!Owns(block.section, l_.model[block.gateway].workspace, decl)) return;
        break;
      case Target::kWorkspace:
        block.workspace = l_.Workspace(decl.target->parts.front());
        if (block.workspace.IsNone() || !Owns(block.section, block.workspace, decl)) return;
        break;
      case Target::kServices:
      case Target::kWorkloads:
      case Target::kMesh:
        break;
    }
    for (const dsl::AccessClause& clause : decl.clauses) AddClause(clause, block);
    block.closes = decl.default_deny || !block.allow.empty();
    blocks_.push_back(std::move(block));
  }

  bool Owns(WorkspaceId section, WorkspaceId owner, const dsl::AccessDecl& decl) {
    if (section.IsNone() || section == owner) return true;
    l_.diagnostics.Error(codes::kForeignNamespace, decl.header.span,
                         "`" + decl.header.name.value + "` belongs to " +
                             (owner.IsNone() ? "no workspace" : "`" + l_.NameOf(owner) + "`") +
                             ", not to `" + l_.NameOf(section) + "`");
    return false;
  }

  void AddClause(const dsl::AccessClause& clause, Block& block) {
    const bool allow = clause.effect == dsl::AccessClause::Effect::kAllow;
    AccessRule rule{
        .effect = allow ? AccessRule::Effect::kAllow : AccessRule::Effect::kDeny,
        .origin = AccessRule::Origin::kDeclared,
        .callers = LowerSources(l_, clause.sources, block.section),
        .when = clause.when ? LowerCondition(l_, *clause.when, block.section) : Condition::True(),
        .dry_run = clause.dry_run,
        .tcp_only = clause.tcp_only,
        .grantee = {},
        .span = clause.span};
    (allow ? block.allow : block.deny).push_back(AddRule(std::move(rule)));
  }

  AccessRuleId AddRule(AccessRule rule) {
    l_.model.access_rules.push_back(std::move(rule));
    return {static_cast<std::uint32_t>(l_.model.access_rules.size() - 1)};
  }

  void AddLimits(const dsl::LimitDecl& decl) {
    const WorkspaceId section = l_.Section(decl.header);
    std::variant<ServiceId, GatewayId, WorkloadId> target;
    if (decl.gateway) {
      const GatewayId id = l_.Gateway(decl.target, section);
      if (id.IsNone()) return;
      target = id;
    } else {
      const ServiceId id = l_.ServiceNamed(decl.target, section);
      if (id.IsNone()) return;
      target = id;
    }
    for (const dsl::Item& item : decl.limits) {
      if (const auto* limit = std::get_if<dsl::LimitItem>(&item.value)) {
        limits_[target].push_back(
            AddLimit(l_, *limit, item.span, section, decl.target.parts.back().value));
      }
      if (const auto* counted = std::get_if<dsl::CountedLimitItem>(&item.value)) {
        for (const LimitId id : AddCountedLimits(l_, item, *counted, section)) {
          limits_[target].push_back(id);
        }
      }
    }
  }

  // ---- one server

  Reach ReachOf(const Block& block, const Server& server) {
    const bool gateway = std::holds_alternative<GatewayId>(server.target);
    switch (block.decl->target_kind) {
      case Target::kService:
        return server.target == std::variant<ServiceId, GatewayId, WorkloadId>(block.service)
                   ? Reach::kTarget
                   : Reach::kNone;
      case Target::kGateway:
        return server.target == std::variant<ServiceId, GatewayId, WorkloadId>(block.gateway)
                   ? Reach::kTarget
                   : Reach::kNone;
      case Target::kWorkspace:
        return !gateway && block.workspace == server.workspace ? Reach::kWorkspace : Reach::kNone;
      case Target::kServices:
      case Target::kWorkloads:
        return !gateway && SelectsServer(block, server) ? Reach::kSelected : Reach::kNone;
      case Target::kMesh:
        return gateway ? Reach::kNone : Reach::kMesh;
    }
    return Reach::kNone;
  }

  bool SelectsServer(const Block& block, const Server& server) {
    for (const dsl::Selection* selection : SelectionsOf(*block.decl)) {
      if (SelectsServer(block, *selection, server)) return true;
    }
    return false;
  }

  bool SelectsServer(const Block& block, const dsl::Selection& selection, const Server& server) {
    if (!selection.clusters.empty()) {
      const std::vector<ClusterId> only = l_.Clusters(selection.clusters);
      if (std::find(only.begin(), only.end(), server.cluster) == only.end()) return false;
    }
    const Selectable object{server.name, server.workspace, server.ns, server.labels};
    if (block.decl->target_kind == Target::kServices) {
      return std::holds_alternative<ServiceId>(server.target) &&
             Matches(l_, selection, block.section, object);
    }
    return SelectsWorkloads(block, selection, server);
  }

  bool SelectsWorkloads(const Block& block, const dsl::Selection& selection, const Server& server) {
    const auto hits =
        std::count_if(server.workloads.begin(), server.workloads.end(), [&](WorkloadId id) {
          const Workload& workload = l_.model[id];
          return Matches(l_, selection, block.section,
                         {workload.name, workload.workspace, workload.ns, workload.labels});
        });
    if (hits == 0) return false;
    if (hits < static_cast<std::ptrdiff_t>(server.workloads.size())) {
      Diagnostic& d = l_.diagnostics.Error(
          codes::kAmbiguous, block.decl->header.span,
          "this selects some workloads of service `" + server.name + "` and not others");
      d.help = "choose labels that all workloads of the service have, or name the service";
      d.clusters = {l_.model[server.cluster].name};
    }
    return true;
  }

  static std::vector<const dsl::Selection*> SelectionsOf(const dsl::AccessDecl& decl) {
    std::vector<const dsl::Selection*> all;
    if (decl.selected) all.push_back(&*decl.selected);
    for (const dsl::Selection& selection : decl.more) all.push_back(&selection);
    return all;
  }

  // The ports of the server the block speaks of; nullopt when it speaks of all.
  std::optional<std::set<std::uint16_t>> PortsOf(const Block& block, const Server& server) {
    std::set<std::uint16_t> ports;
    const std::vector<const dsl::Selection*> selections = SelectionsOf(*block.decl);
    if (selections.empty()) return std::nullopt;
    for (const dsl::Selection* selection : selections) {
      if (!SelectsServer(block, *selection, server)) continue;
      if (!selection->port) return std::nullopt;
      ports.insert(selection->port->value);
    }
    return ports;
  }

  void Add(const Server& server) {
    Guard guard{.target = server.target, .cluster = server.cluster};
    std::map<Reach, std::vector<const Block*>> reached;
    for (const Block& block : blocks_) {
      const Reach reach = ReachOf(block, server);
      if (reach != Reach::kNone) reached[reach].push_back(&block);
    }
    for (const auto& [reach, blocks] : reached) {
      for (const Block* block : blocks) {
        guard.deny.insert(guard.deny.end(), block->deny.begin(), block->deny.end());
        if (!block->deny.empty()) guard.spans.push_back(block->decl->header.span);
      }
    }
    ChooseAllow(server, reached, guard);
    ApplyItems(server, reached, guard);
    AddTokens(server, guard);
    const bool trivial = !guard.closed && guard.deny.empty() && guard.authentication.empty() &&
                         guard.authorization.empty() && guard.limits.empty() &&
                         guard.code.empty() && guard.mtls == MtlsMode::kPermissive &&
                         guard.port_mtls.empty();
    if (!trivial) l_.model.guards.push_back(std::move(guard));
  }

  // The nearest block that closes decides who is allowed; isolation stands between the blocks of
  // the mesh and those of the workspace.
  void ChooseAllow(const Server& server, const std::map<Reach, std::vector<const Block*>>& reached,
                   Guard& guard) {
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
  void NoteReplaced(const Server& server, const std::map<Reach, std::vector<const Block*>>& reached,
                    Guard& guard) {
    const auto at = reached.find(Reach::kSelected);
    if (at == reached.end() || !IsIsolated(server)) return;
    for (const Block* block : at->second) {
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
    return AddRule(std::move(rule));
  }

  // The rule narrowed to some ports, or to all but them.
  AccessRuleId OnPorts(AccessRuleId id, const std::set<std::uint16_t>& ports, bool others) {
    AccessRule rule = l_.model[id];
    Condition on = Condition::Of(PortMatch{{ports.begin(), ports.end()}}, rule.span);
    if (others) on = Condition::Not(std::move(on));
    rule.when = Condition::And({std::move(on), std::move(rule.when)});
    return AddRule(std::move(rule));
  }

  // Adds what the blocks of this reach allow; false when none of them decides. `covered` gets the
  // ports they speak of, nothing when they speak of all.
  bool TakeAllow(const Server& server, const std::map<Reach, std::vector<const Block*>>& reached,
                 Reach reach, Guard& guard, std::set<std::uint16_t>& covered) {
    const auto at = reached.find(reach);
    if (at == reached.end()) return false;
    std::vector<const Block*> closing;
    for (const Block* block : at->second) {
      if (block->closes) closing.push_back(block);
    }
    if (closing.empty()) return false;
    const auto standing = [](const Block* b) {
      return std::pair(b->decl->override_, b->decl->priority ? b->decl->priority->value : 0);
    };
    std::stable_sort(closing.begin(), closing.end(),
                     [&](const Block* a, const Block* b) { return standing(a) > standing(b); });
    if (reach != Reach::kSelected && closing.size() > 1 &&
        standing(closing[0]) == standing(closing[1])) {
      Diagnostic& d = l_.diagnostics.Error(
          codes::kConflictingAccess, closing[1]->decl->header.span,
          "two `access` blocks stand for `" + closing[1]->decl->header.name.value + "`");
      d.related.push_back({closing[0]->decl->header.span, "the other one"});
      d.help = "merge them, or mark the one that wins with `override`";
    }
    guard.closed = true;
    bool every_port = false;
    for (const Block* block : closing) {
      if (standing(block) != standing(closing.front())) break;
      const std::optional<std::set<std::uint16_t>> ports = PortsOf(*block, server);
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
    return isolation_[id] = AddRule(std::move(rule));
  }

  AccessRuleId GrantRule(const Grant& grant) {
    const auto known = granted_.find(grant);
    if (known != granted_.end()) return known->second;
    AccessRule rule{.origin = AccessRule::Origin::kGrant,
                    .callers = {CallersOf(grant.to, grant.span)},
                    .when = Condition::True(),
                    .grantee = grant.to,
                    .span = grant.span};
    return granted_[grant] = AddRule(std::move(rule));
  }

  // ---- mtls, tokens, external authorization, limits

  std::vector<RankedItem> ItemsFor(const Server& server,
                                   const std::map<Reach, std::vector<const Block*>>& reached) {
    std::vector<RankedItem> items;
    const Selectable object{server.name, server.workspace, server.ns, server.labels};
    const bool gateway = std::holds_alternative<GatewayId>(server.target);
    if (gateway) {
      AddPolicies(l_, dsl::PolicyDecl::On::kGateway, object, items);
      for (const dsl::GatewayDecl& decl : l_.program.gateways) {
        if (decl.header.name.value != server.name) continue;
        for (const dsl::Item& item : decl.items) items.push_back({&item, kRankOwn});
      }
    } else {
      AddPolicies(l_, dsl::PolicyDecl::On::kServices, object, items);
      AddWorkloadPolicies(server, items);
      const auto decl = services_.find({server.ns, server.name});
      if (decl != services_.end() && std::holds_alternative<ServiceId>(server.target)) {
        for (const dsl::Item& item : decl->second->items) items.push_back({&item, kRankOwn});
      }
    }
    for (const auto& [reach, blocks] : reached) {
      const int rank = reach == Reach::kTarget ? kRankOwn + 1 : static_cast<int>(reach) - 1;
      for (const Block* block : blocks) {
        for (const dsl::Item& item : block->decl->items) items.push_back({&item, rank});
      }
    }
    std::erase_if(items, [](const RankedItem& ranked) {
      return std::visit(Overloaded{
                            [](const dsl::MtlsItem&) { return false; },
                            [](const dsl::AuthenticateItem&) { return false; },
                            [](const dsl::AuthorizeItem&) { return false; },
                            [](const dsl::LimitItem&) { return false; },
                            [](const dsl::CountedLimitItem&) { return false; },
                            [](const dsl::LuaItem&) { return false; },
                            [](const auto&) { return true; },
                        },
                        ranked.item->value);
    });
    return items;
  }

  void AddWorkloadPolicies(const Server& server, std::vector<RankedItem>& items) {
    for (const WorkloadId id : server.workloads) {
      const Workload& workload = l_.model[id];
      const std::size_t before = items.size();
      AddPolicies(l_, dsl::PolicyDecl::On::kWorkloads,
                  {workload.name, workload.workspace, workload.ns, workload.labels}, items);
      if (items.size() != before) return;  // all workloads of a service are treated alike
    }
  }

  void ApplyItems(const Server& server, const std::map<Reach, std::vector<const Block*>>& reached,
                  Guard& guard) {
    const std::optional<MtlsMode> own =
        server.workspace.IsNone() ? std::nullopt : l_.model[server.workspace].mtls;
    if (own) {
      guard.mtls = *own;
      guard.mtls_span = l_.model[server.workspace].mtls_span;
    } else if (l_.model.mtls) {
      guard.mtls = *l_.model.mtls;
      guard.mtls_span = l_.model.mtls_span;
    }
    for (const dsl::Item* item : ChooseItems(l_, ItemsFor(server, reached))) {
      std::visit(
          Overloaded{
              [&](const dsl::MtlsItem& i) { ApplyMtls(i, item->span, server, guard); },
              [&](const dsl::AuthenticateItem& i) { RequireToken(i, item->span, guard); },
              [&](const dsl::AuthorizeItem& i) {
                auto asked = LowerAuthorization(l_, i, item->span, server.workspace);
                if (asked) guard.authorization.push_back(std::move(*asked));
              },
              [&](const dsl::LimitItem& i) { guard.limits.push_back(LimitOf(*item, i, server)); },
              [&](const dsl::CountedLimitItem& i) {
                for (const LimitId id : AddCountedLimits(l_, *item, i, server.workspace)) {
                  guard.limits.push_back(id);
                }
              },
              [&](const dsl::LuaItem& i) { guard.code.push_back(LowerCode(i, item->span)); },
              [](const auto&) {},
          },
          item->value);
    }
    const auto limits = limits_.find(server.target);
    if (limits != limits_.end()) {
      guard.limits.insert(guard.limits.end(), limits->second.begin(), limits->second.end());
    }
  }

  void ApplyMtls(const dsl::MtlsItem& item, Span span, const Server& server, Guard& guard) {
    if (!item.port) {
      guard.mtls = static_cast<MtlsMode>(item.mode);
      guard.mtls_span = span;
      return;
    }
    const bool known = std::any_of(server.ports.begin(), server.ports.end(),
                                   [&](const auto& p) { return p.number == item.port->value; });
    if (known) {
      guard.port_mtls[item.port->value] = static_cast<MtlsMode>(item.mode);
    } else if (std::holds_alternative<ServiceId>(server.target)) {
      Diagnostic& d = l_.diagnostics.Error(
          codes::kUnknownPort, item.port->span,
          "service `" + server.name + "` has no port " + std::to_string(item.port->value));
      d.clusters = {l_.model[server.cluster].name};
    }
  }

  // One item counts for all clusters and workloads it reaches: the limiter is shared.
  LimitId LimitOf(const dsl::Item& item, const dsl::LimitItem& limit, const Server& server) {
    const auto [at, inserted] = limits_of_items_.try_emplace({&item, server.name}, LimitId{});
    if (inserted) at->second = AddLimit(l_, limit, item.span, server.workspace, server.name);
    return at->second;
  }

  // Claims a token must have are a denial of requests without them.
  void RequireToken(const dsl::AuthenticateItem& item, Span span, Guard& guard) {
    const auto wanted = LowerRouteAuthentication(l_, item, span);
    if (!wanted) return;
    guard.authentication.push_back(
        {wanted->providers.front(), item.optional, span, wanted->before_authorization});
    if (wanted->require.kind == Condition::Kind::kTrue) return;
    const auto [at, inserted] = claims_of_items_.try_emplace(
        span, static_cast<std::uint32_t>(l_.model.access_rules.size()));
    if (inserted) {
      l_.model.access_rules.push_back({.effect = AccessRule::Effect::kDeny,
                                       .callers = {},
                                       .when = Condition::Not(wanted->require),
                                       .grantee = {},
                                       .span = span});
    }
    guard.deny.push_back(AccessRuleId{at->second});
  }

  void CollectOfLimits(const std::vector<LimitId>& limits, std::vector<JwtId>& wanted) const {
    for (const LimitId id : limits) {
      CollectProviders(l_.model[id].when, wanted);
      for (const LimitKey& key : l_.model[id].per) {
        const bool known = std::find(wanted.begin(), wanted.end(), key.provider) != wanted.end();
        if (key.kind == LimitKey::Kind::kClaim && !key.provider.IsNone() && !known) {
          wanted.push_back(key.provider);
        }
      }
    }
  }

  // A condition on a token needs the token to be checked: its provider is authenticated, without
  // being required.
  void AddTokens(const Server& server, Guard& guard) {
    std::vector<JwtId> wanted;
    for (const auto* rules : {&guard.deny, &guard.allow}) {
      for (const AccessRuleId id : *rules) CollectProviders(l_.model[id].when, wanted);
    }
    CollectOfLimits(guard.limits, wanted);
    if (const auto* gateway = std::get_if<GatewayId>(&server.target)) {
      for (const Table& table : l_.model.tables) {
        const auto& bound = table.gateways;
        if (std::find(bound.begin(), bound.end(), *gateway) == bound.end()) continue;
        for (const RouteRule& rule : table.rules) {
          CollectProviders(rule.match, wanted);
          CollectOfLimits(rule.modifiers.limits, wanted);
        }
      }
    }
    for (const JwtId id : wanted) {
      const bool known = std::any_of(guard.authentication.begin(), guard.authentication.end(),
                                     [&](const Authentication& a) { return a.provider == id; });
      if (!known) guard.authentication.push_back({id, true, l_.model[id].span});
    }
  }

  Lowering& l_;
  std::vector<Block> blocks_;
  std::map<std::pair<std::string, std::string>, const dsl::ServiceDecl*> services_;
  std::map<std::pair<ServiceId, ClusterId>, std::vector<DestinationId>> backed_;
  std::map<std::variant<ServiceId, GatewayId, WorkloadId>, std::vector<LimitId>> limits_;
  std::map<std::pair<const dsl::Item*, std::string>, LimitId> limits_of_items_;
  std::map<Span, std::uint32_t> claims_of_items_;  // denials of requests without claims
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
