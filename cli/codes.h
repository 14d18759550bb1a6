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

inline constexpr Code kProofUnreadable{6904, "proof-unreadable",
                                       "A file is no certificate of `weft verify --certificate`: "
                                       "it is no JSON, was cut off, is larger "
                                       "than 64 MiB or nested more than 64 deep, or of a later "
                                       "format; or the key is none. The message "
                                       "has the byte. Exit code 2."};
inline constexpr Code kProofAltered{
    6905, "proof-altered",
    "A certificate is not as it was written: its digest or its signature is not of its text, it is "
    "signed by another key than `--key`, not signed at all, or not in canonical form. Do not rely "
    "on "
    "it; have it made again by whom you trust."};
inline constexpr Code kProofOfOtherInputs{
    6906, "proof-of-other-inputs",
    "A certificate is of other inputs than those that `--inputs` names: a file was changed, added "
    "or "
    "removed since. Run `weft verify --certificate` on the inputs as they are now."};
inline constexpr Code kProofDoesNotFollow{
    6907, "proof-does-not-follow",
    "A certificate claims what does not follow from what is in it. The message has the place as a "
    "JSON pointer: a cell in which its reason does not hold, a request that does not get in, "
    "values "
    "that leave out requests, a server nothing is said of, a verdict that is not the one of the "
    "arguments. Whoever made it was wrong or lied; if it was weft, please report it with the "
    "policy."};

inline constexpr std::array kCommandCodes = {
    kUnreadableToml, kUnknownSetting,     kStaleAcceptance,   kProofUnreadable,
    kProofAltered,   kProofOfOtherInputs, kProofDoesNotFollow};

}  // namespace weft::cli::codes
