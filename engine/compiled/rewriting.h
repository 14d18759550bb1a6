// Rewrites of the path, prepared for many requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/compiled/patterns.h"
#include "engine/model.h"

namespace weft::engine::compiled {

// Replaces what the rule's first matching `=`, `under` or `starts` covers, or every match of an
// expression, or else the leading "/".
class PathRewrite {
 public:
  PathRewrite(const RouteRule& rule, const Rewrite& rewrite, Regexes& regexes);
  [[nodiscard]] std::string Apply(std::string_view path) const;

 private:
  struct Part {
    enum class Kind { kWhole, kSegments, kBytes };
    Kind kind = Kind::kWhole;
    std::string text;
    [[nodiscard]] bool Covers(std::string_view path) const;
  };
  void Collect(const Condition& condition);

  std::string to_;
  bool by_regex_ = false;
  const re2::RE2* regex_ = nullptr;  // nullptr with by_regex_: refused by RE2, changes nothing
  std::vector<Part> parts_;          // in reading order
};

}  // namespace weft::engine::compiled
