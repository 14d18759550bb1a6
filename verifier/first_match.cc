#include "verifier/first_match.h"

#include <algorithm>
#include <numeric>

#include "dsl/overloaded.h"
#include "engine/match.h"

namespace weft::verifier {
namespace {

using engine::Condition;
using engine::RouteRule;

// ---- how paths begin

// The text every match of the expression begins with; a part of it where that is hard to see.
std::string BeginningOf(const Regex& regex) {
  if (regex.value.find('|') != std::string::npos) return "";
  const std::size_t end = regex.value.find_first_of("\\^$.[(){}?*+");
  std::string text = regex.value.substr(0, end);
  const bool repeats = end != std::string::npos &&
                       std::string_view("?*{").find(regex.value[end]) != std::string::npos;
  if (repeats && !text.empty()) text.pop_back();
  return text;
}

std::string BeginningOf(const Pattern& pattern) {
  return std::visit(Overloaded{
                        [](const Exact& p) { return p.value; },
                        [](const Under& p) { return p.value; },
                        [](const Prefix& p) { return p.value; },
                        [](const Suffix&) { return std::string(); },
                        [](const Template& p) { return p.value.substr(0, p.value.find('*')); },
                        [](const Regex& p) { return BeginningOf(p); },
                        [](const Present&) { return std::string(); },
                    },
                    pattern);
}

// Every path for which the condition can hold begins with one of these.
std::vector<std::string> BeginningsOf(const Condition& condition) {
  std::vector<std::string> found;
  switch (condition.kind) {
    case Condition::Kind::kFalse:
      return {};
    case Condition::Kind::kTrue:
    case Condition::Kind::kNot:
      return {""};
    case Condition::Kind::kMatcher: {
      const auto* paths = std::get_if<engine::PathMatch>(&*condition.matcher);
      if (paths == nullptr) return {""};
      for (const Pattern& pattern : paths->any_of) found.push_back(BeginningOf(pattern));
      return found;
    }
    case Condition::Kind::kOr:
      for (const Condition& child : condition.children) {
        const std::vector<std::string> more = BeginningsOf(child);
        found.insert(found.end(), more.begin(), more.end());
      }
      return found;
    case Condition::Kind::kAnd:
      break;
  }
  // The part that says most about the path.
  std::size_t best = 0;
  found = {""};
  for (const Condition& child : condition.children) {
    std::vector<std::string> here = BeginningsOf(child);
    std::size_t shortest = std::string::npos;
    for (const std::string& text : here) shortest = std::min(shortest, text.size());
    if (shortest <= best) continue;
    best = shortest;
    found = std::move(here);
  }
  return found;
}

// ---- questions about one site

Taken AsTaken(const Site& site, const Found& found) {
  Taken taken{found.verdict, std::nullopt, found.reason};
  if (found.Sat()) taken.request = RequestAt(site, found);
  return taken;
}

// Those of `takers` that leave nothing of `what`, by their numbers.
std::vector<std::size_t> Fewest(Solver& solver, const Study& study, FormulaId what,
                                const std::vector<FormulaId>& takers) {
  const auto covered = [&](const std::vector<std::size_t>& by) {
    std::vector<FormulaId> all{what};
    for (const std::size_t j : by) all.push_back(study.formulas->Not(takers[j]));
    return Ask(solver, study, study.formulas->And(std::move(all))).verdict == Verdict::kUnsat;
  };
  if (covered({})) return {};
  for (std::size_t j = 0; j < takers.size(); ++j) {
    if (covered({j})) return {j};
  }
  std::vector<std::size_t> needed(takers.size());
  std::iota(needed.begin(), needed.end(), std::size_t{0});
  for (std::size_t k = needed.size(); k-- > 0;) {
    std::vector<std::size_t> fewer = needed;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(k));
    if (covered(fewer)) needed = std::move(fewer);
  }
  return needed;
}

// Parts of the study: the region, then for every rule its match and whether it is served.
class Together final : public FirstMatch {
 public:
  Together(Work& work, const Site& site)
      : work_(work),
        site_(site),
        study_(Prepare(work.atlas, nullptr, [&](Space& space, Formulas& formulas) {
          std::vector<FormulaId> parts{Region(space, formulas, site)};
          for (const RouteRule* rule : site.rules) {
            parts.push_back(MatchesAt(space, site, *rule));
            parts.push_back(ServedBy(space, formulas, work.model, site, *rule));
          }
          return parts;
        })) {}

