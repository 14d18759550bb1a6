// Blocks of items: what ends one, what can stand once, and where reading goes on after a mistake.
#include <algorithm>

#include "dsl/codes.h"
#include "dsl/cursor.h"

namespace weft::dsl {

bool Cursor::GoesOn() const {
  return !AtEnd() && !syntax_.tokens[at_].line_start && !syntax_.tokens[at_].gap_before;
}

std::pair<std::string_view, std::uint32_t> Cursor::PhraseAt(Words once) const {
  std::pair<std::string_view, std::uint32_t> longest;
  for (const std::string_view phrase : once) {
    std::uint32_t words = 0;
    bool here = true;
    for (std::string_view rest = phrase; here && !rest.empty(); ++words) {
      const std::size_t space = rest.find(' ');
      here = IsWordAt(words, rest.substr(0, space));
      rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
    }
    if (here && words > longest.second) longest = {phrase, words};
  }
  return longest;
}

void Cursor::RefuseRepeated(Words once, std::map<std::string_view, Span>& first) {
  const auto [phrase, words] = PhraseAt(once);
  if (words == 0) return;
  const Span span = Join(SpanAt(), SpanAt(words - 1));
  const auto [at, fresh] = first.emplace(phrase, span);
  if (fresh) return;
  Diagnostic& d =
      Fail(codes::kRepeatedItem, span, "`" + std::string(phrase) + "` is given twice here");
  d.related.push_back({at->second, "first given here"});
  d.help = "keep one";
}

void Cursor::ReadBlock(std::string_view where, Words known,
                       const std::function<bool(std::string_view word)>& read, Words once) {
  if (failed_) return;
  if (!Is(TokenKind::kOpenBrace)) {
    FailExpected("`{`");
    return;
  }
  const std::uint32_t close = syntax_.tokens[at_].match;
  Skip();
  ReadItems(close, where, known, read, once);
  at_ = close + 1;
}

void Cursor::ReadItems(std::uint32_t end, std::string_view where, Words known,
                       const std::function<bool(std::string_view word)>& read, Words once) {
  const std::uint32_t outer_end = std::exchange(end_, end);
  const Words outer_known = std::exchange(known_, known);
  std::map<std::string_view, Span> first;
  while (at_ < end) {
    const std::uint32_t start = at_;
    const std::string word(Text());
    RefuseRepeated(once, first);
    const bool handled = failed_ || read(word);
    if (!handled && AtBroken()) failed_ = true;
    if (!handled && !failed_) {
      Diagnostic& d = Fail(codes::kUnknownItem, SpanAt(),
                           "unknown item `" + word + "` in " + std::string(where));
      const std::vector<std::string> words(known.begin(), known.end());
      const std::string near = NearestName(word, words);
      if (!near.empty()) {
        d.help = "did you mean `" + near + "`?";
        d.edit = Edit{d.span, near};
      } else {
        std::string list;
        for (const std::string& name : words) list += (list.empty() ? "`" : ", `") + name + "`";
        d.help = "items here are " + list;
      }
    }
    if (failed_) Recover(start, end);
    if (at_ == start) Skip();
  }
  at_ = end;
  end_ = outer_end;
  known_ = outer_known;
}

void Cursor::Recover(std::uint32_t start, std::uint32_t end) {
  failed_ = false;
  at_ = std::max(at_, start);
  // The item's own brackets are passed as a whole, wherever in them reading stopped.
  std::uint32_t i = start;
  bool first = true;
  while (i < end) {
    const Token& token = syntax_.tokens[i];
    const bool begins = token.line_start || token.gap_before;
    if (!first && begins && i >= at_) break;
    first = false;
    const bool opens = token.kind == TokenKind::kOpenBrace ||
                       token.kind == TokenKind::kOpenBracket || token.kind == TokenKind::kOpenParen;
    i = opens ? token.match + 1 : i + 1;
  }
  at_ = std::min(i, end);
}

}  // namespace weft::dsl
