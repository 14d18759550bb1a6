// Diagnostics as text for people.
#pragma once

#include <functional>
#include <string>

#include "dsl/diagnostic.h"
#include "dsl/source.h"

namespace weft {

struct RenderOptions {
  bool color = false;  // ANSI colours
  bool plain = false;  // ASCII only, for screen readers and logs
  // How files are called; by their name in the source map when empty.
  std::function<std::string(const Source&)> file = {};
};

// `file:line:col: severity[W#### name]: message`, then the source line with a caret, related
// places, notes and help. Ends with a newline.
[[nodiscard]] std::string RenderHuman(const Diagnostic& diagnostic, const SourceMap& sources,
                                      const RenderOptions& options);

// "1 file", "2 files".
[[nodiscard]] std::string CountText(std::size_t count, std::string_view one);

// "2 errors, 1 warning"; "" when both are zero.
[[nodiscard]] std::string CountLine(std::size_t errors, std::size_t warnings);

[[nodiscard]] std::string_view SeverityName(Severity severity);

}  // namespace weft
