#include "engine/guard_items.h"

#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/codes.h"

namespace weft::engine {

GuardItems::GuardItems(Lowering& l) : l_(l) {
  for (const dsl::ServiceDecl& decl : l.program.services) {
    services_[{decl.in_namespace.value, decl.header.name.value}] = &decl;
  }
  for (const dsl::LimitDecl& decl : l.program.limits) AddLimits(decl);
}

void GuardItems::AddLimits(const dsl::LimitDecl& decl) {
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

std::vector<RankedItem> GuardItems::ItemsFor(const Server& server, const ReachedBlocks& reached) {
  std::vector<RankedItem> items;
  const Selectable object{server.name, server.workspace, server.ns, server.labels};
  const bool gateway = std::holds_alternative<GatewayId>(server.target);
  if (gateway) {
    AddPolicies(l_, dsl::PolicyDecl::On::kGateway, object, items);
    for (const dsl::GatewayDecl& decl : l_.program.gateways) {
      if (decl.header.name.value != server.name) continue;
      for (const dsl::Item& item : decl.items) items.push_back({&item, kRankOwn});
    }
    for (const ServiceId front : server.fronts) {
      AddPolicies(l_, dsl::PolicyDecl::On::kServices, SelectableFront(l_.model, front), items);
      AddOwn(l_.model[front].ns, l_.model[front].name, items);
    }
    AddWorkloadPolicies(server, items);
  } else {
    AddPolicies(l_, dsl::PolicyDecl::On::kServices, object, items);
    AddWorkloadPolicies(server, items);
    if (std::holds_alternative<ServiceId>(server.target)) AddOwn(server.ns, server.name, items);
  }
  for (const auto& [reach, blocks] : reached) {
    const int rank = reach == Reach::kTarget ? kRankOwn + 1 : static_cast<int>(reach) - 1;
    for (const AccessBlock* block : blocks) {
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

// What the declaration of the service says.
void GuardItems::AddOwn(const std::string& ns, const std::string& name,
                        std::vector<RankedItem>& items) const {
  const auto decl = services_.find({ns, name});
  if (decl == services_.end()) return;
  for (const dsl::Item& item : decl->second->items) items.push_back({&item, kRankOwn});
}

void GuardItems::AddWorkloadPolicies(const Server& server, std::vector<RankedItem>& items) {
  for (const WorkloadId id : server.workloads) {
    const Workload& workload = l_.model[id];
    const std::size_t before = items.size();
    AddPolicies(l_, dsl::PolicyDecl::On::kWorkloads,
                {workload.name, workload.workspace, workload.ns, workload.labels}, items);
    if (items.size() != before) return;  // all workloads of a service are treated alike
  }
}

void GuardItems::Apply(const Server& server, const ReachedBlocks& reached, Guard& guard) {
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
            [&](const dsl::AuthenticateItem& i) { RequireToken(i, item->span, server, guard); },
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
  AddLimitsOf(server.target, guard);
  for (const ServiceId front : server.fronts) AddLimitsOf(front, guard);
}

void GuardItems::AddLimitsOf(const std::variant<ServiceId, GatewayId, WorkloadId>& target,
                             Guard& guard) const {
  const auto limits = limits_.find(target);
  if (limits == limits_.end()) return;
  guard.limits.insert(guard.limits.end(), limits->second.begin(), limits->second.end());
}

void GuardItems::ApplyMtls(const dsl::MtlsItem& item, Span span, const Server& server,
                           Guard& guard) {
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
LimitId GuardItems::LimitOf(const dsl::Item& item, const dsl::LimitItem& limit,
                            const Server& server) {
  const auto [at, inserted] = limits_of_items_.try_emplace({&item, server.name}, LimitId{});
  if (inserted) at->second = AddLimit(l_, limit, item.span, server.workspace, server.name);
  return at->second;
}

// Claims a token must have are a denial of requests without them.
void GuardItems::RequireToken(const dsl::AuthenticateItem& item, Span span, const Server& server,
                              Guard& guard) {
  const auto wanted = LowerRouteAuthentication(l_, item, span, server.workspace);
  if (!wanted) return;
  guard.authentication.push_back(
      {wanted->providers.front(), item.optional, span, wanted->before_authorization});
  if (wanted->require.kind == Condition::Kind::kTrue) return;
  const auto [at, inserted] =
      claims_of_items_.try_emplace(span, static_cast<std::uint32_t>(l_.model.access_rules.size()));
  if (inserted) {
    l_.model.access_rules.push_back({.effect = AccessRule::Effect::kDeny,
                                     .callers = {},
                                     .when = Condition::Not(wanted->require),
                                     .grantee = {},
                                     .span = span});
  }
  guard.deny.push_back(AccessRuleId{at->second});
}

void GuardItems::CollectOfLimits(const std::vector<LimitId>& limits,
                                 std::vector<JwtId>& wanted) const {
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

void GuardItems::AddTokens(const Server& server, Guard& guard) const {
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

}  // namespace weft::engine
