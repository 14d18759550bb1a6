// Rules of Istio about values and about fields together: those of its CRDs (CEL) and those of its
// admission webhook (istio/istio pkg/config/validation), for the kinds weft emits.
#pragma once

#include <string>
#include <string_view>

#include "dsl/yaml.h"
#include "emit/check/objects.h"
#include "emit/check/report.h"

namespace weft::emit::check {

// Checks what the structure of the fields does not say. `root` is the whole object, whose `spec`
// has the fields and types of its kind.
void CheckRules(const IstioObject& object, const yaml::Node& root, Report& report);

// The rules of each group of kinds.
void CheckAuthorization(const IstioObject& object, Report& report);
void CheckAuthentication(const IstioObject& object, Report& report);
void CheckRoutes(const IstioObject& object, Report& report);
void CheckTraffic(const IstioObject& object, Report& report);
void CheckGateway(const IstioObject& object, Report& report);
void CheckServiceEntry(const IstioObject& object, const yaml::Node& root, Report& report);
void CheckWorkloadEntry(const yaml::Node& entry, bool host_names, Report& report);
void CheckSidecar(const IstioObject& object, Report& report);

// Shared by several kinds.
void CheckSelector(const yaml::Node& spec, std::string_view selector, std::string_view labels,
                   Report& report);
void CheckExportTo(const IstioObject& object, Report& report);
void CheckServerTls(const yaml::Node& tls, Report& report);
void CheckConnectionPool(const yaml::Node* pool, Report& report);
void CheckDestination(const yaml::Node* destination, Report& report);
void CheckLabels(const yaml::Node* labels, Report& report);
void CheckGatewayNames(const yaml::Node& node, Report& report);         // `gateways`
void CheckPortNumber(const yaml::Node& node, Report& report);           // `port`, at most 65535
void CheckWeights(const yaml::Node& route, bool http, Report& report);  // `route`
void CheckHeaders(const yaml::Node& node, Report& report);              // `headers`
// `table`: the VirtualService has no hosts and is delegated to; `gateway`: it is for a gateway.
void CheckHttpRoute(const yaml::Node& route, bool table, bool gateway, Report& report);
void CheckScopedHost(const yaml::Node& host, bool gateway, Report& report);  // `namespace/host`
void CheckBind(const yaml::Node& node, Report& report);                      // `bind`
void CheckPortName(const yaml::Node& port, Report& report);                  // `name`
void CheckProtocol(const yaml::Node& port, Report& report);                  // `protocol`

// Reading a node. `Has`: the field is there and not null.
[[nodiscard]] bool Has(const yaml::Node& node, std::string_view field);
[[nodiscard]] std::string Text(const yaml::Node& node, std::string_view field);
[[nodiscard]] const std::vector<yaml::Node>& Items(const yaml::Node& node, std::string_view field);
[[nodiscard]] const std::vector<yaml::Node::Entry>& Entries(const yaml::Node& node,
                                                            std::string_view field);
// The field's integer, or 0.
[[nodiscard]] std::int64_t Number(const yaml::Node& node, std::string_view field);
[[nodiscard]] bool IsTrue(const yaml::Node& node, std::string_view field);

}  // namespace weft::emit::check
