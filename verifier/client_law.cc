#include "verifier/client_law.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "engine/delivery.h"

namespace weft::verifier {

void ReportEmpty(Work& work, const engine::Law& law, Got got) {
  const std::string word = engine::LossWord(law.loss);
  const std::string several = std::to_string(law.losses) + " " + word + "s";
  switch (got) {
    case Got::kNowhere:
      SaysNothing(work, law, law.parts.loss,
                  law.losses > 1 ? "there are no " + several + " that could be lost"
                                 : "no " + word + " is known that could be lost",
                  "say where clusters are: `cluster NAME { " + word + " \"…\" }`");
      return;
    case Got::kLoss:
      SaysNothing(work, law, law.parts.to, "`" + law.to_text + "` has no services",
                  "declare or deploy one, or remove the law");
      return;
    case Got::kTarget:
      SaysNothing(work, law, law.parts.from, "no discovered workload is such a caller",
                  "laws of this form are about the callers that are there; say who calls");
      return;
    case Got::kCaller:
      SaysNothing(work, law, law.parts.loss,
                  "every such caller is lost with the " + (law.losses > 1 ? word + "s" : word) +
                      " it is in",
                  "callers outside of what is lost are meant; there is none");
      return;
    case Got::kLeft:
      SaysNothing(work, law, law.parts.to, "`" + law.to_text + "` has no port",
                  "declare one: `port http 8080`");
      return;
    case Got::kPort:
      SaysNothing(work, law, law.parts.where, "no request is like this",
                  "the condition contradicts itself, or what is called");
      return;
    case Got::kWhere:
      SaysNothing(work, law, {}, "none of these requests is allowed to begin with",
                  "allow them, or drop `allowed` to see what refuses them");
      return;
    case Got::kRequest:
      return;
  }
}

// Every backend of the first tier of every share is the wanted one.
bool GoesTo(const engine::Model& model, const Site& site, const engine::RouteRule& rule,
            const engine::TargetRef& wanted) {
  const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule.action);
  if (forwards == nullptr) return false;
  return std::all_of(forwards->begin(), forwards->end(), [&](const engine::Forward& forward) {
    if (forward.weight <= 0 || forward.target == wanted) return true;
    const auto* service = std::get_if<engine::ServiceId>(&wanted);
    const auto tiers =
        engine::TiersOf(model, forward.target, forward.subset, site.sender, site.base);
    return service != nullptr && !tiers.empty() &&
           std::all_of(tiers.front().backends.begin(), tiers.front().backends.end(),
                       [&](const engine::Backend& b) {
                         return b.service ==
                                std::variant<engine::ServiceId, engine::ExternalId>(*service);
                       });
  });
}

Site SiteUnder(const engine::Request& loss, Site site) {
  site.base.lost_clusters = loss.lost_clusters;
  site.base.lost_regions = loss.lost_regions;
  site.base.lost_zones = loss.lost_zones;
  return site;
}

namespace {

// All that ServedBy and GoesTo look at of one backend.
using Arrival = std::tuple<const engine::Guard*, std::uint16_t, bool, bool,
                           std::variant<engine::ServiceId, engine::ExternalId>>;

std::vector<std::vector<Arrival>> ArrivalsAt(const engine::Model& model, const Site& site,
                                             const std::vector<const engine::RouteRule*>& rules) {
  std::vector<std::vector<Arrival>> arrivals;
  for (const engine::RouteRule* rule : rules) {
    const auto* forwards = std::get_if<std::vector<engine::Forward>>(&rule->action);
    if (forwards == nullptr) continue;
    for (const engine::Forward& forward : *forwards) {
      const std::uint16_t port = engine::PortOf(model, forward, site.base, site.cluster);
      std::vector<Arrival>& first = arrivals.emplace_back();
      const auto tiers =
          engine::TiersOf(model, forward.target, forward.subset, site.sender, site.base);
      if (tiers.empty()) continue;
      for (const engine::Backend& backend : tiers.front().backends) {
        const engine::Checkpoint at =
            engine::CheckpointOf(model, forward.target, backend, port, site.sender);
        first.emplace_back(at.guard, at.port, at.identified, at.reached, backend.service);
      }
    }
  }
  return arrivals;
}

}  // namespace

std::vector<const engine::Request*> Differing(const engine::Model& model, const Site& site,
                                              const std::vector<const engine::RouteRule*>& rules,
                                              const std::vector<engine::Request>& losses) {
  std::vector<const engine::Request*> differing;
  std::set<std::vector<std::vector<Arrival>>> seen;
  for (const engine::Request& loss : losses) {
    if (engine::IsLost(loss, site.cluster, site.sender.locality)) continue;  // the caller too
    if (seen.insert(ArrivalsAt(model, SiteUnder(loss, site), rules)).second)
      differing.push_back(&loss);
  }
  return differing;
}

void NoteDeciding(Work& work, const engine::Outcome& outcome) {
  for (const Span& span : outcome.rules) {
    if (!span.IsKnown()) continue;
    work.report.findings.back().diagnostic.related.push_back({span, "decides it"});
  }
}

}  // namespace weft::verifier
