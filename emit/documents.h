// Kubernetes objects of a file, one by one: each as a source of its own whose places are those of
// the file.
#pragma once

#include <string>
#include <vector>

#include "dsl/source.h"
#include "dsl/yaml.h"

namespace weft::emit {

struct DocumentText {
  yaml::Node root;
  Source source;     // only this document, at its place
  std::string text;  // as it stands, comments inside it included
};

// Documents that can be read; faults of the YAML go to `diagnostics`. Nothing is looked at but
// YAML.
[[nodiscard]] std::vector<DocumentText> SplitDocuments(const Source& source,
                                                       Diagnostics& diagnostics);

}  // namespace weft::emit
