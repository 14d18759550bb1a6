// `weft explain --log`: which rule decided each request of an access log.
#pragma once

#include <string>

#include "cli/policy.h"
#include "cli/request_flags.h"

namespace weft::cli {

// Reads the file, or standard input for "-", line by line and prints what decided each. Where a
// line does not say who called or at which gateway, `flags` do. Bad lines are reported with their
// number. Returns the exit code.
[[nodiscard]] int ExplainLog(const Policy& policy, const std::string& file,
                             const RequestFlags& flags, Format format);

}  // namespace weft::cli
