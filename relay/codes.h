// Codes of the relay: 6000-6999. Every constant must be listed in kRelayCodes.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::relay::codes {

inline constexpr Code kWaiting{
    6001, "waiting-for-cluster",
    "The policy declares a cluster whose agent has not reported yet. Nothing is released before "
    "every "
    "declared cluster has reported what runs in it once: a proof over an unknown cluster would "
    "prove "
    "nothing. Enrol its agent (`weft enroll token`), or take the cluster out of the policy."};

inline constexpr std::array kRelayCodes = {kWaiting};

}  // namespace weft::relay::codes
