// Tells when something below a directory changes.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace weft::relay {

// inotify over a directory tree; what cannot be watched (not there yet, a file system without
// events) is covered by the caller's looking anyway from time to time. Not thread-safe.
class Watch {
 public:
  explicit Watch(std::string directory);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Waits until something changed, or `patience` is over; then takes in the burst that belongs to
  // it (50 ms without another change, 1 s at most).
  void Wait(std::chrono::milliseconds patience);
  // Ends a Wait from another thread; the only thread-safe method.
  void Interrupt();

 private:
  void Refresh();
  bool Drain(std::chrono::milliseconds patience);

  const std::string directory_;
  int notify_ = -1;
  int wake_ = -1;
  std::map<std::string, int> watched_;
};

}  // namespace weft::relay
