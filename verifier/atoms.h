// Atoms: the values of one dimension of a request, divided into classes no pattern tells apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verifier/language.h"

namespace weft::verifier {

// Which values a dimension can have at all.
enum class Domain {
  kPath,    // begins with '/'; no space, '?' or '#'
  kHost,    // lower-case DNS characters, not empty
  kMethod,  // capitals, not empty
  kText     // printable ASCII, for headers, query parameters and claims
};

// The classes that exist; every value of the domain is in exactly one.
struct AtomSet {
  // Of each atom its simplest value: the shortest, readable letters first. In that order too.
  std::vector<std::string> witnesses;
  // Of each language the atoms it holds for, ascending.
  std::vector<std::vector<std::uint32_t>> accepted;

  [[nodiscard]] std::size_t size() const { return witnesses.size(); }
  // A bit per atom: whether the language holds for it.
  [[nodiscard]] std::vector<bool> MembersOf(std::size_t language) const;
  bool operator==(const AtomSet&) const = default;
};

struct AtomLimits {
  std::size_t atoms = 4096;
  std::size_t states = 50'000;  // of the automaton, as sets of states
};

// The atoms of the languages. nullopt: a pattern that has no automaton, or a limit was reached.
// Deterministic.
[[nodiscard]] std::optional<AtomSet> BuildAtoms(const std::vector<Language>& languages,
                                                Domain domain, const AtomLimits& limits = {});

// The atoms of some of the languages, given those of all: BuildAtoms of the chosen ones, without
// their automata. `chosen` are numbers of languages in `all`, in the order wanted.
[[nodiscard]] AtomSet Coarsen(const AtomSet& all, const std::vector<std::uint32_t>& chosen);

}  // namespace weft::verifier
