#include "verifier/change_cell.h"

#include <algorithm>
#include <map>
#include <set>

#include "dsl/overloaded.h"
#include "engine/model_text.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::Model;
using engine::RouteRule;

constexpr std::size_t kMostPairs = 2'000;  // of rules in one cell

std::string WeightText(double weight) {
  std::string text = std::to_string(weight);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + "% ";
}

std::string LabelsOf(const Model& model, const engine::Backend& backend) {
  const auto* service = std::get_if<engine::ServiceId>(&backend.service);
  if (service == nullptr || backend.subset.empty()) return "";
  for (const engine::Subset& subset : model[*service].subsets) {
    if (subset.name != backend.subset) continue;
    std::string text;
    for (const auto& [key, value] : subset.labels) {
      if (!text.empty()) text += ", ";
      text.append(key).append("=").append(value);
    }
    return "{" + text + "}";
  }
  return "." + backend.subset;
}

std::string TierText(const Model& model, const engine::Tier& tier) {
  std::string text;
  for (const engine::Backend& backend : tier.backends) {
    text += (text.empty() ? "" : " and ") +
            std::visit(Overloaded{
                           [&](engine::ServiceId id) {
                             return model[id].name + "." + model[id].ns + LabelsOf(model, backend) +
                                    " on " + model[backend.cluster].name;
                           },
                           [&](engine::ExternalId id) { return "external " + model[id].name; },
                       },
                       backend.service);
  }
  return text;
}

// Shares to the same backends count together.
void AddForwards(const Model& model, const Site& site, const std::vector<engine::Forward>& forwards,
                 Effect& effect) {
  std::map<std::pair<std::string, std::string>, double> shares;
  for (const engine::Forward& forward : forwards) {
    if (forward.weight <= 0) continue;
    const std::uint16_t port = engine::PortOf(model, forward, site.base, site.cluster);
    std::string first = "nothing that is ready";
    std::string later;
    if (engine::HasPort(model, forward.target, site.cluster, port)) {
      const auto tiers =
          engine::TiersOf(model, forward.target, forward.subset, site.sender, site.base);
      if (!tiers.empty()) first = TierText(model, tiers.front());
      for (std::size_t i = 1; i < tiers.size(); ++i) {
        later += (later.empty() ? "" : ", then ") + TierText(model, tiers[i]);
      }
      first += " port " + std::to_string(port);
    }
    shares[{first, later}] += forward.weight;
  }
  for (const auto& [where, weight] : shares) {
    const std::string share = shares.size() == 1 ? "" : WeightText(weight);
    effect.to += (effect.to.empty() ? "" : ", ") + share + where.first;
    if (!where.second.empty()) {
      effect.later += (effect.later.empty() ? "" : "; ") + where.second;
    }
  }
}

std::string AnswerText(const engine::Redirect& redirect) {
  std::string text = "redirect " + std::to_string(redirect.code) + " to ";
  if (redirect.https) text += "https://";
  text += redirect.host.empty() ? "the same host" : redirect.host;
  if (redirect.port) text += ":" + std::to_string(*redirect.port);
  return text + (redirect.path.empty() ? "" : " " + redirect.path);
}

std::string TimeoutText(const std::optional<engine::Millis>& time) {
  if (!time) return "the default timeout";
  return time->count() == 0 ? "no timeout" : "timeout " + DurationText(*time);
}

std::string RetriesText(const std::optional<engine::Retries>& retries) {
  if (!retries) return "the default retries";
  std::string text =
      std::to_string(retries->attempts) + (retries->attempts == 1 ? " attempt" : " attempts");
  if (retries->per_try) text += ", each within " + DurationText(*retries->per_try);
  for (std::size_t i = 0; i < retries->on.size(); ++i) {
    text += (i == 0 ? " on " : ", ") + retries->on[i];
  }
  return text + (retries->across_localities ? ", also in other localities" : "");
}

