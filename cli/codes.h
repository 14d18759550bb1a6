// Codes of the command line: 6900-6999, for the files that it reads beside policy. Every constant
// must be listed in kCommandCodes.
#pragma once

#include <array>

#include "dsl/diagnostic.h"

namespace weft::cli::codes {

inline constexpr Code kUnreadableToml{
    6901, "unreadable-toml",
    "A project file (`weft.toml`) or a baseline is not TOML, or has a value of another kind than "
    "is wanted there: text, a list of texts, a number, true or false, a date such as 2027-01-31."};
inline constexpr Code kUnknownSetting{
    6902, "unknown-setting",
    "A project file has a key weft does not know. At its top stand `inputs` and `inventory`, which "
    "are used by every command that reads policy; a table named like a command holds that "
    "command's flags, without dashes in front: `[verify]`, `fail-on = \"warning\"`. A baseline is "
    "a "
    "list of `[[accepted]]` with `fingerprint`, `until`, and for people `reason`, `code`, `file` "
    "and `message`."};
inline constexpr Code kStaleAcceptance{
    6903, "stale-acceptance",
    "A baseline accepts a finding that is not there any more: it was mended, or has become "
    "another. Remove the entry, or write the baseline anew with `--write-baseline`."};

inline constexpr std::array kCommandCodes = {kUnreadableToml, kUnknownSetting, kStaleAcceptance};

}  // namespace weft::cli::codes
