#include "dsl/expand.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "dsl/arguments.h"
#include "dsl/codes.h"
#include "dsl/items_check.h"
#include "dsl/readers.h"

namespace weft::dsl {
namespace {

// What a policy may become when its predicates and templates are written out.
constexpr std::size_t kMostParts = 10'000;     // of one condition
constexpr std::size_t kMostAdded = 1'000'000;  // parts that predicates add, in the whole policy
constexpr int kMostLevels = 128;               // of one condition
constexpr std::size_t kMostNested = 32;        // predicates or templates inside one another
constexpr std::size_t kMostItems = 1'000;      // of one block
constexpr std::size_t kMostAddedItems = 200'000;

bool HasDeclarations(const Program& program) {
  return !program.accesses.empty() || !program.jwts.empty() || !program.authorizers.empty() ||
         !program.limiters.empty() || !program.tests.empty() || !program.proves.empty();
}

// What a template declares stands where it is applied.
template <typename T>
void StandAt(Span span, std::vector<T>& declarations) {
  for (T& declaration : declarations) declaration.header.span = span;
}

class Expander {
 public:
  Expander(Program& program, const Modules& modules, Diagnostics& diagnostics)
      : modules_(modules), diagnostics_(diagnostics) {
    for (const PolicyDecl& policy : program.policies) {
      if (policy.on != PolicyDecl::On::kTemplate) continue;
      templates_[{policy.header.owner, policy.header.name.value}] = &policy;
    }
    for (const PredicateDecl& predicate : program.predicates) {
      predicates_[{predicate.header.owner, predicate.header.name.value}] = &predicate;
    }
  }

  // Expands template uses in place and predicates inside items.
  void ExpandItems(std::vector<Item>& items, const std::string& owner) {
    std::vector<Item> expanded;
    for (Item& item : items) {
      const Span span = item.span;
      const std::size_t limit = expanded.size() + kMostItems;
      if (!Append(std::move(item), owner, {}, limit, expanded)) {
        ReportLarge(span, "this is more than 1000 items when it is written out");
      }
    }
    items = std::move(expanded);
  }

  void ExpandCondition(Condition& condition, const std::string& owner) {
    Extent extent;
    Expand(condition, owner, 1, extent);
    if (extent.refused) return;
    if (extent.parts > kMostParts) {
      ReportLarge(condition.span, "the condition has more than 10000 parts when it is written out");
    } else if (extent.levels > kMostLevels) {
      ReportLarge(condition.span,
                  "the condition nests deeper than 128 levels when it is written out");
    }
  }

  // Adds the declarations of the template to `made`.
  void Apply(const ApplyDecl& apply, Program& made) {
    const PolicyDecl* policy = FindTemplate(apply.use.name, apply.header.owner);
    if (policy == nullptr) {
      ReportUnknown("policy template", apply.use.name,
                    TemplateNames(apply.use.name, apply.header.owner));
      return;
    }
    used_.insert(policy);
    ParameterBindings bindings;
    if (!BindArguments(*policy, apply.use, bindings, diagnostics_)) return;
    Diagnostics found;
    TemplateBody body = ReadBody(*policy->syntax, policy->body_begin, policy->body_end, bindings,
                                 {apply.header.owner, apply.header.owner_span}, found);
    for (Diagnostic d : found.all()) {
      const bool here = d.span.file == apply.header.span.file;
      if (!here) d.related.push_back({apply.header.span, "applied here"});
      diagnostics_.Add(std::move(d));
    }
    if (!body.items.empty()) {
      diagnostics_
          .Error(codes::kMisplacedItem, apply.use.name.span,
                 "`" + apply.use.name.Text() + "` is made of items, not of declarations")
          .help = "write it in the block that it shapes";
    }
    StandAt(apply.header.span, body.declarations.accesses);
    StandAt(apply.header.span, body.declarations.jwts);
    StandAt(apply.header.span, body.declarations.authorizers);
    StandAt(apply.header.span, body.declarations.limiters);
    StandAt(apply.header.span, body.declarations.tests);
    StandAt(apply.header.span, body.declarations.proves);
    dsl::Append(made, std::move(body.declarations));
  }

