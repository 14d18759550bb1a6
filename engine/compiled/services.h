// What authorizers and limiters say, and what routes take: the steps around access rules.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/compile.h"
#include "engine/compiled/conditions.h"

namespace weft::engine::compiled {

class Services {
 public:
  Services(const Model& model, Conditions& conditions);

  // Each adds to `lines` those that decided; nullopt when the request passes. Thread-safe.
  [[nodiscard]] std::optional<Refusal> CheckAuthorization(
      const std::vector<ExternalAuthorization>& asked, const Conditions& conditions,
      const View& view, InlineList<Lines, 8>& lines) const;
  [[nodiscard]] std::optional<Refusal> CheckLimits(const std::vector<LimitId>& limits,
                                                   bool before_authorization,
                                                   const Conditions& conditions, const View& view,
                                                   InlineList<Lines, 8>& lines) const;
  [[nodiscard]] std::optional<Refusal> CheckTokens(const RouteModifiers& route,
                                                   bool before_authorization,
                                                   const Conditions& conditions, const View& view,
                                                   InlineList<Lines, 8>& lines) const;
  [[nodiscard]] static std::optional<Refusal> CheckContent(const RouteModifiers& route,
                                                           const View& view,
                                                           InlineList<Lines, 8>& lines);
  // All that a rule says by itself.
  [[nodiscard]] std::optional<Refusal> CheckRoute(const RouteModifiers& route,
                                                  const Conditions& conditions, const View& view,
                                                  InlineList<Lines, 8>& lines) const;

 private:
  [[nodiscard]] bool Counts(const Limit& limit, const View& view) const;

  const Model& model_;
  std::vector<Conditions::Entry> limits_;  // when each counts
  std::unordered_map<const ExternalAuthorization*, Conditions::Entry> asked_;
  std::unordered_map<const RouteAuthentication*, Conditions::Entry> required_;  // of claims
};

}  // namespace weft::engine::compiled
