// Two models side by side: what of one is what of the other.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "engine/model.h"
#include "verifier/change.h"
#include "verifier/space.h"

namespace weft::verifier {

// Copies in which token providers and authorizers of one name have one id, so that a condition of
// either version can be asked about in one space of requests. Laws are left out.
[[nodiscard]] std::shared_ptr<const Versions> Align(const engine::Model& before,
                                                    const engine::Model& after);

// Finds by name in `to` what an id of `from` stands for; none or nullopt when it is not there.
class Counterparts {
 public:
  Counterparts(const engine::Model& from, const engine::Model& to);

  [[nodiscard]] engine::ClusterId Of(engine::ClusterId id) const;
  [[nodiscard]] engine::WorkspaceId Of(engine::WorkspaceId id) const;
  [[nodiscard]] engine::WorkloadId Of(engine::WorkloadId id) const;
  [[nodiscard]] engine::ServiceId Of(engine::ServiceId id) const;
  [[nodiscard]] engine::GatewayId Of(engine::GatewayId id) const;
  [[nodiscard]] std::optional<engine::TargetRef> Of(const engine::TargetRef& target) const;
  // A discovered caller that is not there is one of the same identity that may be deployed.
  [[nodiscard]] Candidate Of(const Candidate& candidate) const;

 private:
  using Name = std::pair<std::string, std::string>;  // workspace, name
  const engine::Model& from_;
  const engine::Model& to_;
  std::map<std::tuple<std::string, std::string, std::string>, engine::WorkloadId> workloads_;
  std::map<Name, engine::DestinationId> destinations_;
  std::map<Name, engine::ExternalId> externals_;
  std::map<Name, engine::GatewayId> gateways_;
};

}  // namespace weft::verifier
