// Make-before-break: the order in which the objects of a release are put in place.
#pragma once

#include <vector>

#include "relay/core/object.h"

namespace weft::relay {

// The sets a cluster passes through on its way from `from` to `to`, `to` last; steps that change
// nothing are left out. First what others refer to (ServiceEntry, WorkloadEntry), then destinations
// and gateways, then what only denies, authenticates or guards what is new, then routes, then
// changed permissions, then removals, those of security objects after all others. Hence a route
// never points at something that is not there yet, and nothing new is reachable before its guard.
[[nodiscard]] std::vector<SnapshotPtr> ApplicationSteps(const Snapshot& from, const Snapshot& to);

}  // namespace weft::relay