Effect EffectOf(const Model& model, const Site& site, const RouteRule& rule) {
  Effect effect;
  std::visit(Overloaded{
                 [&](const std::vector<engine::Forward>& forwards) {
                   AddForwards(model, site, forwards, effect);
                 },
                 [&](const engine::Redirect& redirect) { effect.to = AnswerText(redirect); },
                 [&](const engine::Respond& respond) {
                   effect.to = "respond " + std::to_string(respond.status) +
                               (respond.body.empty() ? "" : " \"" + respond.body + "\"");
                 },
             },
             rule.action);
  engine::RouteModifiers rest = rule.modifiers;
  effect.timeout = TimeoutText(rest.timeout);
  effect.retries = RetriesText(rest.retries);
  for (const engine::LimitId id : rest.limits) {
    effect.limits += (effect.limits.empty() ? "" : ", ") + engine::MeaningOf(model, id);
  }
  if (effect.limits.empty()) effect.limits = "not limited";
  rest.timeout.reset();
  rest.retries.reset();
  rest.limits.clear();
  effect.handling = engine::MeaningOf(model, rest);
  if (effect.handling.empty()) effect.handling = "passed on as it is";
  return effect;
}

std::string TextOf(const Effect& effect) {
  return effect.to + "|" + effect.later + "|" + effect.timeout + "|" + effect.retries + "|" +
         effect.limits + "|" + effect.handling;
}

// Egress gateways that the choice's requests pass.
void AddWaysOut(const CellSide& side, const Choice& choice, std::set<engine::GatewayId>& ways) {
  if (choice.rule == nullptr) return;
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&choice.rule->action);
  if (forwards == nullptr) return;
  for (const engine::Forward& forward : *forwards) {
    const std::uint16_t port =
        engine::PortOf(*side.model, forward, side.site.base, side.site.cluster);
    const engine::GatewayId way =
        engine::EgressBefore(*side.model, forward.target, port, side.site.sender);
    if (!way.IsNone()) ways.insert(way);
  }
}

// What is asked of requests before they are routed, and on their way out of the mesh.
std::string GuardText(const CellSide& side) {
  const Model& model = *side.model;
  std::string text = side.guard == nullptr ? "" : engine::MeaningOf(model, *side.guard);
  std::set<engine::GatewayId> ways;
  for (const Choice& choice : side.choices) AddWaysOut(side, choice, ways);
  for (const engine::GatewayId way : ways) {
    const engine::Guard* guard = model.GuardOf(way, side.site.cluster);
    text += "\nvia " + model[way].name + " ";
    if (guard != nullptr) text += engine::MeaningOf(model, *guard);
  }
  return text;
}

}  // namespace

void CellSide::Hide() { choices.push_back({.kind = Choice::Kind::kHidden, .text = "hidden"}); }

void CellSide::LeadToHttps() {
  choices.push_back(
      {.kind = Choice::Kind::kHttps, .effect = {.to = "redirect 301 to https"}, .text = "https"});
}

void CellSide::TakeRules() {
  for (const RouteRule* rule : site.rules) {
    Choice choice{.kind = Choice::Kind::kRule, .rule = rule};
    choice.effect = EffectOf(*model, site, *rule);
    choice.text = engine::MeaningOf(*model, rule->match) + " -> " + TextOf(choice.effect);
    choices.push_back(std::move(choice));
  }
  choices.push_back({.kind = Choice::Kind::kNoRoute, .text = "no route"});
}

void CellSide::TakeDefault() {
  auto rule = std::make_shared<RouteRule>();
  rule->layer = site.layer;
  rule->action = std::vector<engine::Forward>{
      {.target = *site.target, .subset = "", .port = site.port, .weight = 100, .span = {}}};
  Choice choice{.kind = Choice::Kind::kDefault, .rule = rule.get()};
  choice.effect = EffectOf(*model, site, *rule);
  choice.text = "default -> " + TextOf(choice.effect);
  choices.push_back(std::move(choice));
  fallback = std::move(rule);
}

bool SameCell(const CellSide& before, const CellSide& after) {
  return before.choices.size() == after.choices.size() &&
         std::equal(before.choices.begin(), before.choices.end(), after.choices.begin(),
                    [](const Choice& a, const Choice& b) { return a.text == b.text; }) &&
         GuardText(before) == GuardText(after);
}

