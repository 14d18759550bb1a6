#include "dsl/phrases.h"

#include <algorithm>

namespace weft::dsl {

bool IsOpener(TokenKind kind) {
  return kind == TokenKind::kOpenBrace || kind == TokenKind::kOpenBracket ||
         kind == TokenKind::kOpenParen;
}

bool IsCloser(TokenKind kind) {
  return kind == TokenKind::kCloseBrace || kind == TokenKind::kCloseBracket ||
         kind == TokenKind::kCloseParen;
}

bool IsInfix(TokenKind kind) {
  return kind >= TokenKind::kArrow && kind <= TokenKind::kNotEquals && kind != TokenKind::kComma;
}

Phrases::Phrases(const Syntax& syntax)
    : syntax_(syntax),
      count_(static_cast<std::uint32_t>(syntax.tokens.size() - 1)),
      nodes_(syntax.tokens.size()) {
  Nest();
  FindItems();
}

std::uint32_t Phrases::Next(std::uint32_t i) const {
  return IsOpener(Kind(i)) ? syntax_.tokens[i].match + 1 : i + 1;
}

bool Phrases::IsWord(std::uint32_t i, std::initializer_list<std::string_view> words) const {
  return i < count_ && Kind(i) == TokenKind::kWord &&
         std::find(words.begin(), words.end(), syntax_.Text(syntax_.tokens[i])) != words.end();
}

bool Phrases::IsNameList(std::uint32_t open) const {
  return open > 0 && Kind(open - 1) == TokenKind::kDot;
}

bool Phrases::EndsDeclaration(std::uint32_t i) const {
  return i > 0 && nodes_[i].parent == kNone && Kind(i - 1) == TokenKind::kCloseBrace &&
         !IsCloser(Kind(i));
}

bool Phrases::InBlock(std::uint32_t i) const {
  return nodes_[i].parent != kNone && Kind(nodes_[i].parent) == TokenKind::kOpenBrace;
}

bool Phrases::InBlockOf(std::uint32_t i, std::initializer_list<std::string_view> words) const {
  return InBlock(i) && IsWord(nodes_[nodes_[i].parent].head, words);
}

void Phrases::Nest() {
  std::uint32_t parent = kNone;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const Token& token = syntax_.tokens[i];
    if (IsCloser(token.kind)) parent = nodes_[token.match].parent;
    nodes_[i].parent = parent;
    const bool first = i == 0 || parent == i - 1;
    if (token.line_start && parent != kNone && !first && !IsCloser(token.kind) &&
        Kind(i - 1) != TokenKind::kComma) {
      nodes_[parent].list = false;
    }
    if (IsOpener(token.kind)) parent = i;
  }
}

void Phrases::FindItems() {
  std::vector<Level> levels(1);
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (IsCloser(Kind(i))) levels.pop_back();
    Level& level = levels.back();
    nodes_[i].continues = FindContinues(i, level);
    if (BeginsItem(i)) level = {i, false};
    if (Kind(i) == TokenKind::kArrow) level.arrow = true;
    if (!IsOpener(Kind(i))) continue;
    nodes_[i].head = level.item;
    levels.push_back({i + 1, false});
  }
}

bool Phrases::BeginsItem(std::uint32_t i) const {
  if (EndsDeclaration(i) || i == nodes_[i].parent + 1) return true;
  const Token& token = syntax_.tokens[i];
  const bool apart = token.line_start || (token.gap_before && InBlock(i));
  return apart && !nodes_[i].continues && !IsOpener(token.kind) && !IsCloser(token.kind);
}

bool Phrases::FindContinues(std::uint32_t i, const Level& level) const {
  const std::uint32_t parent = nodes_[i].parent;
  const bool top = parent == kNone;
  const TokenKind kind = Kind(i);
  if (i == 0 || IsCloser(kind) || EndsDeclaration(i)) return false;
  if (!top && (i == parent + 1 || !InBlock(i))) return false;
  if (IsInfix(Kind(i - 1)) || IsWord(i - 1, {"and", "or", "not", "in"})) return true;
  if (Kind(i - 1) == TokenKind::kComma) {
    return top || !nodes_[parent].list || InBlockOf(i, {"access", "route", "table", "test"});
  }
  if (InBlockOf(i, {"prove"})) return true;  // one law, one phrase
  if (kind == TokenKind::kArrow) return !level.arrow;
  if (kind == TokenKind::kWord) return ContinuesWithWord(i);
  return IsInfix(kind) || kind == TokenKind::kComma || kind == TokenKind::kOpenBracket ||
         kind == TokenKind::kOpenParen;
}

// Words that begin no declaration or item in the block they stand in.
bool Phrases::ContinuesWithWord(std::uint32_t i) const {
  if (IsWord(i, {"and", "or", "where"})) return true;
  if (nodes_[i].parent == kNone) return IsWord(i, {"at", "for", "in", "on"});
  if (InBlockOf(i, {"access"})) return IsWord(i, {"from", "when"});
  if (InBlockOf(i, {"test"})) {
    return IsWord(i, {"after", "from", "remote", "through", "with", "without"}) ||
           (IsWord(i, {"on"}) && !IsWord(i + 1, {"loss"}));
  }
  if (!IsWord(i, {"when"})) return false;
  const std::string_view before = syntax_.Text(syntax_.tokens[i - 1]);  // `GET, HEAD when …`
  return std::all_of(before.begin(), before.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool Phrases::HasGap(std::uint32_t i) const {
  const TokenKind kind = Kind(i);
  return syntax_.tokens[i].gap_before && InBlock(i) && !nodes_[i].continues && !IsOpener(kind) &&
         !IsCloser(kind) && !IsInfix(kind) && kind != TokenKind::kComma &&
         Kind(i - 1) != TokenKind::kComma;
}

bool Phrases::Separates(std::uint32_t i) const {
  return HasGap(i) && (i < 2 || !IsWord(i - 2, {"listen"}));  // `listen 80  http`
}

}  // namespace weft::dsl
