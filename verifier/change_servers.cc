// What servers let in: for every port of every service whose guard differs, the requests that one
// version lets in and the other does not, and those that other limits count.
#include <algorithm>
#include <map>
#include <set>

#include "engine/delivery.h"
#include "engine/model_text.h"
#include "verifier/change_work.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

using engine::Guard;
using engine::Model;
using engine::ServicePort;

constexpr std::size_t kMostCauses = 64;  // of one port and direction

engine::MtlsMode ModeOf(const Guard* guard, std::uint16_t port) {
  if (guard == nullptr) return engine::MtlsMode::kPermissive;
  const auto own = guard->port_mtls.find(port);
  return own == guard->port_mtls.end() ? guard->mtls : own->second;
}

std::string ModeText(engine::MtlsMode mode) {
  switch (mode) {
    case engine::MtlsMode::kStrict:
      return "mTLS is required";
    case engine::MtlsMode::kPermissive:
      return "clear text is taken as well as mTLS";
    case engine::MtlsMode::kDisable:
      return "mTLS is off";
  }
  return "";
}

// From most to least protection.
int Weakness(engine::MtlsMode mode) {
  switch (mode) {
    case engine::MtlsMode::kStrict:
      return 0;
    case engine::MtlsMode::kPermissive:
      return 1;
    case engine::MtlsMode::kDisable:
      return 2;
  }
  return 2;
}

// A limit without the requests it is about: what it counts up to, and by what.
std::string RateOf(const Model& model, const engine::Limit& limit) {
  engine::Limit bare = limit;
  bare.when = engine::Condition::True();
  Model holder;  // names of limiters and providers are all that is read of a model
  holder.limits.push_back(std::move(bare));
  holder.limiters = model.limiters;
  holder.jwts = model.jwts;
  return engine::MeaningOf(holder, engine::LimitId{0});
}

std::string LimitLine(const engine::Limit& limit) {
  const auto unit = limit.unit.count();
  const std::string per = unit == 1000        ? "s"
                          : unit == 60'000    ? "min"
                          : unit == 3'600'000 ? "h"
                                              : std::to_string(unit) + "ms";
  return "at most " + std::to_string(limit.requests) + "/" + per;
}

// A rule of a guard as a formula.
struct RuleFormula {
  const engine::AccessRule* rule = nullptr;
  FormulaId applies;
};

class PortChange {
 public:
  PortChange(ChangeWork& work, engine::ServiceId service, engine::ClusterId cluster,
             const ServicePort& port)
      : work_(work),
        service_(service),
        cluster_(cluster),
        port_(port),
        old_service_(work.back().Of(service)),
        old_cluster_(work.back().Of(cluster)),
        old_guard_(engine::EnforcedGuard(work.before(), {old_cluster_, old_service_, ""})),
        guard_(engine::EnforcedGuard(work.after(), {cluster, service, ""})) {}

  void Run() {
    if (Same()) return;
    ChooseCallers();
    CompareModes();
    Build();
    if (!study_.decidable) return work_.Undecided(Name(), study_.reason);
    Direction(ChangeKind::kNewlyAllowed);
    Direction(ChangeKind::kNewlyBlocked);
    CompareLimits();
  }

 private:
  [[nodiscard]] std::string Name() const {
    const engine::Service& service = work_.after()[service_];
    return service.ns + "/" + service.name + ":" + std::to_string(port_.number) + "@" +
           work_.after()[cluster_].name;
  }

  [[nodiscard]] bool Same() const {
    if (old_guard_ == nullptr || guard_ == nullptr) return old_guard_ == guard_;
    return engine::MeaningOf(work_.before(), *old_guard_) ==
           engine::MeaningOf(work_.after(), *guard_);
  }

  // One caller for each way of being seen by the rules of both sides, and whom it stands for.
  void ChooseCallers() {
    const bool anywhere = !DestinationsOf(work_.after(), service_, cluster_).empty();
    for (const auto& [model, guard] :
         {std::pair(&work_.before(), old_guard_), std::pair(&work_.after(), guard_)}) {
      if (guard == nullptr) continue;
      const auto sets = CallerSetsOf(*model, *guard);
      sets_.insert(sets_.end(), sets.begin(), sets.end());
    }
    const Callers& callers = work_.callers();
    callers_ = callers.Relevant(sets_, cluster_, anywhere, {});
    standing_for_.resize(callers_.size());
    const auto stand_ins = callers.StandIns(sets_, cluster_, anywhere);
    for (std::size_t i = 0; i < stand_ins.size(); ++i) {
      if (stand_ins[i]) standing_for_[*stand_ins[i]].push_back(&callers.all()[i]);
    }
  }

