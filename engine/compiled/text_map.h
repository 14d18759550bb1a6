// A hash table from text to small integers that is filled once and then only read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft::engine::compiled {

// Keys are (scope, text), so that one table serves many small dictionaries. Open addressing over
// one array; lookups neither allocate nor lock.
class TextMap {
 public:
  static constexpr std::uint32_t kAbsent = 0xffffffff;

  // The value under the key. When absent, `value` is stored first.
  std::uint32_t Insert(std::uint32_t scope, std::string_view text, std::uint32_t value);
  // kAbsent when the key was never inserted. Thread-safe once filled.
  [[nodiscard]] std::uint32_t Find(std::uint32_t scope, std::string_view text) const;
  [[nodiscard]] std::uint32_t size() const { return size_; }

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t scope = 0;
    std::uint32_t offset = 0;  // of the text in texts_
    std::uint32_t length = 0;
    std::uint32_t value = kAbsent;  // kAbsent: the slot is free
  };
  // The slot of the key, or the free one where it belongs. The table must not be empty.
  [[nodiscard]] std::size_t SlotOf(std::uint32_t hash, std::uint32_t scope,
                                   std::string_view text) const;
  void Grow();

  std::vector<Slot> slots_;  // a power of two; at most half full
  std::string texts_;
  std::uint32_t size_ = 0;
};

}  // namespace weft::engine::compiled