namespace {

// Indices that are not in a longest common subsequence of the texts; equal texts of one list count
// once, by their first place, since a later one never decides.
struct Changed {
  std::vector<bool> before, after;
};

Changed FindChanged(const std::vector<Choice>& before, const std::vector<Choice>& after) {
  std::map<std::string, std::size_t> places;
  for (std::size_t j = 0; j < after.size(); ++j) places.emplace(after[j].text, j);
  // Longest increasing run of places in `after`, over `before` in order.
  struct Link {
    std::size_t i, j;
    std::ptrdiff_t previous;
  };
  std::vector<Link> links;
  std::vector<std::size_t> ends;  // by length: the link with the least j
  std::set<std::string> seen;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto at = places.find(before[i].text);
    if (at == places.end() || !seen.insert(before[i].text).second) continue;
    const auto end =
        std::lower_bound(ends.begin(), ends.end(), at->second,
                         [&](std::size_t link, std::size_t j) { return links[link].j < j; });
    const std::ptrdiff_t previous =
        end == ends.begin() ? -1 : static_cast<std::ptrdiff_t>(*std::prev(end));
    links.push_back({i, at->second, previous});
    if (end == ends.end()) {
      ends.push_back(links.size() - 1);
    } else {
      *end = links.size() - 1;
    }
  }
  Changed changed{std::vector<bool>(before.size(), true), std::vector<bool>(after.size(), true)};
  std::ptrdiff_t link = ends.empty() ? -1 : static_cast<std::ptrdiff_t>(ends.back());
  while (link >= 0) {
    const Link& one = links[static_cast<std::size_t>(link)];
    changed.before[one.i] = changed.after[one.j] = false;
    link = one.previous;
  }
  return changed;
}

class CellComparison {
 public:
  CellComparison(ChangeWork& work, const CellSide& before, const CellSide& after,
                 const CellNames& names)
      : work_(work), before_(before), after_(after), names_(names) {}

  void Run() {
    changed_ = FindChanged(before_.choices, after_.choices);
    // Where the guard of a gateway differs, any rule may take other requests than before.
    if (GuardText(before_) != GuardText(after_)) {
      changed_.before.assign(changed_.before.size(), true);
      changed_.after.assign(changed_.after.size(), true);
    }
    Build();
    if (!study_.decidable) return work_.Undecided(names_.destination, study_.reason);
    for (std::size_t i = 0; i < before_.choices.size(); ++i) {
      if (changed_.before[i]) CompareChoice(i, false);
    }
    for (std::size_t j = 0; j < after_.choices.size(); ++j) {
      if (changed_.after[j]) CompareChoice(j, true);
    }
    if (pairs_ >= kMostPairs) {
      work_.Undecided(names_.destination, "more than " + std::to_string(kMostPairs) +
                                              " pairs of rules decide the same requests");
    }
  }

 private:
  struct Lists {
    std::vector<FormulaId> matches, served;
  };

  void Build() {
    // The site of the side that knows the gateway says which hosts the cell is about.
    const Site& region = before_.site.gateway.IsNone() ? after_.site : before_.site;
    Site cell = region;
    const engine::Listener any;
    cell.listener = &any;
    study_ = Prepare(work_.atlas(), nullptr, [&](Space& space, Formulas& formulas) {
      space.Assume({.answers = {}, .within_limits = true});
      old_ = Encode(space, formulas, before_);
      now_ = Encode(space, formulas, after_);
      return std::vector<FormulaId>{Region(space, formulas, cell)};
    });
  }

  static Lists Encode(Space& space, Formulas& formulas, const CellSide& side) {
    Lists lists;
    for (const Choice& choice : side.choices) {
      const bool open = choice.kind == Choice::Kind::kRule;
      lists.matches.push_back(open ? MatchesAt(space, side.site, *choice.rule) : kTrue);
      lists.served.push_back(Served(space, formulas, side, choice));
    }
    return lists;
  }

