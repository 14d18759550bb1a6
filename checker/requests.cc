// Conditions over parts of the requests an argument is about.
#include <algorithm>
#include <set>

#include "checker/parts.h"

namespace weft::checker {
namespace {

// What the conditions ask of each axis.
using Asked = std::map<std::pair<std::string, std::string>, std::set<Json>>;

void Collect(const Json& condition, Asked& asked) {
  if (!condition.is_object()) return;
  for (const char* part : {"all", "any"}) {
    for (const Json& child : condition.value(part, Json::array())) Collect(child, asked);
  }
  if (condition.contains("not")) Collect(condition.at("not"), asked);
  if (!condition.contains("axis")) return;
  for (const Json& pattern : condition.at("is")) {
    asked[{condition.at("axis"), condition.at("name")}].insert(pattern);
  }
}

}  // namespace

// A claim is a list: of each of its values there is an axis, on which 0 is not having it.
Box Requests::Everything() const {
  Box box;
  for (const Json& axis : axes_) {
    box.emplace_back(axis.at("axis") == "claim" ? 2 : axis.at("values").size(), true);
  }
  return box;
}

Box Requests::One(const Json& values) const {
  Box box = Everything();
  for (std::size_t i = 0; i < box.size(); ++i) {
    box[i].assign(box[i].size(), false);
    box[i].at(values.at(i).get<std::size_t>()) = true;
  }
  return box;
}

Truth Requests::Literal(const Json& literal, const Box& box) const {
  const Json& patterns = literal.at("is");
  const bool claim = literal.at("axis") == "claim";
  Truth truth{false, claim};
  for (std::size_t i = 0; i < axes_.size(); ++i) {
    const Json& axis = axes_[i];
    if (axis.at("axis") != literal.at("axis") || axis.at("name") != literal.at("name")) continue;
    std::vector<bool>& members = members_[{&literal, i}];
    if (members.empty()) {
      for (const Json& value : axis.at("values")) {
        members.push_back(std::any_of(patterns.begin(), patterns.end(),
                                      [&](const Json& one) { return Matches(one, value); }));
      }
    }
    if (claim) {
      truth.holds = truth.holds || (members.at(0) && box[i][1]);
      truth.fails = truth.fails && !(members.at(0) && !box[i][0]);
      continue;
    }
    for (std::size_t v = 0; v < members.size(); ++v) {
      if (box[i][v]) (members[v] ? truth.holds : truth.fails) = true;
    }
    return truth;
  }
  if (!claim && !patterns.empty())
    Refuse(Refusal::Why::kDoesNotFollow, literal.dump(), "speaks of no axis");
  return {truth.holds, truth.fails || patterns.empty()};
}

Truth Requests::Holds(const Json& condition, const Box& box) const {
  if (condition.is_boolean()) return {condition == true, condition == false};
  if (condition.contains("axis")) return Literal(condition, box);
  if (condition.contains("not")) {
    const Truth child = Holds(condition.at("not"), box);
    return {child.fails, child.holds};
  }
  const bool all = condition.contains("all");
  Truth truth{all, !all};
  for (const Json& child : condition.at(all ? "all" : "any")) {
    const Truth one = Holds(child, box);
    truth = all ? Truth{truth.holds && one.holds, truth.fails || one.fails}
                : Truth{truth.holds || one.holds, truth.fails && one.fails};
  }
  return truth;
}

void Requests::CheckCover(const std::vector<const Json*>& conditions,
                          const std::string& where) const {
  Asked asked;
  for (const Json* condition : conditions) Collect(*condition, asked);
  for (const auto& [what, patterns] : asked) {
    const auto class_of = [&](const Json& value) {
      std::vector<bool> matches{value.is_null()};
      for (const Json& pattern : patterns) matches.push_back(Matches(pattern, value));
      return matches;
    };
    std::set<std::vector<bool>> classes;
    for (const Json& axis : axes_) {
      if (axis.at("axis") != what.first || axis.at("name") != what.second) continue;
      for (const Json& value : axis.at("values")) classes.insert(class_of(value));
    }
    Json probes = Probes(what.first, {patterns.begin(), patterns.end()});
    if (what.first == "header" || what.first == "query") probes.emplace_back(nullptr);
    for (const Json& probe : probes) {
      if (classes.contains(class_of(probe))) continue;
      Refuse(Refusal::Why::kDoesNotFollow, where, "leaves out what is like " + probe.dump());
    }
  }
}

}  // namespace weft::checker
