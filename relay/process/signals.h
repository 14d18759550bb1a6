// Ending on request.
#pragma once

#include <chrono>

namespace weft::relay {

// Blocks SIGTERM and SIGINT in this thread and all it starts, and ignores SIGPIPE.
void BlockSignals();
// Waits for SIGTERM or SIGINT, or for EndProcess.
void WaitForEnd();
// Whether it came within `patience`.
[[nodiscard]] bool WaitForEnd(std::chrono::milliseconds patience);
// From any thread: lets WaitForEnd return.
void EndProcess();

}  // namespace weft::relay
