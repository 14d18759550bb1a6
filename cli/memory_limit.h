// `--memory-limit`: a bound on the memory of the process, with a plain end when it is reached.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weft::cli {

// Bytes of "512MiB", "2GB", "1073741824"; units are B, KB, MB, GB (powers of 1000) and KiB, MiB,
// GiB. nullopt for anything else, and for zero.
[[nodiscard]] std::optional<std::uint64_t> ParseSize(const std::string& text);

// From here on, data of the process (setrlimit(2), RLIMIT_DATA) beyond that many bytes ends it with
// exit code 2 and a message. False when the system refuses the limit.
[[nodiscard]] bool LimitMemory(std::uint64_t bytes);

}  // namespace weft::cli