  [[nodiscard]] std::optional<std::string> Undecidable() const override {
    if (study_.decidable) return std::nullopt;
    return study_.reason;
  }

  [[nodiscard]] Taken Decides(std::size_t rule, bool served) override {
    std::vector<FormulaId> all{study_.parts[0]};
    for (std::size_t i = 0; i < rule; ++i) all.push_back(study_.formulas->Not(MatchOf(i)));
    all.push_back(MatchOf(rule));
    if (served) all.push_back(study_.parts[2 + 2 * rule]);
    return Answer(std::move(all));
  }

  [[nodiscard]] std::vector<std::size_t> Takers(std::size_t rule) override {
    std::vector<FormulaId> earlier;
    for (std::size_t i = 0; i < rule; ++i) earlier.push_back(MatchOf(i));
    return Fewest(work_.solver, study_, study_.formulas->And({study_.parts[0], MatchOf(rule)}),
                  earlier);
  }

  [[nodiscard]] Taken Both(std::size_t one, std::size_t other) override {
    return Answer({study_.parts[0], MatchOf(one), MatchOf(other)});
  }

  [[nodiscard]] std::vector<std::size_t> MayMeet(std::size_t rule) const override {
    std::vector<std::size_t> later(site_.rules.size() - rule - 1);
    std::iota(later.begin(), later.end(), rule + 1);
    return later;
  }

 private:
  [[nodiscard]] FormulaId MatchOf(std::size_t rule) const { return study_.parts[1 + 2 * rule]; }
  [[nodiscard]] Taken Answer(std::vector<FormulaId> all) {
    return AsTaken(site_, Ask(work_.solver, study_, study_.formulas->And(std::move(all))));
  }

  Work& work_;
  const Site& site_;
  Study study_;
};

// Each answer is tried on the rules themselves. Where an earlier rule takes it, that rule joins the
// question, and it is asked again: an answer that stays is one of all rules, and so is that there
// is none.
class OneByOne final : public FirstMatch {
 public:
  OneByOne(Work& work, const Site& site) : work_(work), site_(site), index_(work.model, site) {}

  [[nodiscard]] Taken Decides(std::size_t rule, bool served) override {
    std::vector<std::size_t>& takers = takers_[rule];
    for (;;) {
      const Study study = StudyOf(rule, served, takers);
      if (!study.decidable) return {Verdict::kUnknown, std::nullopt, study.reason};
      std::vector<FormulaId> all{study.parts[0]};
      for (std::size_t i = 1; i < study.parts.size(); ++i) {
        all.push_back(study.formulas->Not(study.parts[i]));
      }
      Taken taken = AsTaken(site_, Ask(work_.solver, study, study.formulas->And(std::move(all))));
      if (!taken.Sat()) return taken;
      const std::size_t first = index_.First(*taken.request);
      if (first == rule) return taken;
      const bool known = std::find(takers.begin(), takers.end(), first) != takers.end();
      if (first > rule || known) {
        return {Verdict::kUnknown, std::nullopt, "the evaluator sees the rule otherwise"};
      }
      if (takers.size() == kMostTakers) {
        return {Verdict::kUnknown, std::nullopt, "too many rules take parts of what it matches"};
      }
      takers.push_back(first);
    }
  }

  [[nodiscard]] std::vector<std::size_t> Takers(std::size_t rule) override {
    std::vector<std::size_t> takers = takers_[rule];
    std::sort(takers.begin(), takers.end());
    const Study study = StudyOf(rule, false, takers);
    if (!study.decidable) return {};
    const std::vector<FormulaId> matches(study.parts.begin() + 1, study.parts.end());
    std::vector<std::size_t> needed;
    for (const std::size_t at : Fewest(work_.solver, study, study.parts[0], matches)) {
      needed.push_back(takers[at]);
    }
    return needed;
  }