  static FormulaId Served(Space& space, Formulas& formulas, const CellSide& side,
                          const Choice& choice) {
    switch (choice.kind) {
      case Choice::Kind::kRule:
      case Choice::Kind::kDefault:
        return ServedBy(space, formulas, *side.model, side.site, *choice.rule);
      case Choice::Kind::kNoRoute:
      case Choice::Kind::kHidden:
        return kFalse;
      case Choice::Kind::kHttps:
        return Passes(space, formulas, *side.model, side.guard, side.site.layer,
                      {.rule = nullptr, .port = side.site.port, .peer = &side.site.peer});
    }
    return kFalse;
  }

  // Choice `index` decides on its side.
  FormulaId DecidedBy(const Lists& lists, std::size_t index) {
    std::vector<FormulaId> all{study_.parts[0], lists.matches[index]};
    for (std::size_t i = 0; i < index; ++i) all.push_back(study_.formulas->Not(lists.matches[i]));
    return study_.formulas->And(std::move(all));
  }

  static std::size_t FirstOf(const Study& study, const Lists& lists, const Assignment& assignment) {
    std::size_t i = 0;
    while (i + 1 < lists.matches.size() && !study.formulas->Holds(lists.matches[i], assignment))
      ++i;
    return i;
  }

  // Every choice of the other side that decides some request this one decides. With `is_after` the
  // changed choices of the other side were looked at already.
  void CompareChoice(std::size_t index, bool is_after) {
    Formulas& formulas = *study_.formulas;
    const Lists& own = is_after ? now_ : old_;
    const Lists& other = is_after ? old_ : now_;
    FormulaId left = DecidedBy(own, index);
    if (is_after) {
      for (std::size_t i = 0; i < before_.choices.size(); ++i) {
        if (changed_.before[i]) left = formulas.And({left, formulas.Not(DecidedBy(old_, i))});
      }
    }
    while (pairs_ < kMostPairs) {
      const Found found = Ask(work_.solver(), study_, left);
      if (found.verdict == Verdict::kUnsat) return;
      if (!found.Sat()) return work_.Undecided(names_.destination, found.reason);
      ++pairs_;
      const std::size_t partner = FirstOf(study_, other, found.assignment);
      const FormulaId both = DecidedBy(other, partner);
      const FormulaId pair = formulas.And({left, both});
      if (is_after) {
        ComparePair(pair, partner, index);
      } else {
        ComparePair(pair, index, partner);
      }
      left = formulas.And({left, formulas.Not(both)});
    }
  }

  void ComparePair(FormulaId pair, std::size_t i, std::size_t j) {
    Formulas& formulas = *study_.formulas;
    const FormulaId was = old_.served[i];
    const FormulaId now = now_.served[j];
    Ask1(ChangeKind::kNewlyAllowed, formulas.And({pair, formulas.Not(was), now}), i, j);
    Ask1(ChangeKind::kNewlyBlocked, formulas.And({pair, was, formulas.Not(now)}), i, j);
    const Effect& a = before_.choices[i].effect;
    const Effect& b = after_.choices[j].effect;
    if (a == b) return;
    const FormulaId served = formulas.And({pair, was, now});
    const auto aspect = [&](ChangeKind kind, const std::string& from, const std::string& to) {
      if (from != to) Ask1(kind, served, i, j, from, to);
    };
    aspect(ChangeKind::kRerouted, a.to, b.to);
    if (a.to == b.to) {
      const auto none = [](const std::string& text) {
        return text.empty() ? std::string("nobody takes over") : text;
      };
      aspect(ChangeKind::kFailover, none(a.later), none(b.later));
    }
    aspect(ChangeKind::kLimited, a.limits, b.limits);
    aspect(ChangeKind::kTimeout, a.timeout, b.timeout);
    aspect(ChangeKind::kRetries, a.retries, b.retries);
    aspect(ChangeKind::kHandled, a.handling, b.handling);
  }

