#include "engine/compiled/segment_trie.h"

#include <algorithm>
#include <array>

namespace weft::engine::compiled {
namespace {

constexpr std::array<bool, 256> TemplateChars() {
  std::array<bool, 256> chars{};
  for (unsigned c = '0'; c <= '9'; ++c) chars[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) chars[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) chars[c] = true;
  for (const char c : std::string_view("-._~%!$&'()+,;:@="))
    chars[static_cast<unsigned char>(c)] = true;
  return chars;
}
constexpr std::array<bool, 256> kTemplateChars = TemplateChars();

bool IsTemplateByte(char c) { return kTemplateChars[static_cast<unsigned char>(c)]; }

}  // namespace

bool IsTemplateSegment(std::string_view segment) {
  return !segment.empty() && std::all_of(segment.begin(), segment.end(), IsTemplateByte);
}

bool IsTemplateRest(std::string_view rest) {
  return std::all_of(rest.begin(), rest.end(),
                     [](char c) { return c == '/' || IsTemplateByte(c); });
}

template <Direction kDirection>
bool SegmentTrie<kDirection>::Less(std::string_view a, std::string_view b) {
  if constexpr (kDirection == Direction::kForwards) return a < b;
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

template <Direction kDirection>
std::uint32_t SegmentTrie<kDirection>::Child(std::uint32_t node, std::string_view segment) {
  const auto fresh = static_cast<std::uint32_t>(nodes_.size());
  const std::uint32_t child = children_.Insert(node, segment, fresh);
  if (child == fresh) nodes_.emplace_back();
  nodes_[node].has_children = true;
  return child;
}

template <Direction kDirection>
std::uint32_t SegmentTrie<kDirection>::StarChild(std::uint32_t node) {
  if (nodes_[node].star == kNoNode) {
    nodes_[node].star = static_cast<std::uint32_t>(nodes_.size());
    nodes_[node].has_children = true;
    nodes_.emplace_back();
  }
  return nodes_[node].star;
}

template <Direction kDirection>
std::uint32_t SegmentTrie<kDirection>::NodeOf(std::string_view text) {
  std::uint32_t node = 0;
  while (true) {
    const Cut cut = CutSegment(text);
    node = Child(node, cut.segment);
    if (cut.last) return node;
    text = cut.rest;
  }
}

template <Direction kDirection>
void SegmentTrie<kDirection>::AddExact(std::string_view text, std::uint32_t id) {
  nodes_[NodeOf(text)].exact.push_back(id);
}

template <Direction kDirection>
void SegmentTrie<kDirection>::AddUnder(std::string_view text, std::uint32_t id) {
  nodes_[NodeOf(text)].under.push_back(id);
}

template <Direction kDirection>
void SegmentTrie<kDirection>::AddTemplate(std::string_view text, std::uint32_t id) {
  std::uint32_t node = 0;
  while (true) {
    const Cut cut = CutSegment(text);
    if (cut.segment == "**") {
      nodes_[node].rest.push_back(id);
      return;
    }
    node = cut.segment == "*" ? StarChild(node) : Child(node, cut.segment);
    if (cut.last) break;
    text = cut.rest;
  }
  nodes_[node].exact.push_back(id);
}

template <Direction kDirection>
void SegmentTrie<kDirection>::AddAffix(std::string_view text, std::uint32_t id) {
  std::uint32_t node = 0;
  Cut cut = CutSegment(text);
  for (; !cut.last; cut = CutSegment(cut.rest)) node = Child(node, cut.segment);
  nodes_[node].partials.push_back({std::string(cut.segment), 0, {id}});
}

template <Direction kDirection>
void SegmentTrie<kDirection>::Finish() {
  for (Node& node : nodes_) {
    std::stable_sort(node.partials.begin(), node.partials.end(),
                     [](const Partial& a, const Partial& b) { return Less(a.text, b.text); });
    std::vector<Partial> merged;
    for (Partial& partial : node.partials) {
      if (!merged.empty() && merged.back().text == partial.text) {
        merged.back().ids.push_back(partial.ids.front());
        continue;
      }
      auto shorter = static_cast<std::uint32_t>(merged.size());
      while (shorter != 0 && !IsAffix(merged[shorter - 1].text, partial.text)) {
        shorter = merged[shorter - 1].shorter;
      }
      partial.shorter = shorter;
      merged.push_back(std::move(partial));
    }
    node.partials = std::move(merged);
  }
}

template class SegmentTrie<Direction::kForwards>;
template class SegmentTrie<Direction::kBackwards>;

}  // namespace weft::engine::compiled
