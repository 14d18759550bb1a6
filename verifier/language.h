// Languages: what a pattern accepts, as finite automata over bytes.
#pragma once

#include <bitset>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dsl/pattern.h"

namespace weft::verifier {

using CharSet = std::bitset<256>;

// A pattern as a route's rewrite lets a server see it: the value `from` + rest is seen as `to` +
// rest. `segments`: the rest begins at a segment boundary, and a slash that would stand twice is
// dropped (engine/rewrite.h).
struct PathMapping {
  std::string from;
  std::string to;
  bool segments = false;
  auto operator<=>(const PathMapping&) const = default;
};

struct Language {
  Pattern pattern;
  std::optional<PathMapping> mapping;
  auto operator<=>(const Language&) const = default;
};

// Nondeterministic automaton without empty transitions; state 0 is the start.
struct Nfa {
  struct Edge {
    CharSet on;
    std::uint32_t to = 0;
  };
  struct State {
    std::vector<Edge> edges;
    bool accepts = false;
  };
  std::vector<State> states;
};

// The automaton of a language; nullopt for a regular expression outside the supported part of RE2
// (word boundaries, Unicode classes, anchors in the middle) or one that grows past 20,000 states.
[[nodiscard]] std::optional<Nfa> Compile(const Language& language);

// RE2 syntax to an automaton; as Compile.
[[nodiscard]] std::optional<Nfa> CompileRegex(const std::string& regex);

}  // namespace weft::verifier
