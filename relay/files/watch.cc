#include "relay/files/watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <set>
#include <utility>

namespace weft::relay {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                   IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
constexpr std::size_t kMaxDirectories = 4096;

}  // namespace

Watch::Watch(std::string directory)
    : directory_(std::move(directory)),
      notify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  Refresh();
}

Watch::~Watch() {
  ::close(notify_);
  ::close(wake_);
}

// Watches every directory there is now, and the parent, in which the directory may be replaced.
void Watch::Refresh() {
  std::set<std::string> wanted = {
      directory_, fs::absolute(directory_).lexically_normal().parent_path().string()};
  std::error_code error;
  fs::recursive_directory_iterator it(directory_, error);
  for (const fs::recursive_directory_iterator end;
       !error && it != end && wanted.size() < kMaxDirectories; it.increment(error)) {
    if (it->is_directory(error)) wanted.insert(it->path().string());
  }
  watched_.clear();
  for (const std::string& path : wanted) {
    const int id = ::inotify_add_watch(notify_, path.c_str(), kChanges);
    if (id >= 0) watched_[path] = id;
  }
}

// Whether there was a change within `patience`; takes in all that are there.
bool Watch::Drain(std::chrono::milliseconds patience) {
  std::array<pollfd, 2> fds = {{{notify_, POLLIN, 0}, {wake_, POLLIN, 0}}};
  if (::poll(fds.data(), fds.size(), static_cast<int>(patience.count())) <= 0) return false;
  if ((fds[1].revents & POLLIN) != 0) return false;
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool any = false;
  while (::read(notify_, buffer.data(), buffer.size()) > 0) any = true;
  return any;
}

void Watch::Wait(std::chrono::milliseconds patience) {
  if (Drain(patience)) {
    for (int i = 0; i < 20 && Drain(std::chrono::milliseconds(50)); ++i) {
    }
  }
  Refresh();
}

void Watch::Interrupt() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t wrote = ::write(wake_, &one, sizeof one);
}

}  // namespace weft::relay
