// Laws with `through gateway g`: what those outside get, under losses.
#include <algorithm>

#include "verifier/client_law.h"

namespace weft::verifier {
namespace {

using engine::Law;
using engine::Request;
using engine::TargetRef;

bool ForwardsTo(const engine::RouteRule& rule, const std::vector<TargetRef>& to) {
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
  if (forwards == nullptr) return false;
  return std::any_of(forwards->begin(), forwards->end(), [&](const engine::Forward& f) {
    return std::find(to.begin(), to.end(), f.target) != to.end();
  });
}

class GatewayLaw {
 public:
  GatewayLaw(Work& work, const Law& law) : work_(work), law_(law) {}

  void Prove() {
    losses_ = engine::LossesOf(work_.model, law_.loss, law_.losses);
    if (!losses_.empty()) Reach(Got::kLoss);
    for (const Site& site : GatewaySites(work_.model)) {
      if (losses_.empty() || site.gateway != law_.through) continue;
      Reach(Got::kCaller);
      for (const Request* loss : Differing(work_.model, site, site.rules, losses_)) {
        Reach(Got::kPort);
        if (!ProveSite(SiteUnder(*loss, site), site)) return;
      }
    }
    if (got_ == Got::kLoss || got_ == Got::kTarget) {
      SaysNothing(work_, law_, law_.parts.through,
                  "no route is served by gateway `" + work_.model[law_.through].name + "`",
                  "say which hosts it serves, and which routes: `route NAME on gateway …`");
    } else if (got_ == Got::kWhere && !law_.to.empty()) {
      SaysNothing(work_, law_, law_.parts.to,
                  "no such request through gateway `" + work_.model[law_.through].name +
                      "` is sent to `" + law_.to_text + "`",
                  "add a route that does, or remove the law");
    } else {
      ReportEmpty(work_, law_, got_);
    }
  }

 private:
  void Reach(Got got) { got_ = std::max(got_, got); }

  bool ProveSite(const Site& site, const Site& intact) {
    const bool every = law_.quantifier == Law::Quantifier::kEvery;
    const bool wanted = every != (law_.verdict == Law::Verdict::kBlocked);
    const Study study = Prepare(work_.atlas, nullptr, [&](Space& space, Formulas& formulas) {
      space.Assume(law_.assumed);
      const FormulaId where =
          space.Encode(law_.where, {.rule = nullptr, .port = site.port, .peer = &site.peer});
      std::vector<FormulaId> broken;
      std::vector<FormulaId> meant;
      const FormulaId region = Region(space, formulas, site);
      std::vector<FormulaId> none{region};
      for (std::size_t i = 0; i < site.rules.size(); ++i) {
        const engine::RouteRule& rule = *site.rules[i];
        none.push_back(formulas.Not(MatchesAt(space, site, rule)));
        if (!law_.to.empty() && !ForwardsTo(rule, law_.to)) continue;
        FormulaId good = ServedBy(space, formulas, work_.model, site, rule);
        FormulaId before =
            law_.only_allowed ? ServedBy(space, formulas, work_.model, intact, rule) : kTrue;
        if (law_.served_by && !GoesTo(work_.model, site, rule, *law_.served_by)) good = kFalse;
        const FormulaId here = formulas.And({where, before, Decides(space, formulas, site, i)});
        meant.push_back(here);
        broken.push_back(formulas.And({here, wanted ? formulas.Not(good) : good}));
      }
      // What `no …` forbids need not be routed, nor its host served, by anything now.
      if (!every) meant = {where};
      // Without a target, a request no rule takes is one that is not served.
      if (wanted && law_.to.empty() && !law_.only_allowed) {
        none.push_back(where);
        const FormulaId here = formulas.And(std::move(none));
        meant.push_back(here);
        broken.push_back(here);
      }
      return std::vector<FormulaId>{formulas.Or(std::move(broken)), formulas.Or(std::move(meant)),
                                    formulas.And({where, region})};
    });
    if (!study.decidable) {
      work_.Undecided(kLawProperty, law_.title, law_.span, study.reason);
      return false;
    }
    const Found found = Ask(work_.solver, study, study.parts[0]);
    if (found.verdict == Verdict::kUnsat) {
      if (got_ < Got::kRequest && Ask(work_.solver, study, study.parts[1]).Sat()) {
        Reach(Got::kRequest);
      } else if (got_ < Got::kWhere && Ask(work_.solver, study, study.parts[2]).Sat()) {
        Reach(Got::kWhere);
      }
      return true;
    }
    if (!found.Sat()) {
      work_.Undecided(kLawProperty, law_.title, law_.span, found.reason);
      return false;
    }
    const Request request = RequestAt(site, found);
    const engine::Outcome outcome = engine::Evaluate(work_.model, request);
    ViolateLaw(work_, law_,
               std::string("this request through gateway `") + work_.model[site.gateway].name +
                   "` is " + (outcome.AllowedSomewhere() ? "served" : "not served"));
    work_.report.findings.back().diagnostic.clusters = {work_.model[site.cluster].name};
    work_.Witness(request, std::nullopt, law_.served_by ? outcome.AllowedSomewhere() : !wanted,
                  wanted);
    NoteDeciding(work_, outcome);
    return false;
  }

  Work& work_;
  const Law& law_;
  std::vector<Request> losses_;  // as requests that say no more
  Got got_ = Got::kNowhere;
};

}  // namespace

void ProveThroughGateway(Work& work, const Law& law) { GatewayLaw(work, law).Prove(); }

}  // namespace weft::verifier
