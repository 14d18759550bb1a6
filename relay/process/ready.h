// How a server tells that it serves, and where.
#pragma once

#include <chrono>
#include <string>

#include "relay/process/serve.h"

namespace weft::relay {

// Of a server's own certificate, which is made at each start.
inline constexpr std::chrono::hours kServerLife{24 * 365};

// The host of `address` with another port.
[[nodiscard]] std::string WithPort(const std::string& address, int port);

// Writes options.ready_file, if there is to be one, with the addresses of `options`.
[[nodiscard]] Status WriteReady(const ServeOptions& options, const std::string& admin_url);

}  // namespace weft::relay