  [[nodiscard]] Taken Both(std::size_t one, std::size_t other) override {
    const Study study = Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      return std::vector<FormulaId>{
          formulas.And({Region(space, formulas, site_), MatchesAt(space, site_, *site_.rules[one]),
                        MatchesAt(space, site_, *site_.rules[other])})};
    });
    if (!study.decidable) return {Verdict::kUnknown, std::nullopt, study.reason};
    return AsTaken(site_, Ask(work_.solver, study, study.parts[0]));
  }

  [[nodiscard]] std::vector<std::size_t> MayMeet(std::size_t rule) const override {
    return index_.MayMeet(rule);
  }

 private:
  static constexpr std::size_t kMostTakers = 200;

  // Parts: what the rule matches here, and is served where that is asked; then what each taker
  // matches.
  [[nodiscard]] Study StudyOf(std::size_t rule, bool served,
                              const std::vector<std::size_t>& takers) const {
    return Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      const RouteRule& own = *site_.rules[rule];
      std::vector<FormulaId> here{Region(space, formulas, site_), MatchesAt(space, site_, own)};
      if (served) here.push_back(ServedBy(space, formulas, work_.model, site_, own));
      std::vector<FormulaId> parts{formulas.And(std::move(here))};
      for (const std::size_t taker : takers) {
        parts.push_back(MatchesAt(space, site_, *site_.rules[taker]));
      }
      return parts;
    });
  }

  Work& work_;
  const Site& site_;
  RuleIndex index_;
  std::map<std::size_t, std::vector<std::size_t>> takers_;  // seen so far, of each rule
};

}  // namespace

RuleIndex::RuleIndex(const engine::Model& model, const Site& site) : model_(model), site_(site) {
  beginnings_.reserve(site.rules.size());
  for (std::size_t i = 0; i < site.rules.size(); ++i) {
    beginnings_.push_back(BeginningsOf(site.rules[i]->match));
    for (const std::string& beginning : beginnings_.back()) rules_[beginning].push_back(i);
  }
}

void RuleIndex::AddAt(std::string_view beginning, std::vector<std::size_t>& rules) const {
  const auto at = rules_.find(beginning);
  if (at != rules_.end()) rules.insert(rules.end(), at->second.begin(), at->second.end());
}

std::size_t RuleIndex::First(const engine::Request& request) const {
  std::vector<std::size_t> candidates;
  for (std::size_t length = 0; length <= request.path.size(); ++length) {
    AddAt(std::string_view(request.path).substr(0, length), candidates);
  }
  std::sort(candidates.begin(), candidates.end());
  for (const std::size_t rule : candidates) {
    if (engine::Holds(model_, site_.rules[rule]->match, request, site_.peer)) return rule;
  }
  return site_.rules.size();
}

std::vector<std::size_t> RuleIndex::MayMeet(std::size_t rule) const {
  std::vector<std::size_t> found;
  for (const std::string& beginning : beginnings_[rule]) {
    for (std::size_t length = 0; length < beginning.size(); ++length) {
      AddAt(std::string_view(beginning).substr(0, length), found);
    }
    for (auto at = rules_.lower_bound(beginning);
         at != rules_.end() && at->first.starts_with(beginning); ++at) {
      found.insert(found.end(), at->second.begin(), at->second.end());
    }
  }
  std::erase_if(found, [&](std::size_t other) { return other <= rule; });
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::unique_ptr<FirstMatch> RulesOf(Work& work, const Site& site) {
  if (site.rules.size() > work.options.rules_together) return EachRuleOf(work, site);
  return std::make_unique<Together>(work, site);
}

std::unique_ptr<FirstMatch> EachRuleOf(Work& work, const Site& site) {
  return std::make_unique<OneByOne>(work, site);
}

}  // namespace weft::verifier
