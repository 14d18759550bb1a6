#include "dsl/gloo/forms.h"

#include <array>
#include <cstdlib>

#include "dsl/codes.h"
#include "dsl/gloo/duration.h"

namespace weft::gloo {
namespace {

using dsl::Bounds;
using dsl::Judgement;
using dsl::Share;

struct NumberForm {
  std::string_view name;
  Bounds bounds;
  std::string_view text;
};
// 0 is what a field has that is not set, so a form without it refuses what would be lost.
constexpr std::array<NumberForm, 10> kNumbers = {{
    {"count", dsl::kCount, "from 1"},
    {"count-or-none", dsl::kCountOrNone, "from 0"},
    {"rank", dsl::kRank, "0 to 1000000000"},
    {"status", dsl::kStatus, "200 to 599"},
    {"any-status", dsl::kAnyStatus, "100 to 599"},
    {"behind-status", {101, 600}, "101 to 600"},
    {"bytes", dsl::kBytes, "1 to 4294967295"},
    {"port", {1, 65535}, "1 to 65535"},
    {"percent", {0, 100}, "0 to 100"},
    {"key-bits", {1024, 16384}, "1024 to 16384"},
}};

struct ShareForm {
  std::string_view name;
  Share share;
  std::string_view text;
};
constexpr std::array<ShareForm, 2> kShares = {{
    {"share", Share::kSome, "percent, above 0"},
    {"share-or-none", Share::kAny, "percent"},
}};

struct TextForm {
  std::string_view name;
  Judgement (*judge)(const std::string& text);
  std::string_view text;
};

Judgement JudgeAll(const std::string& list, Judgement (*judge)(const std::string&)) {
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    std::string word = list.substr(begin, comma - begin);
    word.erase(0, word.find_first_not_of(' '));
    word.erase(word.find_last_not_of(' ') + 1);
    if (!word.empty()) {
      if (Judgement fault = judge(word)) return fault;
    }
    begin = comma + 1;
  }
  return std::nullopt;
}

constexpr std::array<TextForm, 7> kTexts = {{
    {"header", [](const std::string& t) { return HeaderFault(t, dsl::HeaderPlace::kPseudo); },
     "name of a header"},
    {"changed-header",
     [](const std::string& t) { return HeaderFault(t, dsl::HeaderPlace::kChange); },
     "name of a header"},
    {"header-value", [](const std::string& t) { return dsl::HeaderValueFault(t); },
     "value of a header"},
    {"method", [](const std::string& t) { return dsl::MethodFault(t); }, "method"},
    {"path", [](const std::string& t) { return dsl::PathFault(t); }, "path"},
    {"regex", [](const std::string& t) { return dsl::ExpressionFault(t); }, "RE2"},
    {"retry-conditions", [](const std::string& t) { return JudgeAll(t, dsl::RetryConditionFault); },
     "conditions joined by commas"},
}};

template <typename Forms>
const auto* FindForm(const Forms& forms, std::string_view name) {
  for (const auto& form : forms) {
    if (form.name == name) return &form;
  }
  return static_cast<decltype(&forms[0])>(nullptr);
}

}  // namespace

bool IsForm(Scalar scalar, std::string_view form) {
  switch (scalar) {
    case Scalar::kInt:
      return FindForm(kNumbers, form) != nullptr;
    case Scalar::kNumber:
      return FindForm(kShares, form) != nullptr;
    case Scalar::kDuration:
      return form == "positive";
    case Scalar::kString:
      return FindForm(kTexts, form) != nullptr;
    case Scalar::kBool:
    case Scalar::kAny:
    case Scalar::kEnum:
    case Scalar::kMessage:
      break;
  }
  return false;
}

std::string FormText(std::string_view form) {
  if (form == "positive") return "above 0";
  if (const auto* number = FindForm(kNumbers, form)) return std::string(number->text);
  if (const auto* share = FindForm(kShares, form)) return std::string(share->text);
  if (const auto* text = FindForm(kTexts, form)) return std::string(text->text);
  return "";
}

Judgement JudgeForm(const Field& field, std::string_view name, const yaml::Node& node) {
  const std::string what = "`" + std::string(name) + "`";
  if (field.form == "positive") {
    const auto duration = ParseGoDuration(node.text);
    return DurationFault(what, dsl::Zero::kRefused, duration.value_or(dsl::Millis(1)));
  }
  if (const auto* number = FindForm(kNumbers, field.form)) {
    return NumberFault(what, number->bounds, node.AsInt().value_or(number->bounds.least));
  }
  if (const auto* share = FindForm(kShares, field.form)) {
    return ShareFault(what, share->share, std::strtod(node.text.c_str(), nullptr));
  }
  if (const auto* text = FindForm(kTexts, field.form)) return text->judge(node.text);
  return std::nullopt;
}

}  // namespace weft::gloo