  // What was required of the connection and what is; shown by a request in clear text.
  void CompareModes() {
    const engine::MtlsMode was = ModeOf(old_guard_, port_.number);
    const engine::MtlsMode now = ModeOf(guard_, port_.number);
    if (was == now) return;
    const bool weaker = Weakness(now) > Weakness(was);
    Change change{.kind = weaker ? ChangeKind::kMtlsWeakened : ChangeKind::kMtlsStrengthened,
                  .was = ModeText(was),
                  .now = ModeText(now),
                  .destinations = {Name()},
                  .anonymous_callers = true};
    if (old_guard_ != nullptr) change.before = {old_guard_->mtls_span};
    if (guard_ != nullptr) change.after = {guard_->mtls_span};
    for (const Candidate& caller : callers_) {
      if (caller.identity) continue;
      const Replay replay = work_.Evaluate(RequestBefore(caller), RequestAfter(caller));
      change.was += "; " + Says(replay.was);
      change.now += "; " + Says(replay.now);
      return work_.Report(std::move(change), replay);
    }
  }

  static std::string Says(const engine::Outcome& outcome) {
    return outcome.AllowedSomewhere() ? "this request is let in" : "this request is refused";
  }

  void Build() {
    study_ = Prepare(work_.atlas(), &callers_, [&](Space& space, Formulas& formulas) {
      space.Assume({.answers = {}, .within_limits = true});
      const View view{.rule = nullptr, .port = port_.number, .peer = nullptr};
      const engine::Layer layer = LayerOf(port_);
      old_rules_.clear();
      rules_.clear();
      rates_.clear();
      std::vector<FormulaId> parts{
          Passes(space, formulas, work_.before(), old_guard_, layer, view),
          Passes(space, formulas, work_.after(), guard_, layer, view),
          space.CallerIs([](const Candidate& c) { return !c.identity.has_value(); })};
      AddRules(space, formulas, work_.before(), old_guard_, old_rules_);
      AddRules(space, formulas, work_.after(), guard_, rules_);
      if (layer == engine::Layer::kHttp) {
        AddRates(space, formulas, work_.before(), old_guard_, false);
        AddRates(space, formulas, work_.after(), guard_, true);
      }
      return parts;
    });
  }

  void AddRules(Space& space, Formulas& formulas, const Model& model, const Guard* guard,
                std::vector<RuleFormula>& out) {
    if (guard == nullptr) return;
    View view{.rule = nullptr, .port = port_.number, .peer = nullptr};
    for (const auto* rules : {&guard->allow, &guard->deny}) {
      for (const engine::AccessRuleId id : *rules) {
        out.push_back({&model[id], Applies(space, formulas, model[id], LayerOf(port_), view)});
      }
    }
  }

  void AddRates(Space& space, Formulas& formulas, const Model& model, const Guard* guard,
                bool after) {
    if (guard == nullptr) return;
    const View view{.rule = nullptr, .port = port_.number, .peer = nullptr};
    for (const engine::LimitId id : guard->limits) {
      const FormulaId counted = Counted(space, formulas, model[id], view);
      Rate& rate = rates_[RateOf(model, model[id])];
      (after ? rate.after : rate.before).push_back(counted);
    }
  }

  // All requests of one direction: each cause in turn, until none is left.
  void Direction(ChangeKind kind) {
    Formulas& formulas = *study_.formulas;
    const FormulaId was = study_.parts[0];
    const FormulaId now = study_.parts[1];
    FormulaId left = kind == ChangeKind::kNewlyAllowed ? formulas.And({formulas.Not(was), now})
                                                       : formulas.And({was, formulas.Not(now)});
    for (std::size_t i = 0; i < kMostCauses; ++i) {
      const Found found = Ask(work_.solver(), study_, left);
      if (found.verdict == Verdict::kUnsat) return;
      if (!found.Sat()) return work_.Undecided(Name(), found.reason);
      const Replay replay = Play(kind, found);
      SideLines context;
      const FormulaId cause = CauseOf(replay, context);
      Change change{.kind = kind, .destinations = {Name()}};
      AddCallers(cause == kFalse ? left : formulas.And({left, cause}), change);
      work_.Report(std::move(change), replay, context);
      if (cause == kFalse) return;
      left = formulas.And({left, formulas.Not(cause)});
    }
    work_.Undecided(Name(), "more than " + std::to_string(kMostCauses) + " causes");
  }

  // The rules that decide the request on either side apply; kFalse when no rule does. Adds the
  // places of their conditions.
  FormulaId CauseOf(const Replay& replay, SideLines& context) {
    std::vector<FormulaId> all;
    const auto add = [&](const std::vector<RuleFormula>& rules, const engine::Outcome& outcome,
                         std::vector<Span>& places) {
      for (const RuleFormula& rule : rules) {
        const auto& spans = outcome.rules;
        if (std::find(spans.begin(), spans.end(), rule.rule->span) == spans.end()) continue;
        all.push_back(rule.applies);
        AddPlaces(rule.rule->when, places);
      }
    };
    add(old_rules_, replay.was, context.before);
    add(rules_, replay.now, context.after);
    return all.empty() ? kFalse : study_.formulas->And(std::move(all));
  }

