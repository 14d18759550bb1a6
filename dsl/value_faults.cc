#include "dsl/value_faults.h"

#include <cmath>

#include "dsl/codes.h"
#include "dsl/words.h"

namespace weft::dsl {
namespace {

Judgement Literal(std::string message, std::string help = "") {
  return Fault{codes::kBadLiteral, std::move(message), std::move(help)};
}

// What a literal belongs to, in backticks when it is a word of the language.
std::string InTicks(std::string_view what) {
  return what.starts_with('`') ? std::string(what) : "`" + std::string(what) + "`";
}

}  // namespace

Judgement NumberFault(std::string_view what, Bounds bounds, std::int64_t value) {
  if (value >= bounds.least && value <= bounds.most) return std::nullopt;
  std::string text(what);
  text += bounds.most < kMostCount ? " lies between " + std::to_string(bounds.least) + " and " +
                                         std::to_string(bounds.most)
                                   : " is a number from " + std::to_string(bounds.least) + " to " +
                                         std::to_string(bounds.most);
  return Literal(text + ", found `" + std::to_string(value) + "`");
}

Judgement SizeFault(std::string_view what, Bounds bounds, std::int64_t bytes) {
  if (bytes >= bounds.least && bytes <= bounds.most) return std::nullopt;
  return Literal(InTicks(what) + " takes between " + std::to_string(bounds.least) + " and " +
                 std::to_string(bounds.most) + " bytes");
}

Judgement DurationFault(std::string_view what, Zero zero, Millis value) {
  if (zero == Zero::kAllowed || value.count() != 0) return std::nullopt;
  return Literal(InTicks(what) + " takes at least `1ms`, found `0`");
}

Judgement ShareFault(std::string_view what, Share share, double percent) {
  constexpr double kLeastShare = 0.0001;
  const bool whole = percent == std::floor(percent);
  std::string expected;
  if (percent < 0 || percent > 100) expected = "a percentage between `0%` and `100%`";
  switch (share) {
    case Share::kAny:
      break;
    case Share::kSome:
      if (percent < kLeastShare) expected = "a percentage of at least `0.0001%`";
      break;
    case Share::kWhole:
      if (!whole || percent < 1) expected = "a whole percentage between `1%` and `100%`";
      break;
    case Share::kWholeOrNone:
      if (!whole) expected = "a whole percentage";
      break;
  }
  if (expected.empty()) return std::nullopt;
  return Literal(std::string(what) + " takes " + expected);
}

Judgement HeaderFault(const std::string& name, HeaderPlace place) {
  const bool inner = name.starts_with(':') || Upper(name) == "HOST";
  if (inner && place == HeaderPlace::kPseudo) return std::nullopt;
  if (inner) {
    return Literal(place == HeaderPlace::kField ? "`" + name + "` is not asked for as a header"
                                                : "`" + name + "` cannot be changed as a header");
  }
  if (IsHttpToken(name)) return std::nullopt;
  return Literal("`" + name + "` is no name of a header",
                 "it is made of letters, digits and `-`, as in \"x-user\"");
}

Judgement HeaderValueFault(const std::string& value) {
  if (IsHeaderValue(value)) return std::nullopt;
  return Literal("this is no value of a header",
                 value.find('%') == std::string::npos
                     ? "it has no line breaks and no control characters"
                     : "a `%` is written `%%`; alone it begins a command such as `%REQ(x)%`");
}

Judgement MethodFault(const std::string& method) {
  if (!IsHttpToken(method)) return Literal("`" + method + "` is no method");
  const std::string upper = Upper(method);
  if (upper == method || !IsMethod(upper)) return std::nullopt;
  return Literal("methods are written in capitals, found `" + method + "`",
                 "write `" + upper + "`");
}

Judgement PathFault(const std::string& path) {
  if (path.starts_with('/')) return std::nullopt;
  return Fault{codes::kBadPattern, "a path begins with `/`, found `" + path + "`", ""};
}

Judgement ExpressionFault(const std::string& regex) {
  std::string fault = RegexFault(regex);
  if (fault.empty()) return std::nullopt;
  return Fault{codes::kBadPattern, std::move(fault), ""};
}

Judgement RetryConditionFault(const std::string& word) {
  if (IsRetryCondition(word)) return std::nullopt;
  std::string help;
  const std::string near = NearestName(word, RetryConditions());
  if (!near.empty()) {
    help = "did you mean `" + near + "`?";
  } else {
    for (const std::string& known : RetryConditions()) {
      help += (help.empty() ? "conditions are `" : ", `") + known + "`";
    }
    help += " and statuses such as `503`";
  }
  return Literal("`" + word + "` is no condition for a retry", std::move(help));
}

Judgement LabelFault(const std::string& key, const std::string& value) {
  if (!IsLabelKey(key)) {
    return Literal(
        "`" + key + "` is no key of a label",
        "it is made of letters, digits, `-`, `_` and `.`, with a domain before a `/` if any");
  }
  if (IsLabelValue(value)) return std::nullopt;
  return Literal("`" + value + "` is no value of a label",
                 "it is made of letters, digits, `-`, `_` and `.`, at most 63 of them");
}

Judgement NamespaceFault(const std::string& name) {
  if (IsDnsLabel(name)) return std::nullopt;
  return Literal("`" + name + "` is no name of a namespace",
                 "it is made of lower-case letters, digits and `-`");
}

Judgement ObjectNameFault(const std::string& name) {
  if (IsObjectName(name)) return std::nullopt;
  return Literal("`" + name + "` is no name of an object of Kubernetes",
                 "it is made of lower-case letters, digits, `-` and `.`");
}

}  // namespace weft::dsl
