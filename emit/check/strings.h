// String matching as Envoy does it for Istio's fields.
#pragma once

#include <string>
#include <string_view>

#include "dsl/yaml.h"

namespace weft::emit::check {

// A StringMatch {exact|prefix|regex}; an empty one is true of every value (present).
[[nodiscard]] bool MatchesString(const yaml::Node& match, std::string_view value);

// A value of an AuthorizationPolicy: `*` (not empty), `*suf`, `pre*`, exact.
[[nodiscard]] bool MatchesValue(std::string_view pattern, std::string_view value);

// A path of an AuthorizationPolicy, which may be a template with `{*}` and `{**}`.
[[nodiscard]] bool MatchesPath(std::string_view pattern, std::string_view path);

// A name whose dots are its own, as part of a path joined by dots: a backslash stands before each.
[[nodiscard]] std::string WithoutDots(std::string_view name);

// RE2, whole value.
[[nodiscard]] bool MatchesRegex(const std::string& regex, std::string_view value);

// A host of a VirtualService, Gateway or Sidecar: exact, `*.x`, `*`. 0 = no; larger = more
// specific.
[[nodiscard]] std::size_t HostFit(std::string_view pattern, std::string_view host);

}  // namespace weft::emit::check
