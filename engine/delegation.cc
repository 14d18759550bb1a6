// Delegation: rules of the tables a rule delegates to stand in its place, narrowed by its match.
#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/lowering.h"
#include "engine/match.h"
#include "engine/routes.h"

namespace weft::engine {
namespace {

constexpr std::size_t kMostLevels = 16;     // tables that delegate to one another in a row
constexpr std::size_t kMostRules = 50'000;  // that delegation adds to one route
constexpr int kRanksPerLevel = 4;

// What the delegating rules above pass on.
struct Inherited {
  Condition match = Condition::True();
  std::vector<Span> via;
  std::vector<RankedItem> items;
  Labels labels;              // of the delegating rules and their tables
  std::vector<TableId> path;  // tables being expanded, outermost first
};

// Order of Gloo's ROUTE_SPECIFICITY: exact before regex before prefix, longer before shorter; rules
// that ask for a method, headers or query parameters before those that do not.
struct Specificity {
  int otherwise = 0;
  int kind = 3;
  long length = 0;
  long others = 0;
  auto operator<=>(const Specificity&) const = default;
};

void Measure(const Condition& condition, Specificity& s) {
  if (condition.kind == Condition::Kind::kNot) return;
  for (const Condition& child : condition.children) Measure(child, s);
  if (!condition.matcher) return;
  const auto path = [&](const Pattern& pattern) {
    const auto [kind, length] =
        std::visit(Overloaded{
                       [](const Exact& p) { return std::pair(0, p.value.size()); },
                       [](const Template& p) { return std::pair(1, p.value.size()); },
                       [](const Regex&) { return std::pair(1, std::size_t{0}); },
                       [](const Suffix& p) { return std::pair(1, p.value.size()); },
                       [](const Under& p) { return std::pair(2, p.value.size()); },
                       [](const Prefix& p) { return std::pair(2, p.value.size()); },
                       [](const Present&) { return std::pair(3, std::size_t{0}); },
                   },
                   pattern);
    const auto found = std::pair(kind, -static_cast<long>(length));
    if (found < std::pair(s.kind, s.length)) std::tie(s.kind, s.length) = found;
  };
  std::visit(Overloaded{
                 [&](const PathMatch& m) {
                   for (const Pattern& pattern : m.any_of) path(pattern);
                 },
                 [&](const MethodMatch&) { --s.others; },
                 [&](const HeaderMatch&) { --s.others; },
                 [&](const QueryMatch&) { --s.others; },
                 [](const auto&) {},
             },
             *condition.matcher);
}

Specificity SpecificityOf(const RouteRule& rule) {
  Specificity s;
  s.otherwise = rule.otherwise ? 1 : 0;
  Measure(rule.match, s);
  return s;
}

class Expander {
 public:
  explicit Expander(Lowering& l) : l_(l) {}

  // Whether some delegation names or selects the table, be it one that is refused.
  [[nodiscard]] bool IsNamed(TableId id) const { return named_.contains(id); }

  std::vector<RouteRule> Root(TableId id) {
    added_ = 0;
    return Rules(id, {});
  }

 private:
  std::vector<RouteRule> Rules(TableId id, const Inherited& inherited) {
    const dsl::RouteDecl& decl = l_.program.routes[id.index()];
    const Table& table = l_.model[id];
    const int level = static_cast<int>(inherited.path.size()) * kRanksPerLevel;
    std::vector<RouteRule> rules;
    for (std::size_t i = 0; i < decl.rules.size(); ++i) {
      const dsl::RouteRule& rule = decl.rules[i];
      if (rule.otherwise && i + 1 < decl.rules.size()) {
        Diagnostic& d = l_.diagnostics.Error(codes::kOtherwiseNotLast, rule.span,
                                             "`otherwise` hides the rules behind it");
        d.related.push_back({decl.rules[i + 1].span, "cannot be reached"});
      }
      std::vector<RankedItem> items = inherited.items;
      for (const dsl::Item& item : decl.items) items.push_back({&item, kRankTable + level});
      for (const dsl::Item& item : rule.items) items.push_back({&item, kRankOwn + level});
      Labels labels = inherited.labels;
      for (const Labels& more : {table.labels, ToLabels(rule.labels)}) {
        for (const auto& [key, value] : more) labels[key] = value;
      }
      AddPolicies(l_, dsl::PolicyDecl::On::kRoutes,
                  {rule.name ? rule.name->value : table.name, table.workspace, "", labels}, items,
                  level);
      if (const auto* delegate = std::get_if<dsl::DelegateAction>(&rule.action)) {
        Delegate(id, rule, *delegate,
                 {.match = inherited.match,
                  .via = inherited.via,
                  .items = std::move(items),
                  .labels = std::move(labels),
                  .path = inherited.path},
                 rules);
      } else {
        RouteRule lowered = LowerRule(l_, rule, table, items);
        Narrow(lowered, id, inherited);
        if (!inherited.path.empty()) ++added_;
        rules.push_back(std::move(lowered));
      }
    }
    return rules;
  }

