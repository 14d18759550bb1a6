// Steps of the check; internal to checker/. A refusal is thrown.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checker/checker.h"

namespace weft::checker {

using Json = nlohmann::json;

[[noreturn]] void Refuse(Refusal::Why why, const std::string& where, const std::string& what);

// The certificate in the file, when digest and signature are right. Sets `signer`.
[[nodiscard]] Json ReadDocument(const std::string& text, const std::string& key,
                                std::string& signer);

// Whether a value of an axis is one of those the literal speaks of.
[[nodiscard]] bool Matches(const Json& pattern, const Json& value);
// Values that patterns over an axis could tell apart: one for every way of having exact values,
// prefixes and suffixes, and the ends of address blocks; of regular expressions none.
[[nodiscard]] std::vector<std::string> Probes(const std::string& axis,
                                              const std::vector<Json>& patterns);

// Whether a condition holds for some request of a part, and whether it fails for some. Never says
// no where some does.
struct Truth {
  bool holds = false, fails = false;
};
using Box = std::vector<std::vector<bool>>;  // a part: of each axis the values that are in it

class Requests {
 public:
  // `axes` must outlive this.
  explicit Requests(const Json& axes) : axes_(axes) {}
  [[nodiscard]] Box Everything() const;
  [[nodiscard]] Box One(const Json& values) const;
  [[nodiscard]] Truth Holds(const Json& condition, const Box& box) const;
  // Refuses axes that leave out what the conditions tell apart.
  void CheckCover(const std::vector<const Json*>& conditions, const std::string& where) const;

 private:
  [[nodiscard]] Truth Literal(const Json& literal, const Box& box) const;
  const Json& axes_;
  mutable std::map<std::pair<const Json*, std::size_t>, std::vector<bool>> members_;
};

}  // namespace weft::checker
