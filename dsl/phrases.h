// Where items begin and which lines go on with the one above, told from the tokens alone: what the
// formatter needs to know of the grammar. Wrong guesses cost looks, never meaning.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <vector>

#include "dsl/syntax.h"

namespace weft::dsl {

[[nodiscard]] bool IsOpener(TokenKind kind);
[[nodiscard]] bool IsCloser(TokenKind kind);
// Stands between two parts of one phrase: `->`, `.`, `:`, `=` and the other comparisons.
[[nodiscard]] bool IsInfix(TokenKind kind);

class Phrases {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  explicit Phrases(const Syntax& syntax);  // which must outlive this

  // The innermost opening bracket around the token; kNone for a declaration's own tokens.
  [[nodiscard]] std::uint32_t Parent(std::uint32_t i) const { return nodes_[i].parent; }
  // The next token on the same level of brackets.
  [[nodiscard]] std::uint32_t Next(std::uint32_t i) const;
  [[nodiscard]] bool IsWord(std::uint32_t i, std::initializer_list<std::string_view> words) const;
  // `use std.net.{private}`: a list in braces, no block.
  [[nodiscard]] bool IsNameList(std::uint32_t open) const;
  // Whether the token before this one is the `}` of a declaration.
  [[nodiscard]] bool EndsDeclaration(std::uint32_t i) const;
  // Whether the token goes on with the phrase before it, on whichever line it stands.
  [[nodiscard]] bool Continues(std::uint32_t i) const { return nodes_[i].continues; }
  // Whether two or more spaces before the token are more than a slip: it may begin an item.
  [[nodiscard]] bool HasGap(std::uint32_t i) const;
  // Whether the gap before the token ends an item.
  [[nodiscard]] bool Separates(std::uint32_t i) const;

 private:
  struct Node {
    std::uint32_t parent = kNone;
    std::uint32_t head = kNone;  // of `{`: first token of the declaration or item it belongs to
    bool list = true;            // of `{`: its lines, if any, all end with a comma
    bool continues = false;
  };
  // Where an item begins and whether it has an arrow, on one level of brackets.
  struct Level {
    std::uint32_t item = 0;
    bool arrow = false;
  };

  void Nest();
  void FindItems();
  [[nodiscard]] bool BeginsItem(std::uint32_t i) const;
  [[nodiscard]] bool FindContinues(std::uint32_t i, const Level& level) const;
  [[nodiscard]] bool ContinuesWithWord(std::uint32_t i) const;
  [[nodiscard]] TokenKind Kind(std::uint32_t i) const { return syntax_.tokens[i].kind; }
  [[nodiscard]] bool InBlock(std::uint32_t i) const;
  [[nodiscard]] bool InBlockOf(std::uint32_t i,
                               std::initializer_list<std::string_view> words) const;

  const Syntax& syntax_;
  std::uint32_t count_;  // of tokens without kEnd
  std::vector<Node> nodes_;
};

}  // namespace weft::dsl
