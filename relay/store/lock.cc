#include "relay/store/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace weft::relay {

StoreLock::~StoreLock() { ::close(descriptor_); }

Result<std::unique_ptr<StoreLock>> LockStore(const std::string& directory) {
  const std::string path = directory + "/.lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return Error{"`" + path + "` cannot be opened"};
  auto lock = std::make_unique<StoreLock>(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return Error{"`" + directory + "` is used by another server"};
  }
  return lock;
}

}  // namespace weft::relay
