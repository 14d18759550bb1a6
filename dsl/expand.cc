// `Load`: names of templates and predicates, and their expansion; modules stand in dsl/modules.cc.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "dsl/codes.h"
#include "dsl/items_check.h"
#include "dsl/modules.h"
#include "dsl/overloaded.h"
#include "dsl/parse.h"
#include "dsl/readers.h"

namespace weft::dsl {
namespace {

constexpr int kMaxExpansion = 32;

template <typename T>
void MoveInto(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void Merge(Program& to, Program from) {
  MoveInto(to.meshes, from.meshes);
  MoveInto(to.clusters, from.clusters);
  MoveInto(to.workspaces, from.workspaces);
  MoveInto(to.gateways, from.gateways);
  MoveInto(to.services, from.services);
  MoveInto(to.externals, from.externals);
  MoveInto(to.destinations, from.destinations);
  MoveInto(to.routes, from.routes);
  MoveInto(to.accesses, from.accesses);
  MoveInto(to.limits, from.limits);
  MoveInto(to.predicates, from.predicates);
  MoveInto(to.policies, from.policies);
  MoveInto(to.uses, from.uses);
  MoveInto(to.jwts, from.jwts);
  MoveInto(to.authorizers, from.authorizers);
  MoveInto(to.limiters, from.limiters);
  MoveInto(to.limit_trees, from.limit_trees);
  MoveInto(to.counters, from.counters);
  MoveInto(to.trusts, from.trusts);
  MoveInto(to.lifecycles, from.lifecycles);
  MoveInto(to.workloads, from.workloads);
  MoveInto(to.raws, from.raws);
  MoveInto(to.tests, from.tests);
  MoveInto(to.proves, from.proves);
}

// ---- expansion

bool HasType(const Value& value, Parameter::Type type) {
  switch (type) {
    case Parameter::Type::kDuration:
      return std::holds_alternative<Duration>(value);
    case Parameter::Type::kPercent:
      return std::holds_alternative<Percent>(value);
    case Parameter::Type::kNumber:
      return std::holds_alternative<Number>(value);
    case Parameter::Type::kString:
      return std::holds_alternative<Str>(value);
    case Parameter::Type::kStrings:
      return std::holds_alternative<std::vector<Str>>(value);
    case Parameter::Type::kService:
      return std::holds_alternative<QName>(value);
  }
  return false;
}

std::string_view TypeName(Parameter::Type type) {
  switch (type) {
    case Parameter::Type::kDuration:
      return "a duration";
    case Parameter::Type::kPercent:
      return "a percentage";
    case Parameter::Type::kNumber:
      return "a number";
    case Parameter::Type::kString:
      return "a string";
    case Parameter::Type::kStrings:
      return "a list of strings";
    case Parameter::Type::kService:
      return "a service";
  }
  return "";
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
    for (Item& item : items) Append(std::move(item), owner, {}, expanded);
    items = std::move(expanded);
  }

  void ExpandCondition(Condition& condition, const std::string& owner) {
    for (Condition& child : condition.children) ExpandCondition(child, owner);
    if (!condition.matcher) return;
    const auto* ref = std::get_if<PredicateRef>(&*condition.matcher);
    if (ref == nullptr) return;
    const std::string name = ref->name.Text();
    const PredicateDecl* predicate = FindPredicate(name, owner, ref->name.span.file);
    if (predicate == nullptr) {
      ReportUnknown("condition or predicate", ref->name,
                    PredicateNames(owner, ref->name.span.file));
      condition.matcher = MethodIn{};
      return;
    }
    if (std::find(open_predicates_.begin(), open_predicates_.end(), predicate) !=
        open_predicates_.end()) {
      diagnostics_.Error(codes::kExpansionCycle, ref->name.span,
                         "predicate `" + name + "` is defined by itself");
      condition.matcher = MethodIn{};
      return;
    }
    open_predicates_.push_back(predicate);
    Condition body = predicate->condition;
    ExpandCondition(body, predicate->header.owner);
    open_predicates_.pop_back();
    body.span = condition.span;
    condition = std::move(body);
  }

 private:
  using Key = std::pair<std::string, std::string>;

  void Append(Item item, const std::string& owner, std::vector<const PolicyDecl*> open,
              std::vector<Item>& out) {
    auto* use = std::get_if<TemplateUse>(&item.value);
    if (use == nullptr) {
      ExpandInside(item, owner);
      out.push_back(std::move(item));
      return;
    }
    const PolicyDecl* policy = FindTemplate(use->name, owner);
    if (policy == nullptr) {
      std::vector<std::string> names = ItemWords();
      for (const auto& [key, decl] : templates_) {
        if (key.first.empty() || key.first == owner) names.push_back(key.second);
      }
      for (std::string& name : modules_.NamesIn(use->name.span.file)) {
        names.push_back(std::move(name));
      }
      ReportUnknown("item or policy template", use->name, names);
      return;
    }
    if (std::find(open.begin(), open.end(), policy) != open.end() || open.size() >= kMaxExpansion) {
      diagnostics_.Error(codes::kExpansionCycle, use->name.span,
                         "policy template `" + use->name.Text() + "` is made of itself");
      return;
    }
    ParameterBindings bindings;
    if (!Bind(*policy, *use, bindings)) return;
    open.push_back(policy);
    for (Item& inner :
         ReadBody(*policy->syntax, policy->body_begin, policy->body_end, bindings, diagnostics_)) {
      inner.via = item.via;
      inner.via.push_back(item.span);
      inner.override_ = inner.override_ || item.override_;
      if (item.priority) inner.priority = item.priority;
      Append(std::move(inner), policy->header.owner, open, out);
    }
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

  bool Bind(const PolicyDecl& policy, const TemplateUse& use, ParameterBindings& bindings) {
    std::size_t position = 0;
    bool fine = true;
    for (const TemplateUse::Argument& argument : use.arguments) {
      const Parameter* parameter = nullptr;
      if (argument.name) {
        for (const Parameter& p : policy.parameters) {
          if (p.name.value == argument.name->value) parameter = &p;
        }
      } else if (position < policy.parameters.size()) {
        parameter = &policy.parameters[position++];
      }
      if (parameter == nullptr) {
        diagnostics_.Error(codes::kBadArgument, argument.span,
                           argument.name
                               ? "`" + policy.header.name.value + "` has no parameter `" +
                                     argument.name->value + "`"
                               : "`" + policy.header.name.value + "` takes " +
                                     std::to_string(policy.parameters.size()) + " arguments");
        fine = false;
      } else if (!HasType(argument.value, parameter->type)) {
        Diagnostic& d = diagnostics_.Error(codes::kBadArgument, argument.span,
                                           "parameter `" + parameter->name.value + "` takes " +
                                               std::string(TypeName(parameter->type)) +
                                               ", found something else");
        d.related.push_back({parameter->name.span, "declared here"});
        fine = false;
      } else {
        bindings[parameter->name.value] = argument.value;
      }
    }
    for (const Parameter& parameter : policy.parameters) {
      if (bindings.contains(parameter.name.value)) continue;
      if (parameter.fallback) {
        bindings[parameter.name.value] = *parameter.fallback;
      } else if (fine) {
        diagnostics_.Error(codes::kBadArgument, use.name.span,
                           "argument `" + parameter.name.value + "` is missing");
        fine = false;
      }
    }
    return fine;
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
    const std::string near = NearestName(name.Text(), candidates);
    if (near.empty()) return;
    d.help = "did you mean `" + near + "`?";
    d.edit = Edit{name.span, near};
  }

  const Modules& modules_;
  Diagnostics& diagnostics_;
  std::map<Key, const PolicyDecl*> templates_;
  std::map<Key, const PredicateDecl*> predicates_;
  std::vector<const PredicateDecl*> open_predicates_;
};

void ExpandProgram(Program& program, Expander& expander) {
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
}

// ---- duplicates

template <typename T>
void CheckDuplicates(const std::vector<T>& declarations, std::string_view kind,
                     Diagnostics& diagnostics) {
  std::map<std::pair<std::string, std::string>, Span> seen;
  for (const T& declaration : declarations) {
    const Header& header = declaration.header;
    const auto [first, inserted] =
        seen.try_emplace({header.owner, header.name.value}, header.name.span);
    if (inserted) continue;
    Diagnostic& d =
        diagnostics.Error(codes::kDuplicate, header.name.span,
                          std::string(kind) + " `" + header.name.value + "` is declared twice");
    d.related.push_back({first->second, "first declared here"});
  }
}

void CheckAllDuplicates(const Program& program, Diagnostics& diagnostics) {
  CheckDuplicates(program.clusters, "cluster", diagnostics);
  CheckDuplicates(program.workspaces, "workspace", diagnostics);
  CheckDuplicates(program.gateways, "gateway", diagnostics);
  CheckDuplicates(program.services, "service", diagnostics);
  CheckDuplicates(program.externals, "external", diagnostics);
  CheckDuplicates(program.destinations, "destination", diagnostics);
  CheckDuplicates(program.routes, "route", diagnostics);
  CheckDuplicates(program.predicates, "predicate", diagnostics);
  CheckDuplicates(program.policies, "policy", diagnostics);
  CheckDuplicates(program.jwts, "jwt", diagnostics);
  CheckDuplicates(program.authorizers, "authorizer", diagnostics);
  CheckDuplicates(program.limiters, "limiter", diagnostics);
  CheckDuplicates(program.limit_trees, "limits", diagnostics);
  CheckDuplicates(program.counters, "counter", diagnostics);
  CheckDuplicates(program.trusts, "trust root", diagnostics);
  CheckDuplicates(program.workloads, "workload", diagnostics);
  std::set<std::string> names;
  Span first;
  for (const MeshDecl& mesh : program.meshes) {
    if (names.insert(mesh.header.name.value).second && names.size() > 1) {
      diagnostics
          .Error(codes::kDuplicate, mesh.header.name.span,
                 "mesh `" + mesh.header.name.value + "` stands beside another mesh")
          .related.push_back({first, "the other is named here"});
    }
    if (!first.IsKnown()) first = mesh.header.name.span;
  }
}

}  // namespace

Program Load(const std::vector<const Source*>& sources, const SourceLoader& loader,
             Diagnostics& diagnostics) {
  Program program;
  for (const Source* source : sources) Merge(program, Parse(*source, diagnostics));
  Modules modules(loader, diagnostics);
  modules.Resolve(program.uses);
  CheckAllDuplicates(program, diagnostics);
  Expander expander(program, modules, diagnostics);
  ExpandProgram(program, expander);
  for (JwtDecl& jwt : modules.ImportedProviders()) program.jwts.push_back(std::move(jwt));
  CheckItems(program, diagnostics);
  return program;
}

}  // namespace weft::dsl
