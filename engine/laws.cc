// `prove` statements with their names resolved.
#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

// `to X`: a service, a destination, or a workspace, which stands for all its services.
void ResolveTo(Lowering& l, const dsl::ProveDecl& decl, WorkspaceId scope, Law& law) {
  law.to_text = decl.to->Text();
  WorkspaceId workspace;
  if (decl.to_workspace) {
    workspace = l.Workspace(decl.to->parts.front());
    if (workspace.IsNone()) return;
  } else if (decl.to->parts.size() == 1 && l.workspaces.contains(law.to_text) &&
             !l.targets.contains({scope, law.to_text})) {
    workspace = l.workspaces[law.to_text];
  }
  if (workspace.IsNone()) {
    if (const auto target = l.WholeTarget(*decl.to, scope)) law.to.push_back(*target);
    return;
  }
  law.to_text = "workspace " + law.to_text;
  for (std::uint32_t i = 0; i < l.model.services.size(); ++i) {
    if (l.model.services[i].workspace == workspace) law.to.emplace_back(ServiceId{i});
  }
}

void AddEveryDestination(const Lowering& l, Law& law) {
  law.to_text = "every destination";
  for (std::uint32_t i = 0; i < l.model.destinations.size(); ++i) {
    law.to.emplace_back(DestinationId{i});
  }
}

Law::Parts PartsOf(const dsl::ProveDecl& decl) {
  Law::Parts parts{.loss = decl.loss_span, .to = {}, .through = {}, .from = {}, .where = {}};
  if (decl.to) parts.to = decl.to->span;
  if (decl.through) parts.through = decl.through->span;
  if (!decl.from.empty()) parts.from = Join(decl.from.front().span, decl.from.back().span);
  if (decl.where) parts.where = decl.where->span;
  return parts;
}

void AddLaw(Lowering& l, const dsl::ProveDecl& decl) {
  const WorkspaceId scope = l.Section(decl.header);
  const std::size_t errors = l.diagnostics.errors();
  Law law{.title = decl.header.name.value,
          .form = static_cast<Law::Form>(decl.form),
          .quantifier = static_cast<Law::Quantifier>(decl.quantifier),
          .loss = static_cast<LossKind>(decl.loss),
          .losses = static_cast<std::size_t>(decl.losses),
          .to = {},
          .to_text = "",
          .through = {},
          .from = LowerSources(l, decl.from, scope),
          .mtls = decl.mtls,
          .only_allowed = decl.only_allowed,
          .assumed = {.answers = {}, .within_limits = decl.within_limits},
          .where = decl.where ? LowerCondition(l, *decl.where, scope) : Condition::True(),
          .verdict = static_cast<Law::Verdict>(decl.verdict),
          .served_by = {},
          .regions = {},
          .chain = {},
          .budget = {},
          .requests = {},
          .replicas = {},
          .span = decl.span,
          .parts = PartsOf(decl)};
  if (decl.to) ResolveTo(l, decl, scope, law);
  for (const dsl::StatedAnswer& stated : decl.answers) {
    const AuthorizerId id = l.Authorizer(stated.authorizer, scope);
    if (!id.IsNone()) law.assumed.answers[id] = static_cast<Answer>(stated.kind);
  }
  if (decl.through) law.through = l.Gateway(*decl.through, scope);
  if (decl.served_by) {
    law.served_by = l.WholeTarget(*decl.served_by, scope);
  }
  for (const dsl::Str& region : decl.regions) law.regions.push_back(region.value);
  for (const dsl::QName& name : decl.chain) {
    const ServiceId id = l.ServiceNamed(name, scope);
    if (!id.IsNone()) law.chain.push_back(id);
  }
  if (decl.budget) law.budget = decl.budget->value;
  if (decl.requests) law.requests = decl.requests->value;
  if (decl.replicas) law.replicas = decl.replicas->value;
  if (decl.replica_share) law.replica_share = decl.replica_share->value;
  if (law.form == Law::Form::kReplicas && !decl.to) AddEveryDestination(l, law);
  if (l.diagnostics.errors() == errors) l.model.laws.push_back(std::move(law));
}

}  // namespace

void LowerLaws(Lowering& l) {
  for (const dsl::ProveDecl& decl : l.program.proves) AddLaw(l, decl);
}

}  // namespace weft::engine
