// Who asks authorizers and limiters.
#pragma once

#include "engine/model.h"

namespace weft::engine {

// A server of the workspace asks the service: it is an authorizer or a limiter of one of its
// guards. The proxies of a workspace know what they ask, also when they are trimmed.
[[nodiscard]] bool Asks(const Model& model, WorkspaceId workspace, ServiceId service);

}  // namespace weft::engine
