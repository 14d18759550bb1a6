#include "emit/check/report.h"

#include <utility>

#include "emit/codes.h"

namespace weft::emit::check {

Diagnostic& Report::Fault(const Code& code, Span span, std::string message,
                          const std::string& istio) {
  Diagnostic& diagnostic = diagnostics_.Error(code, span, std::move(message));
  if (!istio.empty() && diagnostic.notes.empty())
    diagnostic.notes.push_back("Istio says: " + istio);
  return diagnostic;
}

Diagnostic& Report::Broken(const yaml::Node& node, std::string message, const std::string& istio) {
  return Fault(codes::kBrokenRule, node.span, std::move(message), istio);
}

}  // namespace weft::emit::check
