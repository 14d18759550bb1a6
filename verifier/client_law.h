// What the laws about callers have in common: those at sidecars (client_laws.cc) and those through
// gateways (gateway_laws.cc). Internal to verifier/.
#pragma once

#include <vector>

#include "engine/places.h"
#include "verifier/laws.h"
#include "verifier/sites.h"

namespace weft::verifier {

// How far the requests of a law got: which of its parts is empty when none got through.
enum class Got {
  kNowhere,  // nothing of the kind can be lost
  kLoss,
  kTarget,
  kCaller,   // such a caller is discovered
  kLeft,     // and not lost as well
  kPort,     // what it calls has a port
  kWhere,    // the condition can hold
  kRequest,  // some request is meant
};

// Says which part of the law is empty, if any is.
void ReportEmpty(Work& work, const engine::Law& law, Got got);

// Every backend of the first tier of every share is the wanted one.
[[nodiscard]] bool GoesTo(const engine::Model& model, const Site& site,
                          const engine::RouteRule& rule, const engine::TargetRef& wanted);

// The site under what is lost.
[[nodiscard]] Site SiteUnder(const engine::Request& loss, Site site);

// Those of the losses that differ in where requests of the site arrive, with what is then asked of
// them there; of those that do not differ, the first. `rules` may send requests.
[[nodiscard]] std::vector<const engine::Request*> Differing(
    const engine::Model& model, const Site& site,
    const std::vector<const engine::RouteRule*>& rules, const std::vector<engine::Request>& losses);

// The lines that decide the outcome, below the last finding.
void NoteDeciding(Work& work, const engine::Outcome& outcome);

}  // namespace weft::verifier
