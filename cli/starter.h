// The examples, embedded at build for `weft init`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::cli {

struct StarterFile {
  std::string_view path;  // relative to the new directory
  std::string_view text;
};

// Files of an example; empty when there is none of that name.
[[nodiscard]] std::vector<StarterFile> StarterFiles(const std::string& example);
[[nodiscard]] std::vector<std::string> StarterNames();

}  // namespace weft::cli