  void AddCallers(FormulaId formula, Change& change) {
    for (std::size_t i = 0; i < callers_.size(); ++i) {
      const Candidate& one = callers_[i];
      const FormulaId from = study_.space->CallerIs([&](const Candidate& c) { return &c == &one; });
      if (!Ask(work_.solver(), study_, study_.formulas->And({formula, from})).Sat()) continue;
      change.anonymous_callers = change.anonymous_callers || !one.identity;
      for (const Candidate* c : standing_for_[i]) {
        if (!c->source.IsNone() && c->identity) {
          change.callers.insert(CallerName(work_.after(), *c));
        } else if (c->identity) {
          change.future_callers = true;
        }
      }
    }
  }

  // Requests that both sides let in and that are counted by other limits.
  void CompareLimits() {
    Formulas& formulas = *study_.formulas;
    for (const auto& [text, rate] : rates_) {
      const FormulaId was = formulas.Or(rate.before);
      const FormulaId now = formulas.Or(rate.after);
      const FormulaId differs = formulas.Or(
          {formulas.And({was, formulas.Not(now)}), formulas.And({now, formulas.Not(was)})});
      const FormulaId asked = formulas.And({differs, study_.parts[0], study_.parts[1]});
      const Found found = Ask(work_.solver(), study_, asked);
      if (!found.Sat()) {
        if (found.verdict == Verdict::kUnknown) work_.Undecided(Name(), found.reason);
        continue;
      }
      const Replay replay = Play(ChangeKind::kLimited, found);
      Change change{.kind = ChangeKind::kLimited, .destinations = {Name()}};
      change.was =
          Limits(work_.before(), old_guard_, replay.before, *found.Caller(), change.before);
      change.now = Limits(work_.after(), guard_, replay.after, *found.Caller(), change.after);
      if (change.was == change.now) {
        work_.Unconfirmed();
        continue;
      }
      AddCallers(asked, change);
      work_.Report(std::move(change), replay);
    }
  }

  // What counts the request, as the reference evaluator says.
  static std::string Limits(const Model& model, const Guard* guard, const engine::Request& request,
                            const Candidate& caller, std::vector<Span>& spans) {
    std::string text;
    if (guard != nullptr) {
      for (const engine::LimitId id : guard->limits) {
        if (!engine::Counts(model, model[id], request, caller.identity)) continue;
        spans.push_back(model[id].span);
        text += (text.empty() ? "" : ", ") + LimitLine(model[id]);
      }
    }
    return text.empty() ? "not limited" : text;
  }

  [[nodiscard]] engine::Request RequestAfter(const Candidate& caller) const {
    return RequestTo(work_.after(), service_, cluster_, port_, caller);
  }
  [[nodiscard]] engine::Request RequestBefore(const Candidate& caller) const {
    Candidate old = work_.back().Of(caller);
    if (old.cluster.IsNone()) old.cluster = old_cluster_;
    return RequestTo(work_.before(), old_service_, old_cluster_, port_, old);
  }

  [[nodiscard]] Replay Play(ChangeKind kind, const Found& found) const {
    const Candidate& caller = *found.Caller();
    return work_.EvaluateFor(kind, found.Request(RequestBefore(caller)),
                             found.Request(RequestAfter(caller)));
  }

  struct Rate {
    std::vector<FormulaId> before, after;
  };

  ChangeWork& work_;
  engine::ServiceId service_;
  engine::ClusterId cluster_;
  const ServicePort& port_;
  engine::ServiceId old_service_;
  engine::ClusterId old_cluster_;
  const Guard* old_guard_;
  const Guard* guard_;
  std::vector<const engine::CallerSet*> sets_;
  std::vector<Candidate> callers_;
  std::vector<std::vector<const Candidate*>> standing_for_;  // by caller
  Study study_;
  std::vector<RuleFormula> old_rules_, rules_;
  std::map<std::string, Rate> rates_;
};

bool HadPort(const ChangeWork& work, engine::ServiceId service, engine::ClusterId cluster,
             const ServicePort& port) {
  const engine::ServiceId old = work.back().Of(service);
  const engine::ClusterId place = work.back().Of(cluster);
  if (old.IsNone() || place.IsNone()) return false;
  const engine::ServiceInstance* instance = work.before()[old].In(place);
  return instance != nullptr &&
         std::any_of(instance->ports.begin(), instance->ports.end(), [&](const ServicePort& p) {
           return p.number == port.number && LayerOf(p) == LayerOf(port);
         });
}

}  // namespace

// A port that only one version has is found by the routes to it.
void CompareServers(ChangeWork& work) {
  const Model& after = work.after();
  for (std::uint32_t i = 0; i < after.services.size(); ++i) {
    for (const engine::ServiceInstance& instance : after.services[i].instances) {
      for (const ServicePort& port : instance.ports) {
        if (HadPort(work, {i}, instance.cluster, port)) {
          PortChange(work, {i}, instance.cluster, port).Run();
        }
      }
    }
  }
}

}  // namespace weft::verifier
