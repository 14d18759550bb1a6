#include "verifier/laws.h"

#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/delivery.h"
#include "verifier/codes.h"

namespace weft::verifier {
namespace {

using engine::Law;

void ProveResidency(Work& work, const Law& law) {
  bool served = false;
  for (const engine::TargetRef& target : law.to) {
    for (std::uint32_t w = 0; w < work.model.workloads.size(); ++w) {
      const engine::Workload& workload = work.model.workloads[w];
      const engine::Sender sender =
          engine::SidecarSender(work.model, {w}, workload.cluster, std::nullopt);
      for (const engine::Tier& tier : engine::TiersOf(work.model, target, "", sender, {})) {
        for (const engine::Backend& backend : tier.backends) {
          served = true;
          const std::string& region = work.model[backend.cluster].locality.region;
          if (std::find(law.regions.begin(), law.regions.end(), region) != law.regions.end()) {
            continue;
          }
          Diagnostic& d = ViolateLaw(
              work, law,
              "data of `" + law.to_text + "` can be served from region `" + region + "`");
          d.clusters = {work.model[backend.cluster].name};
          d.related.push_back(
              {std::visit([&](auto id) { return work.model[id].span; }, target), "served here"});
          return;
        }
      }
    }
  }
  if (served) return;
  SaysNothing(work, law, law.parts.to, "no workload of `" + law.to_text + "` is ready anywhere",
              "deploy it, or remove the law");
}

}  // namespace

Diagnostic& ViolateLaw(Work& work, const Law& law, std::string message) {
  Diagnostic& d = work.Violation(kLawProperty, law.title, codes::kLawViolated, Severity::kError,
                                 law.span, "\"" + law.title + "\" does not hold: " + message);
  d.label = "this law";
  return d;
}

void SaysNothing(Work& work, const Law& law, Span part, const std::string& why, std::string help) {
  work.Conclude(kLawProperty, law.title, PropertyVerdict::kEmpty);
  Diagnostic& d = work.Violation(kLawProperty, law.title, codes::kSaysNothing, Severity::kWarning,
                                 part.IsKnown() ? part : law.span,
                                 "\"" + law.title + "\" says nothing: " + why);
  d.severity = Severity::kError;
  d.label = part.IsKnown() ? "this part is empty" : "this law";
  d.help = std::move(help);
}

bool IsAtServers(const Law& law) {
  const bool refusal =
      (law.quantifier == Law::Quantifier::kNo &&
       (law.verdict == Law::Verdict::kAllowed || law.verdict == Law::Verdict::kServed)) ||
      (law.quantifier == Law::Quantifier::kEvery && law.verdict == Law::Verdict::kBlocked);
  return law.form == Law::Form::kRequests && refusal && law.through.IsNone() &&
         law.loss == engine::LossKind::kNone;
}

void ProveLaws(Work& work) {
  if (work.model.laws.empty()) return;
  const Clients clients(work.model);
  for (const Law& law : work.model.laws) {
    work.Conclude(kLawProperty, law.title, PropertyVerdict::kProved);
    switch (law.form) {
      case Law::Form::kResidency:
        ProveResidency(work, law);
        continue;
      case Law::Form::kReplicas:
        ProveReplicas(work, law);
        continue;
      case Law::Form::kChain:
        ProveChain(work, law);
        continue;
      case Law::Form::kRequests:
        break;
    }
    if (!law.through.IsNone()) {
      ProveThroughGateway(work, law);
    } else if (IsAtServers(law)) {
      ProveAtServers(work, law);
    } else {
      ProveAtClients(work, clients, law);
    }
  }
}

}  // namespace weft::verifier
