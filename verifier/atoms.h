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

// A bit per language.
using Signature = std::vector<bool>;

struct Atom {
  std::string witness;    // shortest value of the class, readable letters first
  Signature accepted_by;  // which languages hold for it
};

// The classes that exist, by length of witness; every value of the domain is in exactly one. The
// witness of a class is a value of it. nullopt: a pattern that has no automaton, or more than
// `max_atoms` classes or 50,000 automaton states. Deterministic.
[[nodiscard]] std::optional<std::vector<Atom>> BuildAtoms(const std::vector<Language>& languages,
                                                          Domain domain,
                                                          std::size_t max_atoms = 4096);

}  // namespace weft::verifier
