#include "cli/toml_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "cli/codes.h"

namespace weft::cli {
namespace {

// From the library's lines and columns to spans.
class Places {
 public:
  explicit Places(const Source& source) : source_(source), starts_{0} {
    for (std::size_t i = 0; i < source.text.size(); ++i) {
      if (source.text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  [[nodiscard]] Span Of(const toml::source_region& region) const {
    return {source_.id, Offset(region.begin), std::max(Offset(region.begin), Offset(region.end))};
  }
  [[nodiscard]] Span At(const toml::source_position& position) const {
    return {source_.id, Offset(position), Offset(position)};
  }

 private:
  [[nodiscard]] std::uint32_t Offset(const toml::source_position& position) const {
    if (position.line == 0 || position.line > starts_.size()) return 0;
    const std::size_t offset = starts_[position.line - 1] + (position.column - 1);
    return static_cast<std::uint32_t>(std::min(offset, source_.text.size()));
  }

  const Source& source_;
  std::vector<std::size_t> starts_;
};

template <typename T>
std::string Print(const T& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

TomlValue Convert(const toml::node& node, const Places& places) {
  using Kind = TomlValue::Kind;
  TomlValue value;
  value.span = places.Of(node.source());
  if (const toml::table* table = node.as_table()) {
    value.kind = Kind::kTable;
    for (const auto& [key, entry] : *table) {
      value.entries.push_back(
          {std::string(key.str()), places.Of(key.source()), Convert(entry, places)});
    }
  } else if (const toml::array* array = node.as_array()) {
    value.kind = Kind::kList;
    for (const toml::node& item : *array) value.items.push_back(Convert(item, places));
  } else if (const auto* text = node.as_string()) {
    value.text = text->get();
  } else if (const auto* flag = node.as_boolean()) {
    value.kind = Kind::kFlag;
    value.text = flag->get() ? "true" : "false";
  } else if (const auto* date = node.as_date()) {
    value.kind = Kind::kDate;
    value.text = Print(date->get());
  } else if (const auto* whole = node.as_integer()) {
    value.kind = Kind::kNumber;
    value.text = Print(whole->get());
  } else if (const auto* real = node.as_floating_point()) {
    value.kind = Kind::kNumber;
    value.text = Print(real->get());
  } else if (const auto* moment = node.as_date_time()) {
    value.text = Print(moment->get());
  } else if (const auto* time = node.as_time()) {
    value.text = Print(time->get());
  }
  return value;
}

}  // namespace

const TomlValue* TomlValue::Find(const std::string& key) const {
  for (const TomlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

std::optional<TomlValue> ReadToml(const Source& source, Diagnostics& diagnostics) {
  const Places places(source);
  try {
    const toml::table table = toml::parse(std::string_view(source.text), source.name);
    return Convert(table, places);
  } catch (const toml::parse_error& error) {
    std::string why(error.description());
    why = why.substr(0, why.find('\n'));
    diagnostics.Error(codes::kUnreadableToml, places.At(error.source().begin), "this is not TOML")
        .label = why;
    return std::nullopt;
  }
}

}  // namespace weft::cli
