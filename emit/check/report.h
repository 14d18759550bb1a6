// Faults of Istio objects as diagnostics.
#pragma once

#include <string>

#include "dsl/diagnostic.h"
#include "dsl/yaml.h"

namespace weft::emit::check {

// Collects what is wrong with one object.
class Report {
 public:
  explicit Report(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  // `istio` is what the API server or Istio's webhook says of it, for those who search for it.
  Diagnostic& Fault(const Code& code, Span span, std::string message, const std::string& istio);

  // A rule of Istio about what a field may hold, or about fields together, is broken.
  Diagnostic& Broken(const yaml::Node& node, std::string message, const std::string& istio = "");

 private:
  Diagnostics& diagnostics_;
};

}  // namespace weft::emit::check
