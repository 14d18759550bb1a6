// Where files are read from: the disk, or a revision of a repository.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/result.h"

namespace weft::relay {

class Tree {
 public:
  enum class Kind { kNothing, kFile, kDirectory, kOther };

  Tree() = default;
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  virtual ~Tree() = default;

  // Links are followed.
  [[nodiscard]] virtual Kind KindOf(const std::string& path) const = 0;
  // Names in the directory, sorted; hidden ones are left out.
  [[nodiscard]] virtual Result<std::vector<std::string>> Entries(const std::string& path) const = 0;
  // Bytes of a file; nullopt for anything else.
  [[nodiscard]] virtual std::optional<std::uintmax_t> SizeOf(const std::string& path) const = 0;
  // Whole file, or the reason why not (missing, directory, too large, unreadable).
  [[nodiscard]] virtual Result<std::string> Read(const std::string& path) const = 0;
  // Equal for two paths of one file or directory.
  [[nodiscard]] virtual std::string Identity(const std::string& path) const = 0;
};

// The disk. Thread-safe.
[[nodiscard]] const Tree& Disk();

}  // namespace weft::relay
