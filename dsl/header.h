// What every declaration of the language has.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dsl/name.h"

namespace weft::dsl {

struct Header {
  Name name;
  Span span;          // the declaration's first line: keyword to the name (and its `in`/`on` part)
  std::string doc;    // text of the `///` comment above
  std::string owner;  // workspace section it stands in; "" = mesh section
  Span owner_span;
  std::vector<LabelTerm> labels;  // `label k = "v"`
};

}  // namespace weft::dsl
