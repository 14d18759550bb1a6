#pragma once

// Items are written as blocks of lines separated by line breaks; the formatter lays them out.

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dsl/items.h"
#include "dsl/print_parts.h"

namespace weft::dsl {

// Collects the lines of a block: `word { a  b }`.
class Block {
 public:
  Block& Line(std::string line) {
    if (!line.empty()) lines_.push_back(std::move(line));
    return *this;
  }
  template <typename T>
  Block& Number(std::string_view words, const std::optional<T>& number) {
    if (number) Line(fmt::format("{} {}", words, number->value));
    return *this;
  }
  Block& Time(std::string_view words, const std::optional<Duration>& time) {
    if (time) Line(std::string(words) + " " + TextOf(time->value));
    return *this;
  }
  Block& Share(std::string_view words, const std::optional<Percent>& share) {
    if (share) Line(std::string(words) + " " + TextOf(share->value));
    return *this;
  }
  Block& Text(std::string_view words, const std::optional<Str>& text) {
    if (text) Line(std::string(words) + " " + Quoted(text->value));
    return *this;
  }
  Block& List(std::string_view words, const std::vector<Str>& list) {
    if (!list.empty()) Line(std::string(words) + " " + Strings(list));
    return *this;
  }
  Block& If(bool condition, std::string_view line) {
    if (condition) Line(std::string(line));
    return *this;
  }
  [[nodiscard]] std::string In(std::string_view head) const {
    return std::string(head) + " {\n" + Joined(lines_, "\n") + "\n}";
  }
  [[nodiscard]] bool empty() const { return lines_.empty(); }

 private:
  std::vector<std::string> lines_;
};

// `phase before authorization order 2`; empty when there is none.
std::string PhaseText(const std::optional<PhaseClause>& phase);

// The text after a space; nothing when it is empty.
inline std::string Spaced(std::string text) { return text.empty() ? text : " " + std::move(text); }

std::string Text(const BodyLimitItem& i);
std::string Text(const BufferItem& i);
std::string Text(const ProxyProtocolItem& i);
std::string Text(const LuaItem& i);
std::string Text(const TransformItem& i);
std::string Text(const WasmItem& i);
std::string Text(const WafItem& i);
std::string Text(const MaskItem& i);
std::string Text(const LogItem& i);
std::string Text(const HealthCheckItem& i);
std::string Text(const AdaptConcurrencyItem& i);

}  // namespace weft::dsl
