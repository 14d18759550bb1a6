// Many languages as one automaton over bytes, run on sets of its states.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "verifier/language.h"

namespace weft::verifier {

// Values, prefixes and segment prefixes share the states of a trie, so that a set of states stays
// as small as the number of languages that still tell a value apart, however many there are.
class UnionAutomaton {
 public:
  using Set = std::vector<std::uint32_t>;  // states, ascending

  UnionAutomaton() : states_(1) {}

  // Adds the next language; its number is the count of those before. False when it has no
  // automaton (see Compile).
  [[nodiscard]] bool Add(const Language& language);

  // Divides the alphabet into characters that no state treats apart; after the last Add, before
  // Letters. `order` holds every character, preferred ones first.
  void Classify(const CharSet& alphabet, std::string_view order);

  // Characters that tell the states of the set apart, preferred ones first: those that an edge
  // names alone, and one more of every class.
  [[nodiscard]] std::vector<char> Letters(const Set& set) const;

  [[nodiscard]] const Set& Start() const { return starts_; }
  [[nodiscard]] Set Step(const Set& from, char c) const;
  // Languages that hold for a value that leads to this set, ascending.
  [[nodiscard]] std::vector<std::uint32_t> Accepted(const Set& set) const;

 private:
  struct Edge {
    CharSet on;
    int only = -1;  // the one character of `on`
    std::uint32_t to = 0;
  };
  struct State {
    std::vector<Edge> edges;
    std::vector<std::uint32_t> accepts;
  };

  std::uint32_t New();
  // Where the text ends in the trie; makes the nodes it lacks.
  std::uint32_t Node(std::string_view text);
  // From the node on, any rest holds for the language.
  void AcceptRest(std::uint32_t node, std::uint32_t language);
  bool AddToTrie(const Pattern& pattern, std::uint32_t language);

  std::vector<State> states_;  // 0 is the root of the trie
  std::map<std::pair<std::uint32_t, char>, std::uint32_t> trie_;
  std::map<std::uint32_t, std::uint32_t> rests_;  // of a node: the state that accepts any rest
  Set starts_{0};
  std::uint32_t languages_ = 0;
  std::vector<std::string> classes_;  // characters by class, in order of preference
  std::array<int, 256> rank_{};
};

}  // namespace weft::verifier
