// Forms: what the value of a field may be beyond its type, as the table of fields names it behind
// the type (`int:status`). They are judged as the values of weft text are.
#pragma once

#include <string>
#include <string_view>

#include "dsl/gloo/schema.h"
#include "dsl/value_faults.h"
#include "dsl/yaml.h"

namespace weft::gloo {

// Whether the table may give a field of the type this form.
[[nodiscard]] bool IsForm(Scalar scalar, std::string_view form);

// For docs/gloo.md: "1 to 65535"; "" where the type says enough.
[[nodiscard]] std::string FormText(std::string_view form);

// What is wrong with a value of the field that is of its type. `name` is the field's.
[[nodiscard]] dsl::Judgement JudgeForm(const Field& field, std::string_view name,
                                       const yaml::Node& node);

}  // namespace weft::gloo
