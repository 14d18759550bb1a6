#include "engine/access_blocks.h"

#include <algorithm>

#include "engine/codes.h"

namespace weft::engine {
namespace {

using BlockTarget = dsl::AccessDecl::TargetKind;
using ServerId = std::variant<ServiceId, GatewayId, WorkloadId>;

std::vector<const dsl::Selection*> SelectionsOf(const dsl::AccessDecl& decl) {
  std::vector<const dsl::Selection*> all;
  if (decl.selected) all.push_back(&*decl.selected);
  for (const dsl::Selection& selection : decl.more) all.push_back(&selection);
  return all;
}

}  // namespace

Selectable SelectableFront(const Model& model, ServiceId front) {
  const Service& service = model[front];
  return {service.name, service.workspace, service.ns, service.labels};
}

AccessRuleId AddAccessRule(Model& model, AccessRule rule) {
  model.access_rules.push_back(std::move(rule));
  return {static_cast<std::uint32_t>(model.access_rules.size() - 1)};
}

AccessBlocks::AccessBlocks(Lowering& l) : l_(l) {
  for (const dsl::AccessDecl& decl : l.program.accesses) Add(decl);
}

ReachedBlocks AccessBlocks::Of(const Server& server) {
  Positions near;
  const auto take = [&](const auto& index, const auto& key) {
    const auto at = index.find(key);
    if (at != index.end()) near.insert(near.end(), at->second.begin(), at->second.end());
  };
  take(by_target_, server.target);
  for (const ServiceId front : server.fronts) take(by_target_, ServerId(front));
  take(by_section_, WorkspaceId{});
  if (!server.workspace.IsNone()) {
    take(by_workspace_, server.workspace);
    take(by_section_, server.workspace);
  }
  std::sort(near.begin(), near.end());
  ReachedBlocks reached;
  for (const std::size_t position : near) {
    const AccessBlock& block = blocks_[position];
    const Reach reach = ReachOf(block, server);
    if (reach == Reach::kNone) continue;
    reached[reach].push_back(&block);
    reaching_.insert(&block);
  }
  return reached;
}

void AccessBlocks::Add(const dsl::AccessDecl& decl) {
  AccessBlock block{.decl = &decl, .section = l_.Section(decl.header)};
  switch (decl.target_kind) {
    case BlockTarget::kService:
      block.service = l_.ServiceNamed(*decl.target, block.section,
                                      "; what is to be guarded apart gets a service of its own");
      if (block.service.IsNone()) return;
      if (!Owns(block.section, l_.model[block.service].workspace, decl)) return;
      break;
    case BlockTarget::kGateway:
      block.gateway = l_.Gateway(*decl.target, block.section);
      if (block.gateway.IsNone()) return;
      if (!Owns(block.section, l_.model[block.gateway].workspace, decl)) return;
      break;
    case BlockTarget::kWorkspace:
      block.workspace = l_.Workspace(decl.target->parts.front());
      if (block.workspace.IsNone() || !Owns(block.section, block.workspace, decl)) return;
      break;
    case BlockTarget::kServices:
    case BlockTarget::kWorkloads:
      break;
    case BlockTarget::kMesh:
      if (block.section.IsNone()) break;
      l_.diagnostics
          .Error(codes::kForeignNamespace, decl.header.span,
                 "`access all` stands for every service of the mesh, and this is the "
                 "section of workspace `" +
                     l_.NameOf(block.section) + "`")
          .help = "write `access workspace " + l_.NameOf(block.section) +
                  "`, or move it to the section of the mesh";
      return;
  }
  for (const dsl::AccessClause& clause : decl.clauses) AddClause(clause, block);
  block.closes = decl.default_deny || !block.allow.empty();
  const std::size_t position = blocks_.size();
  switch (decl.target_kind) {
    case BlockTarget::kService:
      by_target_[block.service].push_back(position);
      break;
    case BlockTarget::kGateway:
      by_target_[block.gateway].push_back(position);
      break;
    case BlockTarget::kWorkspace:
      by_workspace_[block.workspace].push_back(position);
      break;
    case BlockTarget::kServices:
    case BlockTarget::kWorkloads:
    case BlockTarget::kMesh:
      by_section_[block.section].push_back(position);
      break;
  }
  blocks_.push_back(std::move(block));
}

// A block of the whole mesh may well stand by for services that are to come.
void AccessBlocks::WarnIdle() const {
  if (l_.diagnostics.HasErrors()) return;  // what they are for may be among what is wrong
  for (const AccessBlock& block : blocks_) {
    const BlockTarget kind = block.decl->target_kind;
    const bool selects = kind == BlockTarget::kServices || kind == BlockTarget::kWorkloads;
    const bool reaches = reaching_.contains(&block);
    if (selects && !reaches) {
      Diagnostic& d = l_.diagnostics.Warning(codes::kNothingSelected, block.decl->header.span,
                                             "this `access` block stands for nothing");
      d.label = "selects nothing that is declared or discovered";
      d.help = "check its names and labels, or remove it";
    } else if ((selects || kind == BlockTarget::kWorkspace) && reaches && block.closes &&
               block.deny.empty() && !deciding_.contains(&block)) {
      Diagnostic& d = l_.diagnostics.Warning(
          codes::kNothingSelected, block.decl->header.span,
          "this `access` block decides nothing: blocks that stand nearer decide for every service "
          "it stands for");
      d.help = "say it in those blocks, or remove it";
    }
  }
}

bool AccessBlocks::Owns(WorkspaceId section, WorkspaceId owner, const dsl::AccessDecl& decl) {
  if (section.IsNone() || section == owner) return true;
  l_.diagnostics.Error(codes::kForeignNamespace, decl.header.span,
                       "`" + decl.header.name.value + "` belongs to " +
                           (owner.IsNone() ? "no workspace" : "`" + l_.NameOf(owner) + "`") +
                           ", not to `" + l_.NameOf(section) + "`");
  return false;
}

void AccessBlocks::AddClause(const dsl::AccessClause& clause, AccessBlock& block) {
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
  (allow ? block.allow : block.deny).push_back(AddAccessRule(l_.model, std::move(rule)));
}

Reach AccessBlocks::ReachOf(const AccessBlock& block, const Server& server) {
  const bool gateway = std::holds_alternative<GatewayId>(server.target);
  const auto& fronts = server.fronts;
  switch (block.decl->target_kind) {
    case BlockTarget::kService:
      return server.target == ServerId(block.service) ||
                     std::find(fronts.begin(), fronts.end(), block.service) != fronts.end()
                 ? Reach::kTarget
                 : Reach::kNone;
    case BlockTarget::kGateway:
      return server.target == ServerId(block.gateway) ? Reach::kTarget : Reach::kNone;
    case BlockTarget::kWorkspace:
      return !gateway && block.workspace == server.workspace ? Reach::kWorkspace : Reach::kNone;
    case BlockTarget::kServices:
    case BlockTarget::kWorkloads:
      return SelectsServer(block, server) ? Reach::kSelected : Reach::kNone;
    case BlockTarget::kMesh:
      return gateway ? Reach::kNone : Reach::kMesh;
  }
  return Reach::kNone;
}

bool AccessBlocks::SelectsServer(const AccessBlock& block, const Server& server) {
  for (const dsl::Selection* selection : SelectionsOf(*block.decl)) {
    if (SelectsServer(block, *selection, server)) return true;
  }
  return false;
}

bool AccessBlocks::SelectsServer(const AccessBlock& block, const dsl::Selection& selection,
                                 const Server& server) {
  if (!selection.clusters.empty()) {
    const std::vector<ClusterId> only = l_.Clusters(selection.clusters);
    if (std::find(only.begin(), only.end(), server.cluster) == only.end()) return false;
  }
  const Selectable object{server.name, server.workspace, server.ns, server.labels};
  if (block.decl->target_kind == BlockTarget::kServices) {
    const auto selected = [&](ServiceId front) {
      return Matches(l_, selection, block.section, SelectableFront(l_.model, front));
    };
    return std::any_of(server.fronts.begin(), server.fronts.end(), selected) ||
           (std::holds_alternative<ServiceId>(server.target) &&
            Matches(l_, selection, block.section, object));
  }
  return SelectsWorkloads(block, selection, server);
}

bool AccessBlocks::SelectsWorkloads(const AccessBlock& block, const dsl::Selection& selection,
                                    const Server& server) {
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

std::optional<std::set<std::uint16_t>> AccessBlocks::PortsOf(const AccessBlock& block,
                                                             const Server& server) {
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

}  // namespace weft::engine
