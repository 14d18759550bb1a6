// Ending on request.
#pragma once

namespace weft::relay {

// Blocks SIGTERM and SIGINT in this thread and all it starts, and ignores SIGPIPE.
void BlockSignals();
// Waits for SIGTERM or SIGINT, or for EndProcess.
void WaitForEnd();
// From any thread: lets WaitForEnd return.
void EndProcess();

}  // namespace weft::relay
