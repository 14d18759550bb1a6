#include "engine/compiled/text_map.h"

#include <functional>
#include <utility>

namespace weft::engine::compiled {
namespace {

std::uint32_t HashOf(std::uint32_t scope, std::string_view text) {
  const std::uint64_t hash =
      std::hash<std::string_view>{}(text) ^ (std::uint64_t{scope} * 0x9e3779b97f4a7c15ULL);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

}  // namespace

std::size_t TextMap::SlotOf(std::uint32_t hash, std::uint32_t scope, std::string_view text) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.value == kAbsent) return at;
    if (slot.hash != hash || slot.scope != scope) continue;
    if (std::string_view(texts_).substr(slot.offset, slot.length) == text) return at;
  }
}

void TextMap::Grow() {
  const std::vector<Slot> old = std::exchange(slots_, {});
  slots_.resize(old.empty() ? 8 : old.size() * 2);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.value == kAbsent) continue;
    std::size_t at = slot.hash & mask;
    while (slots_[at].value != kAbsent) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

std::uint32_t TextMap::Insert(std::uint32_t scope, std::string_view text, std::uint32_t value) {
  if (slots_.size() < 2 * (std::size_t{size_} + 1)) Grow();
  const std::uint32_t hash = HashOf(scope, text);
  Slot& slot = slots_[SlotOf(hash, scope, text)];
  if (slot.value != kAbsent) return slot.value;
  slot = {hash, scope, static_cast<std::uint32_t>(texts_.size()),
          static_cast<std::uint32_t>(text.size()), value};
  texts_ += text;
  ++size_;
  return value;
}

std::uint32_t TextMap::Find(std::uint32_t scope, std::string_view text) const {
  if (size_ == 0) return kAbsent;
  return slots_[SlotOf(HashOf(scope, text), scope, text)].value;
}

}  // namespace weft::engine::compiled
