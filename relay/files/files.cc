#include "relay/files/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

Error Failure(const std::string& path) { return Error{"`" + path + "`: " + std::strerror(errno)}; }

bool WriteAll(int descriptor, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t wrote = ::write(descriptor, text.data() + done, text.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

}  // namespace

Status WriteDurably(const std::string& path, const std::string& text, mode_t mode) {
  const fs::path target(path);
  const std::string directory =
      target.has_parent_path() ? target.parent_path().string() : std::string(".");
  const std::string temporary = directory + "/." + target.filename().string() + ".tmp";
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0) return Failure(temporary);
  const bool written = WriteAll(descriptor, text) && ::fsync(descriptor) == 0;
  const int why = errno;
  ::close(descriptor);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
    if (!written) errno = why;
    const Error error = Failure(path);
    ::unlink(temporary.c_str());
    return error;
  }
  const int parent = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (parent < 0) return Failure(directory);
  const bool synced = ::fsync(parent) == 0;
  const Error error = Failure(directory);
  ::close(parent);
  if (!synced) return error;
  return Unit{};
}

Status MakeDirectory(const std::string& path) {
  std::error_code error;
  const bool existed = fs::is_directory(path, error);
  if (!existed) {
    fs::create_directories(path, error);
    if (error) return Error{"`" + path + "`: " + error.message()};
    fs::permissions(path, fs::perms::owner_all, error);
  }
  return Unit{};
}

Result<std::string> ReadWhole(const std::string& path) {
  constexpr std::uintmax_t kLargest = std::uintmax_t{256} << 20;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return Error{"`" + path + "` is not a file"};
  if (fs::file_size(path, error) > kLargest) return Error{"`" + path + "` is too large"};
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || file.bad()) return Error{"`" + path + "` cannot be read"};
  return std::move(text).str();
}

}  // namespace weft::relay
