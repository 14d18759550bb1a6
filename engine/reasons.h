// Why a request got nowhere, for people.
#pragma once

#include <string>

#include "engine/request.h"

namespace weft::engine {

struct Reason {
  std::string text;  // "no host `ledgr` is known here; did you mean `ledger`?"; "" = nothing to add
  GatewayId gateway;  // serves the host that was called from inside; none otherwise
};

// What is missing where the outcome of the request is that nothing is there: the name of a host,
// a port, a ready endpoint, a way to its network. Nothing for requests that somebody refuses.
[[nodiscard]] Reason WhyNowhere(const Model& model, const Request& request, const Outcome& outcome);

}  // namespace weft::engine
