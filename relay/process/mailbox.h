// A queue of events between threads and the one that owns a state machine.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace weft::relay {

// Thread-safe.
template <typename T>
class Mailbox {
 public:
  void Push(T item) {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      items_.push_back(std::move(item));
    }
    arrived_.notify_one();
  }
  // The next item, or nothing after `patience`.
  std::optional<T> Pop(std::chrono::milliseconds patience) {
    std::unique_lock<std::mutex> guard(mutex_);
    if (!arrived_.wait_for(guard, patience, [this] { return !items_.empty(); }))
      return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<T> items_;
};

}  // namespace weft::relay
