// The embedded store: one SQLite file, write-ahead log, every commit synchronous.
#pragma once

#include <memory>
#include <string>

#include "relay/store/store.h"

namespace weft::relay {

// Opens or makes `directory`/weft.db. One process at a time: a second one is refused. A damaged
// file is refused, never repaired in silence.
[[nodiscard]] Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& directory);

}  // namespace weft::relay
