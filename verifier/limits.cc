// Limits: each counts some request that gets that far, and none is always preceded by another.
#include <algorithm>
#include <map>
#include <set>

#include "engine/fronts.h"
#include "verifier/codes.h"
#include "verifier/server.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

constexpr const char* kProperty = "limits";

using engine::Limit;
using engine::LimitId;

struct Standing {
  std::string subject;
  bool counts = false;
  // Limits that might be exhausted first; what is left after all ports is.
  std::optional<std::set<LimitId>> preceded_by;
};

bool SameKey(const engine::LimitKey& a, const engine::LimitKey& b) {
  return a.kind == b.kind && a.name == b.name && a.provider == b.provider;
}

// Every bucket of `a` lies in one bucket of `b`.
bool IsFiner(const Limit& a, const Limit& b) {
  return std::all_of(b.per.begin(), b.per.end(), [&](const engine::LimitKey& key) {
    return std::any_of(a.per.begin(), a.per.end(),
                       [&](const engine::LimitKey& own) { return SameKey(own, key); });
  });
}

// What `b` lets through never fills a bucket of `a`.
bool IsLooser(const Limit& a, const Limit& b) {
  const std::int64_t room = a.requests + a.burst.value_or(0);
  const std::int64_t through = b.requests + b.burst.value_or(0);
  if (a.unit <= b.unit) return room >= through;
  return room >= through * ((a.unit.count() + b.unit.count() - 1) / b.unit.count());
}

class LimitProof {
 public:
  explicit LimitProof(Work& work) : work_(work) {}

  void Prove() {
    for (const engine::Guard& guard : work_.model.guards) {
      const auto* service = std::get_if<engine::ServiceId>(&guard.target);
      if (service == nullptr || guard.limits.empty()) continue;
      if (engine::StandsBeforeGateway(work_.model, guard)) continue;
      const std::string subject =
          work_.Workspace(work_.model[*service].workspace) + "." + work_.model[*service].name;
      work_.Conclude(kProperty, subject, PropertyVerdict::kProved);
      for (const LimitId id : guard.limits) standings_[id].subject = subject;
      for (const engine::ServicePort& port : work_.model[*service].In(guard.cluster)->ports) {
        if (LayerOf(port) == engine::Layer::kHttp) ProvePort(guard, *service, port);
      }
    }
    for (const auto& [id, standing] : standings_) Report(id, standing);
  }

 private:
  // parts: what gets through everything but the limits, then what each of them counts.
  void ProvePort(const engine::Guard& guard, engine::ServiceId service,
                 const engine::ServicePort& port) {
    const bool anywhere = !DestinationsOf(work_.model, service, guard.cluster).empty();
    const std::vector<Candidate> candidates =
        work_.callers.Relevant(CallerSetsOf(work_.model, guard), guard.cluster, anywhere, {});
    engine::Guard rest = guard;
    rest.limits.clear();
    const Study study = Prepare(work_.atlas, &candidates, [&](Space& space, Formulas& formulas) {
      const View view{.rule = nullptr, .port = port.number, .peer = nullptr};
      std::vector<FormulaId> parts{
          Passes(space, formulas, work_.model, &rest, engine::Layer::kHttp, view)};
      for (const LimitId id : guard.limits) {
        parts.push_back(Counted(space, formulas, work_.model[id], view));
      }
      return parts;
    });
    if (!study.decidable) {
      for (const LimitId id : guard.limits) {
        standings_[id].counts = true;
        standings_[id].preceded_by = std::set<LimitId>{};
        work_.Undecided(kProperty, standings_[id].subject, work_.model[id].span, study.reason);
      }
      return;
    }
    for (std::size_t i = 0; i < guard.limits.size(); ++i) ProveLimit(guard, study, i);
  }

  void ProveLimit(const engine::Guard& guard, const Study& study, std::size_t i) {
    Standing& standing = standings_[guard.limits[i]];
    const FormulaId counted = study.parts[1 + i];
    const FormulaId arrives = work_.model[guard.limits[i]].before_authorization
                                  ? counted
                                  : study.formulas->And({study.parts[0], counted});
    if (Ask(work_.solver, study, arrives).verdict == Verdict::kUnsat) return;
    standing.counts = true;
    std::set<LimitId> preceded_by;
    for (std::size_t j = 0; j < guard.limits.size(); ++j) {
      if (j != i && Precedes(guard, study, j, i)) preceded_by.insert(guard.limits[j]);
    }
    if (!standing.preceded_by) {
      standing.preceded_by = std::move(preceded_by);
      return;
    }
    std::erase_if(*standing.preceded_by, [&](LimitId id) { return !preceded_by.contains(id); });
  }

  // Of two that are alike the first is kept.
  bool Precedes(const engine::Guard& guard, const Study& study, std::size_t j, std::size_t i) {
    const Limit& one = work_.model[guard.limits[i]];
    const Limit& other = work_.model[guard.limits[j]];
    if (!IsFiner(one, other) || !IsLooser(one, other)) return false;
    if (IsFiner(other, one) && IsLooser(other, one) && i < j) return false;
    const FormulaId alone =
        study.formulas->And({study.parts[1 + i], study.formulas->Not(study.parts[1 + j])});
    return Ask(work_.solver, study, alone).verdict == Verdict::kUnsat;
  }

  void Report(LimitId id, const Standing& standing) {
    const Limit& limit = work_.model[id];
    if (!standing.counts) {
      work_
          .Violation(kProperty, standing.subject, codes::kIdleLimit, Severity::kWarning, limit.span,
                     "this limit counts no request")
          .help = "remove it, or widen its condition";
      return;
    }
    if (!standing.preceded_by || standing.preceded_by->empty()) return;
    Diagnostic& d =
        work_.Violation(kProperty, standing.subject, codes::kLimitNeverDecides, Severity::kWarning,
                        limit.span, "another limit is always exhausted before this one");
    d.related.push_back({work_.model[*standing.preceded_by->begin()].span, "this one"});
    d.help = "remove one of the two, or mend the rate";
  }

  Work& work_;
  std::map<LimitId, Standing> standings_;
};

}  // namespace

void ProveLimits(Work& work) { LimitProof(work).Prove(); }

}  // namespace weft::verifier
