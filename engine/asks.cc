#include "engine/asks.h"

#include <algorithm>

#include "dsl/overloaded.h"

namespace weft::engine {
namespace {

WorkspaceId OwnerOf(const Model& model, const Guard& guard) {
  return std::visit(Overloaded{
                        [&](ServiceId id) { return model[id].workspace; },
                        [&](GatewayId id) { return model[id].workspace; },
                        [&](WorkloadId id) { return model[id].workspace; },
                    },
                    guard.target);
}

bool IsProvider(const Model& model, ServiceId service) {
  const auto is = [&](const auto& provider) { return provider.service == service; };
  return std::any_of(model.authorizers.begin(), model.authorizers.end(), is) ||
         std::any_of(model.limiters.begin(), model.limiters.end(), is);
}

}  // namespace

bool Asks(const Model& model, WorkspaceId workspace, ServiceId service) {
  if (!IsProvider(model, service)) return false;
  return std::any_of(model.guards.begin(), model.guards.end(), [&](const Guard& guard) {
    if (OwnerOf(model, guard) != workspace) return false;
    const bool authorizes =
        std::any_of(guard.authorization.begin(), guard.authorization.end(),
                    [&](const auto& asked) { return model[asked.provider].service == service; });
    return authorizes || std::any_of(guard.limits.begin(), guard.limits.end(), [&](LimitId id) {
             const LimiterId limiter = model[id].limiter;
             return !limiter.IsNone() && model[limiter].service == service;
           });
  });
}

}  // namespace weft::engine
