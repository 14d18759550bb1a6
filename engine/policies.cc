// Policy items: which of several apply, and what they become.
#include <algorithm>
#include <set>
#include <tuple>

#include "dsl/codes.h"
#include "dsl/items_check.h"
#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"

namespace weft::engine {
namespace {

ConnectionPool ToPool(const dsl::ConnectionsItem& item) {
  const auto number = [](const std::optional<dsl::Number>& n) {
    return n ? std::optional(n->value) : std::nullopt;
  };
  const auto time = [](const std::optional<dsl::Duration>& d) {
    return d ? std::optional(d->value) : std::nullopt;
  };
  return {.max_connections = number(item.max_connections),
          .max_pending = number(item.max_pending),
          .max_requests = number(item.max_requests),
          .requests_per_connection = number(item.requests_per_connection),
          .max_retries = number(item.max_retries),
          .keepalive_probes = number(item.keepalive_probes),
          .connect_timeout = time(item.connect_timeout),
          .idle_timeout = time(item.idle_timeout),
          .keepalive = time(item.keepalive),
          .keepalive_interval = time(item.keepalive_interval)};
}

Outlier ToOutlier(const dsl::EjectItem& item, Span span) {
  Outlier outlier{.errors = item.errors.value, .gateway_errors = item.gateway_errors, .span = span};
  if (item.or_gateway_errors) outlier.or_gateway_errors = item.or_gateway_errors->value;
  if (item.interval) outlier.interval = item.interval->value;
  if (item.base_time) outlier.base_time = item.base_time->value;
  if (item.max_share) outlier.max_share = item.max_share->value;
  return outlier;
}

LoadBalance ToBalance(const dsl::BalanceItem& item, Span span) {
  LoadBalance balance{.kind = static_cast<LoadBalance::Kind>(item.kind),
                      .key = item.key ? item.key->value : "",
                      .cookie_path = item.cookie_path ? item.cookie_path->value : "",
                      .ttl = {},
                      .warm_up = {},
                      .span = span};
  if (item.ttl) balance.ttl = item.ttl->value;
  if (item.warm_up) balance.warm_up = item.warm_up->value;
  return balance;
}

Failover ToFailover(const dsl::FailoverItem& item, Span span) {
  Failover failover{.order = {}, .mappings = {}, .span = span};
  for (const auto& step : item.order) {
    failover.order.push_back(static_cast<Failover::Step>(step.value));
  }
  for (const auto& mapping : item.mappings) {
    failover.mappings.push_back({mapping.from.value, mapping.to.value, {}});
    if (mapping.weight) failover.mappings.back().weight = mapping.weight->value;
  }
  return failover;
}

// Kinds of which several may stand side by side on one target.
bool AddsUp(const dsl::Item& item) {
  return std::holds_alternative<dsl::MirrorItem>(item.value) ||
         std::holds_alternative<dsl::HeadersItem>(item.value) ||
         std::holds_alternative<dsl::LimitItem>(item.value) ||
         std::holds_alternative<dsl::CountedLimitItem>(item.value) ||
         std::holds_alternative<dsl::LuaItem>(item.value) ||
         std::holds_alternative<dsl::WafItem>(item.value) ||
         std::holds_alternative<dsl::WasmItem>(item.value) ||
         std::holds_alternative<dsl::TransformItem>(item.value) ||
         std::holds_alternative<dsl::AuthenticateItem>(item.value) ||
         std::holds_alternative<dsl::AuthorizeItem>(item.value);
}

// What is chosen once: the kind of the item, and for `mtls` the port it speaks of.
std::pair<std::size_t, std::uint16_t> SlotOf(const dsl::Item& item) {
  std::uint16_t port = 0;
  if (const auto* mtls = std::get_if<dsl::MtlsItem>(&item.value)) {
    if (mtls->port) port = mtls->port->value;
  }
  return {item.value.index(), port};
}

std::tuple<bool, std::int64_t, int> Standing(const RankedItem& ranked) {
  return {ranked.item->override_, ranked.item->priority ? ranked.item->priority->value : 0,
          ranked.rank};
}

void ReportConflict(Lowering& l, const dsl::Item& first, const dsl::Item& second) {
  const dsl::Item& later = first.span < second.span ? second : first;
  const dsl::Item& earlier = first.span < second.span ? first : second;
  const auto& told = l.diagnostics.all();
  if (std::any_of(told.begin(), told.end(), [&](const Diagnostic& d) {
        return d.number == dsl::codes::kRepeatedItem.number && d.span == later.span;
      })) {
    return;
  }
  Diagnostic& d = l.diagnostics.Error(
      codes::kConflictingPolicies, later.span,
      "two policies of equal rank set `" + std::string(dsl::ItemWord(later)) + "` here");
  d.related.push_back({earlier.span, "the other one"});
  for (const Span& via : later.via) d.related.push_back({via, "used here"});
  d.help = "mark the one that wins with `override` or `priority N`, or narrow one selection";
}

// Two policies of one kind, between which the age in another system decides.
void ReportOlder(Lowering& l, const dsl::Item& winner, const dsl::Item& loser) {
  if (!winner.by_age || !loser.by_age || winner.priority == loser.priority) return;
  Diagnostic& d = l.diagnostics.Warning(codes::kOlderWins, loser.span,
                                        "`" + std::string(dsl::ItemWord(loser)) +
                                            "` of this policy is not applied: an older one wins");
  d.related.push_back({winner.span, "the older one"});
}

}  // namespace

ClientTls LowerClientTls(const dsl::ClientTlsItem& item, Span span) {
  const auto text = [](const std::optional<dsl::Str>& s) { return s ? s->value : std::string(); };
  ClientTls tls{.mode = static_cast<ClientTls::Mode>(item.mode),
                .sni = text(item.sni),
                .ca_secret = text(item.ca_secret),
                .certificate_secret = text(item.certificate_secret),
                .sans = {},
                .skip_verify = item.skip_verify,
                .span = span};
  for (const dsl::Str& san : item.sans) tls.sans.push_back(san.value);
  return tls;
}

void ApplyDestinationItem(const dsl::Item& item, DestinationPolicy& policy) {
  const bool applied = std::visit(
      Overloaded{
          [&](const dsl::ConnectionsItem& i) { return policy.connections = ToPool(i), true; },
          [&](const dsl::EjectItem& i) { return policy.outlier = ToOutlier(i, item.span), true; },
          [&](const dsl::BalanceItem& i) { return policy.balance = ToBalance(i, item.span), true; },
          [&](const dsl::ClientTlsItem& i) {
            return policy.tls = LowerClientTls(i, item.span), true;
          },
          [&](const dsl::FailoverItem& i) {
            return policy.failover = ToFailover(i, item.span), true;
          },
          [&](const dsl::HealthCheckItem& i) {
            return policy.health_check = LowerHealthCheck(i, item.span), true;
          },
          [&](const dsl::AdaptConcurrencyItem& i) {
            return policy.adapt = LowerAdapt(i, item.span), true;
          },
          [](const auto&) { return false; },
      },
      item.value);
  if (applied) policy.spans.push_back(item.span);
}

std::vector<const dsl::Item*> ChooseItems(Lowering& l, const std::vector<RankedItem>& items) {
  std::vector<const dsl::Item*> chosen;
  std::set<const dsl::Item*> seen;  // one that reaches its target by two ways counts once
  std::map<std::pair<std::size_t, std::uint16_t>, std::vector<RankedItem>> slots;
  for (const RankedItem& ranked : items) {
    if (AddsUp(*ranked.item)) {
      if (seen.insert(ranked.item).second) chosen.push_back(ranked.item);
    } else {
      slots[SlotOf(*ranked.item)].push_back(ranked);
    }
  }
  for (auto& [slot, candidates] : slots) {
    std::stable_sort(
        candidates.begin(), candidates.end(),
        [](const RankedItem& a, const RankedItem& b) { return Standing(a) > Standing(b); });
    if (candidates.size() > 1 && Standing(candidates[0]) == Standing(candidates[1])) {
      ReportConflict(l, *candidates[0].item, *candidates[1].item);
    }
    for (std::size_t i = 1; i < candidates.size(); ++i) {
      if (candidates[i].rank == candidates[0].rank) {
        ReportOlder(l, *candidates[0].item, *candidates[i].item);
      }
    }
    chosen.push_back(candidates.front().item);
  }
  return chosen;
}

bool Matches(Lowering& l, const dsl::Selection& selection, WorkspaceId section,
             const Selectable& object) {
  if (!section.IsNone() && section != object.workspace) return false;
  if (selection.workspace && l.NameOf(object.workspace) != selection.workspace->value) return false;
  if (selection.in_namespace && selection.in_namespace->value != object.ns) return false;
  if (!selection.names.empty()) {
    const bool named =
        std::any_of(selection.names.begin(), selection.names.end(), [&](const dsl::QName& name) {
          if (name.IsQuoted()) return name.parts[0].value == object.name + "." + object.ns;
          if (name.parts.back().value != object.name) return false;
          return name.parts.size() == 1 || name.parts[0].value == l.NameOf(object.workspace);
        });
    if (!named) return false;
  }
  return Selects(ToLabels(selection.labels), object.labels);
}

bool PolicySelects(Lowering& l, const dsl::PolicyDecl& policy, const Selectable& object) {
  const WorkspaceId section = l.Section(policy.header);
  return Matches(l, policy.selection, section, object) ||
         std::any_of(policy.more.begin(), policy.more.end(),
                     [&](const dsl::Selection& s) { return Matches(l, s, section, object); });
}

namespace {

void IndexPolicies(Lowering& l) {
  if (!l.policies_by_section.empty()) return;
  for (const dsl::PolicyDecl& policy : l.program.policies) {
    l.policies_by_section[{policy.on, l.Section(policy.header)}].push_back(&policy);
  }
}

}  // namespace

void AddPolicies(Lowering& l, dsl::PolicyDecl::On on, const Selectable& object,
                 std::vector<RankedItem>& items, int level) {
  IndexPolicies(l);
  // Only policies of the whole mesh and of the object's workspace can select it.
  std::vector<const dsl::PolicyDecl*> candidates;
  for (const WorkspaceId section : {WorkspaceId{}, object.workspace}) {
    const auto at = l.policies_by_section.find({on, section});
    if (at == l.policies_by_section.end()) continue;
    candidates.insert(candidates.end(), at->second.begin(), at->second.end());
    if (object.workspace.IsNone()) break;
  }
  std::sort(candidates.begin(), candidates.end());  // they stand in one vector: as declared
  for (const dsl::PolicyDecl* policy : candidates) {
    if (!PolicySelects(l, *policy, object)) continue;
    l.used_policies.insert(policy);
    const int rank = policy->selection.names.empty() ? kRankSelected : kRankNamed;
    for (const dsl::Item& item : policy->items) items.push_back({&item, rank + level});
  }
}

void WarnIdlePolicies(Lowering& l) {
  if (l.diagnostics.HasErrors()) return;  // what they are for may be among what is wrong
  std::set<Span> used;  // an object of another system may have become several policies
  for (const dsl::PolicyDecl* policy : l.used_policies) used.insert(policy->header.name.span);
  for (const dsl::PolicyDecl& policy : l.program.policies) {
    if (policy.items.empty() || !used.insert(policy.header.name.span).second) continue;
    Diagnostic& d =
        l.diagnostics.Warning(codes::kNothingSelected, policy.header.span,
                              "policy `" + policy.header.name.value + "` applies to nothing");
    d.label = "selects nothing that is declared or discovered";
    d.help = "check its names and labels, or remove it";
  }
}

DestinationPolicy DestinationItems(Lowering& l, dsl::PolicyDecl::On on, const Selectable& object,
                                   const std::vector<dsl::Item>& own) {
  std::vector<RankedItem> items;
  AddPolicies(l, on, object, items);
  for (const dsl::Item& item : own) items.push_back({&item, kRankOwn});
  DestinationPolicy policy;
  // Server-side items of the same blocks are chosen where guards are made.
  std::erase_if(items, [](const RankedItem& ranked) {
    DestinationPolicy probe;
    ApplyDestinationItem(*ranked.item, probe);
    return probe.spans.empty();
  });
  for (const dsl::Item* item : ChooseItems(l, items)) ApplyDestinationItem(*item, policy);
  return policy;
}

}  // namespace weft::engine
