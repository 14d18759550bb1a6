// Structured log: one JSON object a line on stderr. Never given a token, a key or a secret.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

namespace weft::relay {

enum class Level { kInfo, kWarning, kError };

// Thread-safe.
void Log(Level level, const std::string& what,
         std::initializer_list<std::pair<const char*, std::string>> fields = {});

}  // namespace weft::relay