  void Ask1(ChangeKind kind, FormulaId formula, std::size_t i, std::size_t j,
            const std::string& was = "", const std::string& now = "") {
    const Found found = Ask(work_.solver(), study_, formula);
    if (found.verdict == Verdict::kUnsat) return;
    if (!found.Sat()) return work_.Undecided(names_.destination, found.reason);
    const engine::Request sent_before = RequestAt(before_.site, found);
    const engine::Request sent_after = RequestAt(after_.site, found);
    const Replay replay{sent_before, sent_after, Play(before_, sent_before),
                        Play(after_, sent_after)};
    if (!DecidedAs(before_.choices[i], replay.was) || !DecidedAs(after_.choices[j], replay.now)) {
      return work_.Unconfirmed();
    }
    Change change{.kind = kind,
                  .before = Lines(kind, before_, before_.choices[i]),
                  .after = Lines(kind, after_, after_.choices[j]),
                  .was = was,
                  .now = now,
                  .destinations = {names_.destination},
                  .anonymous_callers = names_.anonymous};
    if (!names_.caller.empty()) change.callers.insert(names_.caller);
    work_.Report(std::move(change), replay,
                 {Context(before_, before_.choices[i]), Context(after_, after_.choices[j])});
  }

  // What a choice depends on beside its own lines.
  static std::vector<Span> Context(const CellSide& side, const Choice& choice) {
    std::vector<Span> places{side.listener};
    for (const engine::Table* table : side.site.tables) places.push_back(table->span);
    if (choice.rule != nullptr) AddPlaces(choice.rule->match, places);
    return places;
  }

  // The evaluator took the same rule; a refusal before any rule is as good.
  static bool DecidedAs(const Choice& choice, const engine::Outcome& outcome) {
    if (choice.kind == Choice::Kind::kRule) return outcome.rule == choice.rule || outcome.blocked;
    return outcome.rule == nullptr;
  }

  // Where a version has no such gateway, nobody takes the request.
  static engine::Outcome Play(const CellSide& side, const engine::Request& request) {
    if (!side.site.cluster.IsNone()) return engine::Evaluate(*side.model, request);
    engine::Outcome outcome;
    outcome.blocked = engine::Block{engine::Stage::kHidden, 0, {}};
    return outcome;
  }

  static std::vector<Span> Lines(ChangeKind kind, const CellSide& side, const Choice& choice) {
    switch (choice.kind) {
      case Choice::Kind::kRule:
        return RuleLines(kind, *side.model, *choice.rule);
      case Choice::Kind::kDefault: {
        std::vector<Span> lines = engine::PolicyOf(*side.model, *side.site.target).spans;
        lines.push_back(
            std::visit([&](auto id) { return (*side.model)[id].span; }, *side.site.target));
        return lines;
      }
      case Choice::Kind::kNoRoute:
      case Choice::Kind::kHidden:
      case Choice::Kind::kHttps:
        break;
    }
    return {side.listener};
  }

  // The part of the rule that the kind of change is about.
  static std::vector<Span> RuleLines(ChangeKind kind, const Model& model, const RouteRule& rule) {
    const engine::RouteModifiers& m = rule.modifiers;
    std::vector<Span> lines;
    switch (kind) {
      case ChangeKind::kRerouted:
      case ChangeKind::kFailover:
        return {rule.action_span};
      case ChangeKind::kTimeout:
        return {m.timeout_span};
      case ChangeKind::kRetries:
        if (m.retries) lines.push_back(m.retries->span);
        return lines;
      case ChangeKind::kLimited:
        for (const engine::LimitId id : m.limits) lines.push_back(model[id].span);
        return lines;
      case ChangeKind::kNewlyAllowed:
      case ChangeKind::kNewlyBlocked:
      case ChangeKind::kMtlsWeakened:
      case ChangeKind::kMtlsStrengthened:
      case ChangeKind::kHandled:
      case ChangeKind::kSettings:
        break;
    }
    return {rule.span};
  }

  ChangeWork& work_;
  const CellSide& before_;
  const CellSide& after_;
  const CellNames& names_;
  Changed changed_;
  Study study_;
  Lists old_, now_;
  std::size_t pairs_ = 0;
};

}  // namespace

void CompareCell(ChangeWork& work, const CellSide& before, const CellSide& after,
                 const CellNames& names) {
  if (SameCell(before, after)) return;
  CellComparison(work, before, after, names).Run();
}

}  // namespace weft::verifier
