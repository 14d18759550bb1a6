#include "engine/fronts.h"

#include <algorithm>

namespace weft::engine {

GatewayId GatewayBehind(const Model& model, const ServiceInstance& instance) {
  if (instance.workloads.empty()) return {};
  for (std::uint32_t g = 0; g < model.gateways.size(); ++g) {
    const std::vector<WorkloadId>& pods =
        model.gateways[g].workloads;  // in order, as the service's
    if (std::includes(pods.begin(), pods.end(), instance.workloads.begin(),
                      instance.workloads.end())) {
      return {g};
    }
  }
  return {};
}

bool StandsBeforeGateway(const Model& model, const Guard& guard) {
  const auto* service = std::get_if<ServiceId>(&guard.target);
  const ServiceInstance* instance =
      service == nullptr ? nullptr : model[*service].In(guard.cluster);
  return instance != nullptr && !GatewayBehind(model, *instance).IsNone();
}

bool IsWayOut(const Model& model, const External& external, const Service& service) {
  if (external.via.IsNone()) return false;
  const Gateway& gateway = model[external.via];
  const std::uint16_t listens = gateway.listeners[external.via_listener].port;
  const auto leads = [&](const ServiceInstance& instance) {
    return std::any_of(instance.ports.begin(), instance.ports.end(),
                       [&](const ServicePort& port) { return port.number == listens; }) &&
           std::any_of(instance.workloads.begin(), instance.workloads.end(), [&](WorkloadId id) {
             return std::binary_search(gateway.workloads.begin(), gateway.workloads.end(), id);
           });
  };
  return service.ns == gateway.ns &&
         std::any_of(service.instances.begin(), service.instances.end(), leads);
}

}  // namespace weft::engine
