// Copies of a store in one file, and back.
#pragma once

#include <string>

#include "dsl/result.h"

namespace weft::relay {

// Copies the store in `directory` to `file`, as of one moment, while a server may be using it. The
// file is its owner's alone; one that is there is replaced once the copy is whole.
[[nodiscard]] Status BackUpStore(const std::string& directory, const std::string& file);

// Puts the copy in `file` into `directory`. Errors, with nothing changed: the file is no whole
// store or its audit log is broken; the directory holds a store; a server uses it.
[[nodiscard]] Status RestoreStore(const std::string& file, const std::string& directory);

}  // namespace weft::relay