  // What nothing uses is read as well, so that it is right when it is used.
  void CheckUnused(const Program& program) {
    for (const PredicateDecl& predicate : program.predicates) (void)KnownOf(predicate);
    for (const PolicyDecl& policy : program.policies) {
      if (policy.on == PolicyDecl::On::kTemplate && !used_.contains(&policy)) CheckTemplate(policy);
    }
  }

 private:
  using Key = std::pair<std::string, std::string>;

  // How large a condition is when its predicates are written out.
  struct Extent {
    std::size_t parts = 0;
    int levels = 0;
    bool refused = false;  // a part of it is too large or unknown, which is reported
    [[nodiscard]] bool TooLarge() const {
      return refused || parts > kMostParts || levels > kMostLevels;
    }
  };
  // A predicate with the predicates in it written out.
  struct Known {
    Condition condition;
    Extent extent;
  };

  void ReportLarge(Span span, std::string message) {
    diagnostics_.Error(codes::kExpansionTooLarge, span, std::move(message)).help =
        "split it into several rules";
  }

  // Writes predicates out in place. Stops as soon as the limits are passed.
  void Expand(Condition& condition, const std::string& owner, int level, Extent& extent) {
    ++extent.parts;
    extent.levels = std::max(extent.levels, level);
    for (Condition& child : condition.children) {
      if (extent.TooLarge()) return;
      Expand(child, owner, level + 1, extent);
    }
    const auto* ref = condition.matcher ? std::get_if<PredicateRef>(&*condition.matcher) : nullptr;
    if (ref == nullptr) return;
    const PredicateDecl* predicate = FindPredicate(ref->name.Text(), owner, ref->name.span.file);
    if (predicate == nullptr) {
      ReportUnknown("condition or predicate", ref->name,
                    PredicateNames(owner, ref->name.span.file));
    } else if (IsOpen(*predicate)) {
      diagnostics_.Error(codes::kExpansionCycle, ref->name.span,
                         "predicate `" + ref->name.Text() + "` is defined by itself");
    } else if (Replace(condition, KnownOf(*predicate), level, extent)) {
      return;
    }
    extent.refused = true;
    condition.matcher = MethodIn{};
  }

  // Puts the predicate in place of its name; false when it is too large for that.
  bool Replace(Condition& condition, const Known& known, int level, Extent& extent) {
    if (known.extent.refused) return false;
    extent.parts += known.extent.parts;
    extent.levels = std::max(extent.levels, level + known.extent.levels);
    added_ += known.extent.parts;
    if (extent.TooLarge()) return true;
    if (added_ > kMostAdded) {
      if (!overfull_) {
        ReportLarge(condition.span,
                    "the predicates of the policy have more than 1000000 parts when they are "
                    "written out");
      }
      overfull_ = true;
      return false;
    }
    const Span span = condition.span;
    condition = known.condition;
    condition.span = span;
    return true;
  }

  [[nodiscard]] bool IsOpen(const PredicateDecl& predicate) const {
    return std::find(open_predicates_.begin(), open_predicates_.end(), &predicate) !=
           open_predicates_.end();
  }

  const Known& KnownOf(const PredicateDecl& predicate) {
    const auto at = known_.find(&predicate);
    if (at != known_.end()) return at->second;
    Known known;
    if (open_predicates_.size() >= kMostNested) {
      ReportLarge(predicate.header.name.span, "predicates nest deeper than 32 levels");
      known.extent.refused = true;
    } else {
      open_predicates_.push_back(&predicate);
      known.condition = predicate.condition;
      Expand(known.condition, predicate.header.owner, 1, known.extent);
      open_predicates_.pop_back();
    }
    if (known.extent.TooLarge() && !known.extent.refused) {
      ReportLarge(predicate.header.name.span,
                  "predicate `" + predicate.header.name.value +
                      "` is too large when the predicates in it are written out");
      known.extent.refused = true;
    }
    return known_.emplace(&predicate, std::move(known)).first->second;
  }

