// Istio objects as they are read back: by a reader of its own, so that it can judge the writer.
#pragma once

#include <string>
#include <vector>

#include "dsl/diagnostic.h"
#include "dsl/source.h"
#include "dsl/yaml.h"

namespace weft::emit::check {

struct IstioObject {
  std::string kind, ns, name;
  bool dry_run = false;  // annotation istio.io/dry-run
  yaml::Node spec;
};

// Every object of the file. What Istio would refuse is reported with codes 5101-5109 and left out;
// kinds other than those weft emits are errors too. A missing namespace is `default`.
[[nodiscard]] std::vector<IstioObject> ReadIstio(const Source& source, Diagnostics& diagnostics);

}  // namespace weft::emit::check
