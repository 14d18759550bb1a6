// Sites: the places where route tables decide. Each has an ordered list of rules, of which the
// first that matches decides, as the reference evaluator applies them.
#pragma once

#include <optional>
#include <vector>

#include "engine/delivery.h"
#include "engine/model.h"
#include "engine/request.h"
#include "verifier/question.h"

namespace weft::verifier {

struct Site {
  engine::GatewayId gateway;  // none: a sidecar
  engine::ClusterId cluster;
  const engine::Listener* listener = nullptr;  // of the gateway
  std::string host;                            // gateway: host pattern; sidecar: host as called
  std::vector<std::string> more_specific;      // patterns that take hosts away from `host`
  std::optional<engine::TargetRef> target;     // sidecar: what the host names
  engine::Layer layer = engine::Layer::kHttp;
  std::uint16_t port = 0;  // listener port, or port of the target
  std::vector<const engine::Table*> tables;
  std::vector<const engine::RouteRule*> rules;  // in the order they are tried
  engine::Sender sender;                        // who forwards
  std::optional<engine::Identity> peer;         // the client's identity as the rules see it
  engine::Request base;                         // what every request here has in common
};

// What a gateway makes of connections to the listener.
[[nodiscard]] engine::Layer LayerOfListener(const engine::Listener& listener);

// Everywhere a gateway serves a host by tables.
[[nodiscard]] std::vector<Site> GatewaySites(const engine::Model& model);

// One site for every table, cluster and workspace whose sidecars it changes.
[[nodiscard]] std::vector<Site> SidecarSites(const engine::Model& model);

// One for every cluster and account whose sidecars use the table: what servers say depends on who
// calls.
[[nodiscard]] std::vector<Site> SidecarSitesOf(const engine::Model& model,
                                               const engine::Table& table);

// Fills `rules` from `tables`, in the order the reference evaluator tries them.
void OrderRules(Site& site);

// The request of a site is of this site: host served here and not by something more specific.
[[nodiscard]] FormulaId Region(Space& space, Formulas& formulas, const Site& site);

// Rule `index` decides: it matches and none before it does.
[[nodiscard]] FormulaId Decides(Space& space, Formulas& formulas, const Site& site,
                                std::size_t index);

// The rule's own match at the site.
[[nodiscard]] FormulaId MatchesAt(Space& space, const Site& site, const engine::RouteRule& rule);

// What the rule forwards to is there and lets the request in, for at least one share.
[[nodiscard]] FormulaId ServedBy(Space& space, Formulas& formulas, const engine::Model& model,
                                 const Site& site, const engine::RouteRule& rule);

// The request of an answer about the site.
[[nodiscard]] engine::Request RequestAt(const Site& site, const Found& found);

}  // namespace weft::verifier
