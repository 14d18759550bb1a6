// Files written so that a crash leaves the old or the new one, whole.
#pragma once

#include <sys/types.h>

#include <string>

#include "dsl/result.h"

namespace weft::relay {

// Temporary name, fsync, rename, fsync of the directory. The temporary name begins with a dot.
[[nodiscard]] Status WriteDurably(const std::string& path, const std::string& text, mode_t mode);
// Directories that are made are for their owner only.
[[nodiscard]] Status MakeDirectory(const std::string& path);
// Up to 256 MiB.
[[nodiscard]] Result<std::string> ReadWhole(const std::string& path);

}  // namespace weft::relay
