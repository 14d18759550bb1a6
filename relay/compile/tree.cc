#include "relay/compile/tree.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "dsl/source.h"

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

class DiskTree : public Tree {
 public:
  [[nodiscard]] Kind KindOf(const std::string& path) const override {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) return Kind::kNothing;
    if (fs::is_directory(status)) return Kind::kDirectory;
    return fs::is_regular_file(status) ? Kind::kFile : Kind::kOther;
  }

  [[nodiscard]] Result<std::vector<std::string>> Entries(const std::string& path) const override {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      std::string name = it->path().filename().string();
      if (!name.starts_with('.')) names.push_back(std::move(name));
    }
    if (error) return Error{error.message()};
    std::sort(names.begin(), names.end());
    return names;
  }

  [[nodiscard]] std::optional<std::uintmax_t> SizeOf(const std::string& path) const override {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return std::nullopt;
    const std::uintmax_t size = fs::file_size(path, error);
    return error ? std::nullopt : std::optional(size);
  }

  [[nodiscard]] Result<std::string> Read(const std::string& path) const override {
    std::error_code error;
    if (!fs::exists(path, error)) return Error{"does not exist"};
    if (!fs::is_regular_file(path, error) && !fs::is_fifo(path, error) &&
        !fs::is_character_file(path, error)) {
      return Error{"is not a regular file"};
    }
    if (SizeOf(path).value_or(0) > kMaxSourceBytes) return Error{"is larger than 64 MiB"};
    std::ifstream file(path, std::ios::binary);
    if (!file) return Error{std::string("cannot be read: ") + std::strerror(errno)};
    std::string text;
    std::vector<char> block(std::size_t{1} << 16);
    while (file) {  // a device may go on for ever
      file.read(block.data(), static_cast<std::streamsize>(block.size()));
      text.append(block.data(), static_cast<std::size_t>(file.gcount()));
      if (text.size() > kMaxSourceBytes) return Error{"is larger than 64 MiB"};
    }
    if (file.bad()) return Error{"cannot be read to its end"};
    return text;
  }

  [[nodiscard]] std::string Identity(const std::string& path) const override {
    std::error_code error;
    const fs::path canonical = fs::weakly_canonical(path, error);
    return error ? path : canonical.string();
  }
};

}  // namespace

const Tree& Disk() {
  static const DiskTree disk;
  return disk;
}

}  // namespace weft::relay