  static void Narrow(RouteRule& rule, TableId from, const Inherited& inherited) {
    rule.from = from;
    rule.via = inherited.via;
    if (inherited.match.kind == Condition::Kind::kTrue) return;
    rule.match = Condition::And({inherited.match, std::move(rule.match)});
    rule.otherwise = false;
  }

  // The tables a delegation names or selects, in their order.
  std::vector<TableId> Tables(TableId from, const dsl::DelegateAction& delegate) {
    std::vector<TableId> ids;
    AddTables(from, delegate.tables, ids);
    for (const dsl::Selection& selection : delegate.more) AddTables(from, selection, ids);
    std::stable_sort(ids.begin(), ids.end(),
                     [&](TableId a, TableId b) { return l_.model[a].weight > l_.model[b].weight; });
    return ids;
  }

  void AddTables(TableId from, const dsl::Selection& selection, std::vector<TableId>& ids) {
    const Table& parent = l_.model[from];
    const auto add = [&](TableId id) {
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    };
    for (const dsl::QName& name : selection.names) {
      const TableId id = Named(parent, name);
      if (!id.IsNone()) add(id);
    }
    if (!selection.names.empty()) return;
    std::vector<std::uint32_t> by_name(l_.model.tables.size());
    std::iota(by_name.begin(), by_name.end(), 0U);
    std::sort(by_name.begin(), by_name.end(), [&](std::uint32_t a, std::uint32_t b) {
      const Table& x = l_.model.tables[a];
      const Table& y = l_.model.tables[b];
      return std::tie(x.workspace, x.name) < std::tie(y.workspace, y.name);
    });
    for (const std::uint32_t i : by_name) {
      const Table& table = l_.model.tables[i];
      const std::string& workspace = l_.NameOf(table.workspace);
      if (TableId{i} == from || table.root || !Shared(parent, table)) continue;
      if (selection.workspace && workspace != selection.workspace->value) continue;
      if (Selects(ToLabels(selection.labels), table.labels)) add({i});
    }
  }

  [[nodiscard]] static bool Shared(const Table& parent, const Table& table) {
    return table.workspace == parent.workspace ||
           std::any_of(table.grants.begin(), table.grants.end(),
                       [&](const Grant& grant) { return grant.to == parent.workspace; });
  }

  TableId Named(const Table& parent, const dsl::QName& name) {
    WorkspaceId workspace = parent.workspace;
    if (name.parts.size() > 1) workspace = l_.Workspace(name.parts.front());
    const auto at = l_.tables.find({workspace, name.parts.back().value});
    if (at == l_.tables.end()) {
      std::vector<std::string> names;
      for (const auto& [key, id] : l_.tables) {
        names.push_back(key.first == parent.workspace ? key.second
                                                      : l_.NameOf(key.first) + "." + key.second);
      }
      Diagnostic& d = l_.diagnostics.Error(codes::kUnknownTable, name.span,
                                           "there is no table `" + name.Text() + "`");
      const std::string near = NearestName(name.Text(), names);
      if (!near.empty()) {
        d.help = "did you mean `" + near + "`?";
        d.edit = Edit{name.span, near};
      }
      return {};
    }
    const Table& table = l_.model[at->second];
    named_.insert(at->second);
    if (Shared(parent, table)) return at->second;
    Diagnostic& d =
        l_.diagnostics.Error(codes::kTableNotShared, name.span,
                             "`" + l_.NameOf(table.workspace) + "` does not export table `" +
                                 table.name + "` to `" + l_.NameOf(parent.workspace) + "`");
    d.related.push_back({table.span, "the table"});
    return {};
  }

