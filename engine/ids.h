// Typed indices into the vectors of a Model. Dense, in the order of the vector; kNone = absent.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace weft::engine {

template <typename Tag>
struct Id {
  static constexpr std::uint32_t kNone = 0xffffffff;
  std::uint32_t value = kNone;
  auto operator<=>(const Id&) const = default;
  [[nodiscard]] bool IsNone() const { return value == kNone; }
  [[nodiscard]] std::size_t index() const { return value; }
};

using ClusterId = Id<struct ClusterTag>;
using WorkspaceId = Id<struct WorkspaceTag>;
using WorkloadId = Id<struct WorkloadTag>;
using ServiceId = Id<struct ServiceTag>;
using DestinationId = Id<struct DestinationTag>;
using ExternalId = Id<struct ExternalTag>;
using GatewayId = Id<struct GatewayTag>;
using TableId = Id<struct TableTag>;
using AccessRuleId = Id<struct AccessRuleTag>;
using JwtId = Id<struct JwtTag>;
using AuthorizerId = Id<struct AuthorizerTag>;
using LimitId = Id<struct LimitTag>;
using LimiterId = Id<struct LimiterTag>;

}  // namespace weft::engine
