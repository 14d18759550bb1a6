// Where requests to a target end up: its ports, and tiers of backends as seen from a place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/compiled/guards.h"
#include "engine/compiled/targets.h"
#include "engine/request.h"

namespace weft::engine::compiled {

// Where a sending proxy stands.
struct Place {
  ClusterId cluster;
  std::uint32_t locality = 0;  // number of an interned Locality
  auto operator<=>(const Place&) const = default;
};

struct Port {
  std::uint16_t number = 0;
  std::uint16_t target = 0;
  bool http = false;
};

// Where a plan leads.
struct Tiers {
  std::vector<Tier> all;
  std::vector<GuardNumber> guards;  // of the most preferred tier's backends; kNoGuard: nobody asks
};

// Targets and the ways to them. A plan is a target narrowed to a subset. Filled while compiling
// (AddPlan, AddPlace, Prepare in this order), then read by many threads.
class Delivery {
 public:
  static constexpr std::uint32_t kUnprepared = 0xffffffff;
  static constexpr std::uint32_t kNowhere = 0;

  explicit Delivery(const Model& model);

  [[nodiscard]] std::uint32_t AddPlan(const TargetRef& target, const std::string& subset);
  // The place of a workload's proxy in the cluster; none: anyone's without a place of their own.
  [[nodiscard]] Place AddPlace(WorkloadId workload, ClusterId cluster);
  // Tiers of every plan from every place, nothing lost.
  void Prepare();

  // Plan of a whole target.
  [[nodiscard]] std::uint32_t PlanOf(const TargetRef& target) const;
  // Tiers prepared for the plan; kUnprepared for a place that was never added, kNowhere when there
  // are none.
  [[nodiscard]] std::uint32_t Find(std::uint32_t plan, const Place& place) const;
  [[nodiscard]] const std::vector<Tier>& TiersOf(std::uint32_t tiers) const {
    return prepared_[tiers];
  }
  // As Tiers::guards.
  [[nodiscard]] std::span<const GuardNumber> GuardsOf(std::uint32_t tiers) const {
    const Range& range = guard_ranges_[tiers];
    return {guards_.data() + range.first, range.count};
  }
  // Tiers under the losses of the request.
  [[nodiscard]] Tiers Compute(std::uint32_t plan, const Place& place, const Request& lost) const;

  // Ports of the target as seen from the cluster; none when it does not run there.
  [[nodiscard]] std::span<const Port> PortsOf(const TargetRef& target, ClusterId cluster) const;
  // The target is spoken to with other TLS than the mesh's.
  [[nodiscard]] bool HasForeignTls(const TargetRef& target) const {
    return foreign_tls_[TargetNumber(model_, target)];
  }
  // The service port of a backend that takes what is sent to `port` of the target.
  [[nodiscard]] std::uint16_t BackendPort(const TargetRef& target, const Backend& backend,
                                          std::uint16_t port) const;

 private:
  struct Plan {
    TargetRef target;
    std::string subset;
    bool by_locality = false;  // its policy looks at where the sender stands
  };
  struct Endpoint {
    Backend backend;
    const Locality* locality;
    const std::string* network;
  };

  void AddService(ServiceId service, ClusterId cluster, const std::string& subset,
                  const Request& lost, std::vector<Endpoint>& out) const;
  void AddExternal(ExternalId external, ClusterId sender, const Request& lost,
                   std::vector<Endpoint>& out) const;
  [[nodiscard]] std::vector<Endpoint> EndpointsOf(const Plan& plan, ClusterId sender,
                                                  const Request& lost) const;
  [[nodiscard]] std::optional<std::size_t> RankOf(const DestinationPolicy& policy,
                                                  const Place& place,
                                                  const Endpoint& endpoint) const;
  [[nodiscard]] GuardNumber GuardOf(const Backend& backend) const;
  std::uint32_t Keep(Tiers tiers);
  [[nodiscard]] std::size_t CellOf(std::uint32_t plan, const Place& place) const;

  struct Range {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  void AddPorts(const std::vector<ServicePort>& ports, Range& range);

  const Model& model_;
  std::vector<Port> ports_;
  std::vector<Range> port_ranges_;  // services by cluster, then destinations, externals
  std::vector<bool> foreign_tls_;   // by TargetNumber
  std::vector<Plan> plans_;         // whole targets first, by TargetNumber
  std::map<std::pair<std::size_t, std::string>, std::uint32_t> subset_plans_;
  std::vector<Locality> localities_;
  std::map<Locality, std::uint32_t> locality_numbers_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> cells_;  // plan x cluster x locality -> prepared tiers
  std::vector<std::vector<Tier>> prepared_;
  std::vector<Range> guard_ranges_;  // of what is prepared, in guards_
  std::vector<GuardNumber> guards_;
};

[[nodiscard]] const DestinationPolicy& PolicyOf(const Model& model, const TargetRef& target);

}  // namespace weft::engine::compiled
