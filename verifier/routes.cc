// Routes: every rule decides some request, not every request it forwards is refused, and two tables
// for one host never disagree.
#include <memory>
#include <set>

#include "verifier/codes.h"
#include "verifier/first_match.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

constexpr const char* kProperty = "routes";

using engine::RouteRule;
using engine::Table;

// What is known of one rule over all sites it stands at.
struct Standing {
  const Table* table = nullptr;
  bool seen = false;
  bool reachable = false;
  bool served = false;
  bool forwards = false;          // sends somewhere that has endpoints
  std::vector<Span> shadowed_by;  // from a site where it is unreachable
  std::optional<engine::Request> reached;
  std::optional<engine::TargetRef> target;
};

class RouteProof {
 public:
  RouteProof(Work& work, const std::vector<Site>& sites) : work_(work), sites_(sites) {}

  void Prove() {
    for (const Table& table : work_.model.tables) {
      if (!table.root) continue;
      work_.Conclude(kProperty, Subject(table), PropertyVerdict::kProved);
      for (const RouteRule& rule : table.rules) standings_[&rule].table = &table;
    }
    for (const Site& site : sites_) ProveSite(site);
    for (const Table& table : work_.model.tables) AskEveryAccount(table);
    for (const Table& table : work_.model.tables) {
      if (table.root) Report(table);
    }
  }

 private:
  [[nodiscard]] std::string Subject(const Table& table) const {
    return work_.Workspace(table.workspace) + "." + table.name;
  }

  // A rule that serves nobody yet may serve another account, or be reached by it.
  void AskEveryAccount(const Table& table) {
    const auto open = [&] {
      return std::any_of(table.rules.begin(), table.rules.end(), [&](const RouteRule& rule) {
        const Standing& standing = standings_[&rule];
        return standing.seen && !(standing.reachable && standing.served);
      });
    };
    if (!table.root || !open()) return;
    for (const Site& site : SidecarSitesOf(work_.model, table)) {
      ProveSite(site);
      if (!open()) return;
    }
  }

  void ProveSite(const Site& site) {
    const std::unique_ptr<FirstMatch> rules = RulesOf(work_, site);
    for (const RouteRule* rule : site.rules) standings_[rule].seen = true;
    if (const auto reason = rules->Undecidable()) {
      for (const RouteRule* rule : site.rules) {
        standings_[rule].reachable = standings_[rule].served = true;
      }
      if (!site.tables.empty()) {
        work_.Undecided(kProperty, Subject(*site.tables.front()), site.tables.front()->span,
                        *reason);
      }
      return;
    }
    for (std::size_t i = 0; i < site.rules.size(); ++i) ProveRule(site, *rules, i);
    CompareTables(site, *rules);
  }

  void ProveRule(const Site& site, FirstMatch& rules, std::size_t i) {
    const RouteRule& rule = *site.rules[i];
    Standing& standing = standings_[&rule];
    if (standing.reachable && standing.served) return;
    const Taken goes = rules.Decides(i, true);
    if (goes.Sat()) {
      standing.reachable = standing.served = true;
      return;
    }
    const Taken found = rules.Decides(i, false);
    if (found.verdict == Verdict::kUnknown || goes.verdict == Verdict::kUnknown) {
      standing.reachable = standing.served = true;
      work_.Undecided(kProperty, Subject(*standing.table), rule.span,
                      found.reason.empty() ? goes.reason : found.reason);
      return;
    }
    if (found.Sat()) {
      standing.reachable = true;
      if (standing.reached) return;
      standing.reached = found.request;
      Remember(site, rule, standing);
    } else if (standing.shadowed_by.empty()) {
      for (const std::size_t taker : rules.Takers(i)) {
        standing.shadowed_by.push_back(site.rules[taker]->span);
      }
    }
  }

  void Remember(const Site& site, const RouteRule& rule, Standing& standing) {
    const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
    if (forwards == nullptr) return;
    for (const engine::Forward& forward : *forwards) {
      const auto tiers =
          engine::TiersOf(work_.model, forward.target, forward.subset, site.sender, site.base);
      if (tiers.empty()) continue;
      standing.forwards = true;
      standing.target = forward.target;
    }
  }

  static bool SameEffect(const RouteRule& a, const RouteRule& b) {
    const auto* from = std::get_if<std::vector<engine::Forward>>(&a.action);
    const auto* other = std::get_if<std::vector<engine::Forward>>(&b.action);
    if (from == nullptr || other == nullptr || from->size() != other->size()) return false;
    for (std::size_t i = 0; i < from->size(); ++i) {
      if ((*from)[i].target != (*other)[i].target || (*from)[i].subset != (*other)[i].subset ||
          (*from)[i].port != (*other)[i].port || (*from)[i].weight != (*other)[i].weight) {
        return false;
      }
    }
    return a.modifiers.timeout == b.modifiers.timeout && !a.modifiers.rewrite &&
           !b.modifiers.rewrite;
  }

  [[nodiscard]] static const Table* TableOf(const Site& site, const RouteRule* rule) {
    for (const Table* table : site.tables) {
      if (!table->rules.empty() && rule >= &table->rules.front() && rule <= &table->rules.back()) {
        return table;
      }
    }
    return nullptr;
  }