  // `below` already has what the rule itself passes on, besides its match and its place.
  void Delegate(TableId from, const dsl::RouteRule& rule, const dsl::DelegateAction& delegate,
                Inherited below, std::vector<RouteRule>& rules) {
    below.match = Condition::And({below.match, MatchOf(l_, rule, l_.model[from].workspace)});
    below.via.push_back(rule.span);
    below.path.push_back(from);
    const std::size_t errors = l_.diagnostics.errors();
    std::vector<RouteRule> children;
    bool any = false;
    for (const TableId id : Tables(from, delegate)) {
      any = true;
      named_.insert(id);
      if (std::find(below.path.begin(), below.path.end(), id) != below.path.end()) {
        l_.diagnostics.Error(codes::kDelegationCycle, rule.action_span,
                             "delegation comes back to table `" + l_.model[id].name + "`");
        continue;
      }
      if (below.path.size() > kMostLevels || added_ >= kMostRules) {
        ReportLarge(below);
        break;
      }
      for (RouteRule& child : Rules(id, below)) children.push_back(std::move(child));
    }
    if (!any && l_.diagnostics.errors() == errors) Replace(from, rule, below, children);
    if (delegate.by_specificity) {
      std::stable_sort(children.begin(), children.end(), [](const auto& a, const auto& b) {
        return SpecificityOf(a) < SpecificityOf(b);
      });
    }
    for (RouteRule& child : children) rules.push_back(std::move(child));
  }

  // Once for a route: every level of it would say the same.
  void ReportLarge(const Inherited& below) {
    const Table& root = l_.model[below.path.front()];
    l_.diagnostics.Error(
        codes::kDelegationTooLarge, root.span,
        below.path.size() > kMostLevels
            ? "the tables of route `" + root.name + "` delegate more than 16 times in a row"
            : "with the tables it delegates to, route `" + root.name +
                  "` has more than 50000 rules");
  }

  // Nothing to delegate to: the rule answers 500, or is left out, as the table says.
  void Replace(TableId from, const dsl::RouteRule& rule, const Inherited& below,
               std::vector<RouteRule>& rules) {
    l_.diagnostics.Warning(codes::kNothingDelegated, rule.action_span,
                           "this delegates to no table");
    if (l_.model[from].on_invalid == OnInvalid::kFreeze) return;
    RouteRule answer{.labels = {},
                     .match = Condition::True(),
                     .action = Respond{500, ""},
                     .action_span = rule.action_span,
                     .modifiers = {},
                     .span = rule.span};
    Narrow(answer, from, below);
    rules.push_back(std::move(answer));
  }

  Lowering& l_;
  std::set<TableId> named_;
  std::size_t added_ = 0;  // rules of tables below the root that is expanded
};

}  // namespace

void LowerRules(Lowering& l) {
  Expander expander(l);
  for (std::uint32_t i = 0; i < l.model.tables.size(); ++i) {
    if (!l.model.tables[i].root) continue;
    l.model.tables[i].rules = expander.Root({i});
    WarnRedirects(l, l.model.tables[i]);
  }
  for (std::uint32_t i = 0; i < l.model.tables.size(); ++i) {
    const Table& table = l.model.tables[i];
    if (table.root || expander.IsNamed({i}) || l.program.routes[i].rules.empty()) continue;
    // Checked for itself; nothing sends requests to it yet.
    (void)expander.Root({i});
    l.diagnostics.Warning(codes::kNothingSelected, table.span,
                          "no route delegates to table `" + table.name + "`");
  }
}

}  // namespace weft::engine
