// The parts of the table of Gloo kinds; format in dsl/gloo/schema.h.
#pragma once

#include <string_view>

namespace weft::gloo {

extern const std::string_view kCommonTable;
extern const std::string_view kAdminTable;
extern const std::string_view kNetworkingTable;
extern const std::string_view kSecurityTable;
extern const std::string_view kTrafficTable;
extern const std::string_view kResilienceTable;
extern const std::string_view kRefusedTable;

}  // namespace weft::gloo