  // Two tables for one host: which of them stands first is nobody's choice.
  void CompareTables(const Site& site, FirstMatch& rules) {
    if (site.tables.size() < 2) return;
    for (std::size_t i = 0; i < site.rules.size(); ++i) {
      for (const std::size_t j : rules.MayMeet(i)) {
        if (Clash(site, rules, i, j)) return;
      }
    }
  }

  // Whether the two rules stand in different tables and differ about some request; reports it.
  bool Clash(const Site& site, FirstMatch& rules, std::size_t i, std::size_t j) {
    const RouteRule& a = *site.rules[i];
    const RouteRule& b = *site.rules[j];
    const Table* first = TableOf(site, &a);
    const Table* second = TableOf(site, &b);
    if (first == second || a.otherwise != b.otherwise || SameEffect(a, b)) return false;
    if (!compared_.insert({&a, &b}).second) return false;
    const Taken found = rules.Both(i, j);
    if (found.verdict == Verdict::kUnknown) {
      work_.Undecided(kProperty, Subject(*second), b.span, found.reason);
    }
    if (!found.Sat()) return false;
    // What the other table takes away is this conflict, not one of order.
    for (const RouteRule* rule : {&a, &b}) {
      standings_[rule].reachable = standings_[rule].served = true;
    }
    const bool same_owner = first->workspace == second->workspace;
    Diagnostic& d = work_.Violation(
        kProperty, Subject(*second), same_owner ? codes::kRuleConflict : codes::kHostCollision,
        Severity::kError, b.span,
        same_owner
            ? "two routes for `" + site.host + "` match the same request differently"
            : "workspaces `" + work_.Workspace(first->workspace) + "` and `" +
                  work_.Workspace(second->workspace) + "` both answer for `" + site.host + "`");
    d.label = "this rule";
    d.related.push_back({a.span, "and this one"});
    d.help = "narrow one of them, or put both into one route, where order decides";
    const bool allowed = engine::Evaluate(work_.model, *found.request).AllowedSomewhere();
    work_.Witness(*found.request, std::nullopt, allowed, allowed);
    return true;
  }

  void Report(const Table& table) {
    bool any_seen = table.rules.empty();
    for (const RouteRule& rule : table.rules) any_seen = any_seen || standings_[&rule].seen;
    if (!any_seen) {
      Diagnostic& d = work_.Violation(
          kProperty, Subject(table), codes::kUnreachableRule,
          table.gateways.empty() ? Severity::kWarning : Severity::kError, table.span,
          table.gateways.empty() ? "no workload's sidecar uses route `" + table.name + "`"
                                 : "no listener serves the hosts of route `" + table.name + "`");
      for (const engine::GatewayId id : table.gateways) {
        for (const engine::Listener& listener : work_.model[id].listeners) {
          d.related.push_back({listener.span, "a listener of the gateway"});
        }
      }
      return;
    }
    for (const RouteRule& rule : table.rules) ReportRule(table, rule);
  }

  void ReportRule(const Table& table, const RouteRule& rule) {
    const Standing& standing = standings_[&rule];
    if (!standing.seen) return;
    if (!standing.reachable) {
      Diagnostic& d = work_.Violation(kProperty, Subject(table), codes::kUnreachableRule,
                                      Severity::kError, rule.span, "no request reaches this rule");
      d.label = standing.shadowed_by.empty() ? "nothing matches this" : "cannot be reached";
      for (const Span& span : standing.shadowed_by) {
        d.related.push_back({span, "takes all that the rule matches"});
      }
      if (standing.shadowed_by.size() > 1) {
        for (Label& label : d.related) label.message = "takes a part of it";
      }
      d.help = standing.shadowed_by.empty() ? "check the condition, or remove the rule"
                                            : "move the rule up, or remove it";
      return;
    }
    if (standing.served || !standing.forwards) return;
    for (const Finding& finding : work_.report.findings) {
      // A forbidden route is refused for that reason; one finding says it.
      if (finding.diagnostic.number == codes::kIsolationBroken.number &&
          finding.diagnostic.span.file == rule.span.file &&
          finding.diagnostic.span.begin >= rule.span.begin &&
          finding.diagnostic.span.end <= rule.span.end) {
        return;
      }
    }
    Diagnostic& d =
        work_.Violation(kProperty, Subject(table), codes::kRefusedRoute, Severity::kError,
                        rule.span, "every request this rule forwards is refused");
    const engine::Outcome outcome = engine::Evaluate(work_.model, *standing.reached);
    if (const engine::Block* block = outcome.FirstBlock()) {
      for (const Span& span : block->rules) {
        if (span.IsKnown()) d.related.push_back({span, "refused here"});
      }
    }
    d.help = "allow the caller at the server, or remove the rule";
    work_.Witness(*standing.reached, standing.target, false, true);
  }

  Work& work_;
  const std::vector<Site>& sites_;
  std::map<const RouteRule*, Standing> standings_;
  std::set<std::pair<const RouteRule*, const RouteRule*>> compared_;
};

}  // namespace

void ProveRoutes(Work& work) {
  std::vector<Site> sites = GatewaySites(work.model);
  std::vector<Site> sidecars = SidecarSites(work.model);
  sites.insert(sites.end(), std::make_move_iterator(sidecars.begin()),
               std::make_move_iterator(sidecars.end()));
  RouteProof(work, sites).Prove();
}

}  // namespace weft::verifier
