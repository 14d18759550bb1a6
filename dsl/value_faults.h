// What is wrong with a value that a proxy, HTTP or Kubernetes would refuse, cut off or take for not
// set: one judgement for weft text (dsl/cursor.h, dsl/values.h) and for objects in YAML
// (dsl/gloo/check_fields.cc). nullopt when nothing is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dsl/bounds.h"
#include "dsl/diagnostic.h"
#include "dsl/name.h"

namespace weft::dsl {

struct Fault {
  Code code;
  std::string message;
  std::string help;
};
using Judgement = std::optional<Fault>;

// `what` is what the value belongs to, as it stands in messages.
[[nodiscard]] Judgement NumberFault(std::string_view what, Bounds bounds, std::int64_t value);
[[nodiscard]] Judgement SizeFault(std::string_view what, Bounds bounds, std::int64_t bytes);
[[nodiscard]] Judgement DurationFault(std::string_view what, Zero zero, Millis value);
[[nodiscard]] Judgement ShareFault(std::string_view what, Share share, double percent);

// Where the name of a header stands.
enum class HeaderPlace : std::uint8_t {
  kField,   // what a request or an answer carries; not its method, path and host
  kChange,  // what is set, added or removed
  kPseudo,  // `:path` and its like are names too
};
[[nodiscard]] Judgement HeaderFault(const std::string& name, HeaderPlace place);
[[nodiscard]] Judgement HeaderValueFault(const std::string& value);
// A method that HTTP does not know is fine when it is a token and no known one in small letters.
[[nodiscard]] Judgement MethodFault(const std::string& method);
[[nodiscard]] Judgement PathFault(const std::string& path);
[[nodiscard]] Judgement ExpressionFault(const std::string& regex);
[[nodiscard]] Judgement RetryConditionFault(const std::string& word);
[[nodiscard]] Judgement LabelFault(const std::string& key, const std::string& value);
[[nodiscard]] Judgement NamespaceFault(const std::string& name);
[[nodiscard]] Judgement ObjectNameFault(const std::string& name);

}  // namespace weft::dsl