  // Appends what the item stands for. False when that is too much, and nothing more is appended.
  bool Append(Item item, const std::string& owner, const std::vector<const PolicyDecl*>& open,
              std::size_t limit, std::vector<Item>& out) {
    auto* use = std::get_if<TemplateUse>(&item.value);
    if (use == nullptr) {
      if (out.size() >= limit || added_items_ >= kMostAddedItems) return false;
      if (!open.empty()) ++added_items_;
      ExpandInside(item, owner);
      out.push_back(std::move(item));
      return true;
    }
    const PolicyDecl* policy = FindTemplate(use->name, owner);
    if (policy == nullptr) {
      ReportUnknown("item or policy template", use->name, TemplateNames(use->name, owner));
      return true;
    }
    if (std::find(open.begin(), open.end(), policy) != open.end()) {
      diagnostics_.Error(codes::kExpansionCycle, use->name.span,
                         "policy template `" + use->name.Text() + "` is made of itself");
      return true;
    }
    used_.insert(policy);
    if (open.size() >= kMostNested || ++uses_ > kMostAddedItems) return false;
    ParameterBindings bindings;
    if (!BindArguments(*policy, *use, bindings, diagnostics_)) return true;
    std::vector<const PolicyDecl*> inside = open;
    inside.push_back(policy);
    TemplateBody body =
        ReadBody(*policy->syntax, policy->body_begin, policy->body_end, bindings, {}, diagnostics_);
    if (HasDeclarations(body.declarations)) {
      diagnostics_
          .Error(codes::kMisplacedItem, use->name.span,
                 "`" + use->name.Text() + "` is made of declarations, not of items")
          .help = "write `apply " + use->name.Text() + "…` between declarations";
      return true;
    }
    for (Item& inner : body.items) {
      inner.via = item.via;
      inner.via.push_back(item.span);
      inner.override_ = inner.override_ || item.override_;
      if (item.priority) inner.priority = item.priority;
      if (!Append(std::move(inner), policy->header.owner, inside, limit, out)) return false;
    }
    return true;
  }

  [[nodiscard]] std::vector<std::string> TemplateNames(const QName& name,
                                                       const std::string& owner) const {
    std::vector<std::string> names = ItemWords();
    for (const auto& [key, decl] : templates_) {
      if (key.first.empty() || key.first == owner) names.push_back(key.second);
    }
    for (std::string& more : modules_.NamesIn(name.span.file)) names.push_back(std::move(more));
    return names;
  }

  // A value of the type, for reading the body of a template that nobody uses.
  static Value AnyOf(const Parameter& parameter) {
    const Span span = parameter.name.span;
    switch (parameter.type) {
      case Parameter::Type::kDuration:
        return Duration{Millis(1000), span};
      case Parameter::Type::kPercent:
        return Percent{1, span};
      case Parameter::Type::kNumber:
        return Number{1, span};
      case Parameter::Type::kString:
        return Str{"/", span};
      case Parameter::Type::kStrings:
        return std::vector<Str>{{"/", span}};
      case Parameter::Type::kService:
      case Parameter::Type::kName:
        return QName{{parameter.name}, span};
    }
    return Number{1, span};
  }

  void CheckTemplate(const PolicyDecl& policy) {
    ParameterBindings bindings;
    std::set<Span> made_up;
    for (const Parameter& parameter : policy.parameters) {
      bindings[parameter.name.value] = AnyOf(parameter);
      made_up.insert(parameter.name.span);
    }
    Diagnostics found;
    TemplateBody body =
        ReadBody(*policy.syntax, policy.body_begin, policy.body_end, bindings, {}, found);
    for (const Diagnostic& d : found.all()) {
      if (!made_up.contains(d.span)) diagnostics_.Add(d);  // what is wrong with made-up values
    }
    std::vector<Item> expanded;
    for (Item& item : body.items) {
      (void)Append(std::move(item), policy.header.owner, {&policy}, kMostItems, expanded);
    }
    CheckRepeated(expanded, diagnostics_);
  }

  void ExpandInside(Item& item, const std::string& owner) {
    if (auto* limit = std::get_if<LimitItem>(&item.value)) {
      if (limit->when) ExpandCondition(*limit->when, owner);
    }
    if (auto* counted = std::get_if<CountedLimitItem>(&item.value)) {
      if (counted->when) ExpandCondition(*counted->when, owner);
    }
    if (auto* authorize = std::get_if<AuthorizeItem>(&item.value)) {
      if (authorize->when) ExpandCondition(*authorize->when, owner);
    }
  }

  const PolicyDecl* FindTemplate(const QName& name, const std::string& owner) const {
    const std::string& last = name.parts.back().value;
    if (name.parts.size() == 1) {
      for (const std::string& scope : {owner, std::string()}) {
        const auto at = templates_.find({scope, last});
        if (at != templates_.end()) return at->second;
      }
    }
    return modules_.Find<PolicyDecl>(name.span.file, last);
  }

