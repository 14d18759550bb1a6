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
  bool ours = false;     // label app.kubernetes.io/managed-by: weft
  std::string source;    // annotation weft.dev/source
  yaml::Node spec;
  Span span;  // of the whole
};

// The parts of an object as they stand, unchecked. A missing namespace is `default`, a missing spec
// is an empty one.
[[nodiscard]] IstioObject PartsOf(const yaml::Node& root);

// Every object of the file. What Istio would refuse is reported with codes 5101-5107 and left out;
// kinds other than those weft emits are errors too.
[[nodiscard]] std::vector<IstioObject> ReadIstio(const Source& source, Diagnostics& diagnostics);

// Reports what is wrong with the Istio objects among the Kubernetes objects of a file, those of the
// kinds weft emits; lists are looked into, other kinds are passed over, and so are faults of the
// YAML itself. What a cluster evidently accepted (it has a uid, a resourceVersion or a creation
// time) is a warning, as such a cluster may run another version of Istio; anything else is an
// error.
void CheckForeign(const Source& source, Diagnostics& diagnostics);

}  // namespace weft::emit::check
