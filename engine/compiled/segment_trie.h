// Patterns over text in segments parted by '/', found by walking the text once.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/compiled/text_map.h"

namespace weft::engine::compiled {

// Characters of a `*` segment of a template: those of Envoy's uri_template_matcher.
[[nodiscard]] bool IsTemplateSegment(std::string_view segment);  // not empty
[[nodiscard]] bool IsTemplateRest(std::string_view rest);        // '/' too; may be empty

// One direction of reading: from the front for `=`, `under`, `starts` and `like`, from the back for
// `ends`. A node stands for the whole segments read so far; what a prefix or suffix has beyond its
// last whole segment is a partial of the node.
enum class Direction { kForwards, kBackwards };

template <Direction kDirection>
class SegmentTrie {
 public:
  using Ids = std::vector<std::uint32_t>;

  SegmentTrie() : nodes_(1) {}

  void AddExact(std::string_view text, std::uint32_t id);
  void AddUnder(std::string_view text, std::uint32_t id);
  void AddTemplate(std::string_view text, std::uint32_t id);
  // A raw prefix, or read backwards a raw suffix.
  void AddAffix(std::string_view text, std::uint32_t id);
  // Orders what Add… collected; call once before Find.
  void Finish();

  // Calls visit(std::span<const std::uint32_t>) with the ids of every pattern that matches.
  template <typename Visit>
  void Find(std::string_view text, Visit&& visit) const {
    Walk(0, text, false, visit);
  }

 private:
  static constexpr std::uint32_t kNoNode = 0;  // the root is nobody's child

  struct Partial {
    std::string text;
    std::uint32_t shorter = 0;  // 1 + the longest partial of the node that is an affix of this one
    Ids ids;
  };
  struct Node {
    Ids exact;                      // the text ends here
    Ids under;                      // it ends here or goes on with a segment
    Ids rest;                       // it goes on with template characters only (`**`)
    std::vector<Partial> partials;  // sorted in reading order
    std::uint32_t star = kNoNode;   // child for a `*` segment
    bool has_children = false;
  };
  struct Cut {
    std::string_view segment;
    std::string_view rest;
    bool last;
  };

  // Splits off the first segment in reading order.
  [[nodiscard]] static Cut CutSegment(std::string_view text) {
    if constexpr (kDirection == Direction::kForwards) {
      const std::size_t slash = text.find('/');
      if (slash == std::string_view::npos) return {text, {}, true};
      return {text.substr(0, slash), text.substr(slash + 1), false};
    } else {
      const std::size_t slash = text.rfind('/');
      if (slash == std::string_view::npos) return {text, {}, true};
      return {text.substr(slash + 1), text.substr(0, slash), false};
    }
  }
  [[nodiscard]] static bool IsAffix(std::string_view affix, std::string_view of) {
    return kDirection == Direction::kForwards ? of.starts_with(affix) : of.ends_with(affix);
  }
  [[nodiscard]] static bool Less(std::string_view a, std::string_view b);

  std::uint32_t Child(std::uint32_t node, std::string_view segment);
  std::uint32_t StarChild(std::uint32_t node);
  std::uint32_t NodeOf(std::string_view text);

  template <typename Visit>
  void VisitPartials(const Node& node, std::string_view rest, Visit& visit) const;

  template <typename Visit>
  void Walk(std::uint32_t at, std::string_view rest, bool ended, Visit& visit) const {
    const Node& node = nodes_[at];
    if (!node.under.empty()) visit(std::span<const std::uint32_t>(node.under));
    if (ended) {
      if (!node.exact.empty()) visit(std::span<const std::uint32_t>(node.exact));
      return;
    }
    if (!node.rest.empty() && IsTemplateRest(rest)) {
      visit(std::span<const std::uint32_t>(node.rest));
    }
    if (!node.partials.empty()) VisitPartials(node, rest, visit);
    if (!node.has_children) return;
    const Cut cut = CutSegment(rest);
    const std::uint32_t child = children_.Find(at, cut.segment);
    if (child != TextMap::kAbsent) Walk(child, cut.rest, cut.last, visit);
    if (node.star != kNoNode && IsTemplateSegment(cut.segment)) {
      Walk(node.star, cut.rest, cut.last, visit);
    }
  }

  std::vector<Node> nodes_;
  TextMap children_;  // (node, segment) -> node
};

// All partials that are affixes of `rest` are on the chain of ever shorter ones that starts at the
// last partial not behind `rest` in reading order.
template <Direction kDirection>
template <typename Visit>
void SegmentTrie<kDirection>::VisitPartials(const Node& node, std::string_view rest,
                                            Visit& visit) const {
  std::size_t low = 0;
  std::size_t high = node.partials.size();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (Less(rest, node.partials[middle].text)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  for (std::size_t at = low; at != 0; at = node.partials[at - 1].shorter) {
    const Partial& partial = node.partials[at - 1];
    if (IsAffix(partial.text, rest)) visit(std::span<const std::uint32_t>(partial.ids));
  }
}

extern template class SegmentTrie<Direction::kForwards>;
extern template class SegmentTrie<Direction::kBackwards>;

}  // namespace weft::engine::compiled