  const PredicateDecl* FindPredicate(const std::string& name, const std::string& owner,
                                     FileId file) const {
    for (const std::string& scope : {owner, std::string()}) {
      const auto at = predicates_.find({scope, name});
      if (at != predicates_.end()) return at->second;
    }
    return modules_.Find<PredicateDecl>(file, name.substr(name.rfind('.') + 1));
  }

  std::vector<std::string> PredicateNames(const std::string& owner, FileId file) const {
    std::vector<std::string> names = {"method", "path",   "header", "query", "host",
                                      "port",   "source", "jwt",    "mtls"};
    for (const auto& [key, decl] : predicates_) {
      if (key.first.empty() || key.first == owner) names.push_back(key.second);
    }
    for (std::string& name : modules_.NamesIn(file)) names.push_back(std::move(name));
    return names;
  }

  void ReportUnknown(std::string_view what, const QName& name,
                     const std::vector<std::string>& candidates) {
    if (modules_.IsAbsent(name.span.file, name.Text())) return;
    // A module that uses itself offers nothing, which is reported.
    const auto& told = diagnostics_.all();
    if (std::any_of(told.begin(), told.end(),
                    [](const Diagnostic& d) { return d.number == codes::kModuleCycle.number; })) {
      return;
    }
    Diagnostic& d = diagnostics_.Error(codes::kUnknownTemplate, name.span,
                                       "unknown " + std::string(what) + " `" + name.Text() + "`");
    const std::string module = modules_.StandardModuleOf(name.Text());
    const std::string near = NearestName(name.Text(), candidates);
    if (!module.empty()) {
      d.help = "a module has it; say so at the beginning of this file: `use " + module + ".{" +
               name.Text() + "}`";
    } else if (!near.empty()) {
      d.help = "did you mean `" + near + "`?";
      d.edit = Edit{name.span, near};
    }
  }

  const Modules& modules_;
  Diagnostics& diagnostics_;
  std::map<Key, const PolicyDecl*> templates_;
  std::map<Key, const PredicateDecl*> predicates_;
  std::vector<const PredicateDecl*> open_predicates_;
  std::map<const PredicateDecl*, Known> known_;
  std::set<const PolicyDecl*> used_;
  std::size_t added_ = 0;        // parts that predicates added
  std::size_t added_items_ = 0;  // items that templates added
  std::size_t uses_ = 0;         // of templates
  bool overfull_ = false;
};

}  // namespace

void ExpandProgram(Program& program, const Modules& modules, Diagnostics& diagnostics) {
  Expander expander(program, modules, diagnostics);
  Program made;
  for (const ApplyDecl& apply : program.applies) expander.Apply(apply, made);
  Append(program, std::move(made));
  const auto condition = [&](std::optional<Condition>& when, const std::string& owner) {
    if (when) expander.ExpandCondition(*when, owner);
  };
  for (auto& d : program.gateways) expander.ExpandItems(d.items, d.header.owner);
  for (auto& d : program.services) {
    expander.ExpandItems(d.items, d.header.owner);
    for (SubsetDecl& subset : d.subsets) expander.ExpandItems(subset.items, d.header.owner);
  }
  for (auto& d : program.externals) expander.ExpandItems(d.items, d.header.owner);
  for (auto& d : program.destinations) expander.ExpandItems(d.items, d.header.owner);
  for (auto& d : program.routes) {
    expander.ExpandItems(d.items, d.header.owner);
    for (RouteRule& rule : d.rules) {
      condition(rule.when, d.header.owner);
      expander.ExpandItems(rule.items, d.header.owner);
    }
  }
  for (auto& d : program.accesses) {
    expander.ExpandItems(d.items, d.header.owner);
    for (AccessClause& clause : d.clauses) condition(clause.when, d.header.owner);
  }
  for (auto& d : program.limits) expander.ExpandItems(d.limits, d.header.owner);
  for (auto& d : program.policies) {
    if (d.on != PolicyDecl::On::kTemplate) expander.ExpandItems(d.items, d.header.owner);
  }
  for (auto& d : program.proves) condition(d.where, d.header.owner);
  expander.CheckUnused(program);
}

}  // namespace weft::dsl
