// A list that keeps its first elements in place and allocates only when there are more.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace weft::engine {

template <typename T, std::size_t kInPlace>
class InlineList {
 public:
  void push_back(const T& value) {
    if (size_ < kInPlace) {
      first_[size_] = value;
    } else {
      more_.push_back(value);
    }
    ++size_;
  }
  // Keeps an ascending list ascending and without repetition.
  void InsertSorted(const T& value) {
    std::size_t at = size_;
    while (at > 0 && value < (*this)[at - 1]) --at;
    if (at > 0 && (*this)[at - 1] == value) return;
    push_back(value);
    for (std::size_t i = size_ - 1; i > at; --i) Mutable(i) = (*this)[i - 1];
    Mutable(at) = value;
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] const T& operator[](std::size_t i) const {
    return i < kInPlace ? first_[i] : more_[i - kInPlace];
  }

 private:
  [[nodiscard]] T& Mutable(std::size_t i) { return i < kInPlace ? first_[i] : more_[i - kInPlace]; }

  std::array<T, kInPlace> first_{};
  std::vector<T> more_;
  std::size_t size_ = 0;
};

}  // namespace weft::engine
