// One process at a time has a store's directory.
#pragma once

#include <memory>
#include <string>

#include "dsl/result.h"

namespace weft::relay {

// Held while it lives; the system lets go of it when the process dies.
class StoreLock {
 public:
  explicit StoreLock(int descriptor) : descriptor_(descriptor) {}
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  int descriptor_;
};

// Errors: another process holds it, the directory is not there.
[[nodiscard]] Result<std::unique_ptr<StoreLock>> LockStore(const std::string& directory);

}  // namespace weft::relay
