// TOML with the place of everything in it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/source.h"

namespace weft::cli {

struct TomlEntry;

struct TomlValue {
  enum class Kind { kText, kNumber, kFlag, kDate, kList, kTable };
  Kind kind = Kind::kText;
  std::string text;                // of all but lists and tables; a date is 2027-01-31
  std::vector<TomlValue> items;    // kList
  std::vector<TomlEntry> entries;  // kTable; in the order of the keys
  Span span;

  [[nodiscard]] const TomlValue* Find(const std::string& key) const;  // nullptr when absent
};

struct TomlEntry {
  std::string key;
  Span span;  // of the key
  TomlValue value;
};

// The table at the top; nullopt when the text is not TOML, which is reported (W6901).
[[nodiscard]] std::optional<TomlValue> ReadToml(const Source& source, Diagnostics& diagnostics);

}  // namespace weft::cli
