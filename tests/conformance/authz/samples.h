// Calls worth asking about: drawn from the values that policies and filters name, and from what
// lies just beside them.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "emit/check/authorization.h"
#include "tests/conformance/authz/cases.h"

namespace weft::conformance {

class Sampler {
 public:
  // Takes the values of the case's policies and of its filters.
  explicit Sampler(const Case& test);

  // A call of the case's layer. Two of three begin with one that fits some rule and change little.
  [[nodiscard]] emit::check::Call Draw(std::mt19937_64& random) const;

 private:
  using Values = std::vector<std::string>;

  void AddPolicies(const Case& test);
  void AddFilter(const yaml::Node& node, const std::string& key);
  [[nodiscard]] emit::check::Call Anything(std::mt19937_64& random) const;
  void Fit(emit::check::Call& call, std::mt19937_64& random) const;
  void Disturb(emit::check::Call& call, std::mt19937_64& random) const;

  // A value of a rule, and where it is found in a call.
  struct Wish {
    std::string where;  // field of a Source or Operation, or key of `when`
    std::string ns;     // of the policy
    Values values;
  };
  struct Rule {
    std::vector<std::vector<Wish>> from, to;
    std::vector<Wish> when;
  };
  void Put(const Wish& wish, const std::string& value, emit::check::Call& call,
           std::mt19937_64& random) const;

  std::vector<Rule> rules_;
  std::vector<Wish> wishes_;  // all of them, negated ones too
  Values texts_;              // strings of the filters
  bool http_ = true;
};

}  // namespace weft::conformance
