#include "verifier/identities.h"

#include <optional>
#include <string_view>

#include "verifier/atoms.h"

namespace weft::verifier {
namespace {

struct Compiled {
  Pattern pattern;
  Nfa nfa;
};

// Some identity that begins like this may match.
bool Admits(const Nfa& nfa, std::string_view begin) {
  std::set<std::uint32_t> states{0};
  for (const char c : begin) {
    std::set<std::uint32_t> next;
    for (const std::uint32_t state : states) {
      for (const Nfa::Edge& edge : nfa.states[state].edges) {
        if (edge.on[static_cast<unsigned char>(c)]) next.insert(edge.to);
      }
    }
    states = std::move(next);
    if (states.empty()) return false;
  }
  return true;
}

// The patterns on what follows `begin`.
std::vector<Language> Rests(const std::vector<Compiled>& patterns, const std::string& begin) {
  std::vector<Language> rests;
  for (const Compiled& one : patterns) {
    if (Admits(one.nfa, begin)) rests.push_back({one.pattern, PathMapping{"", begin, false}});
  }
  return rests;
}

void AddAccounts(const std::vector<Compiled>& patterns, const Place& place,
                 std::set<engine::Identity>& found) {
  const std::string begin = "spiffe://" + place.first + "/ns/" + place.second + "/sa/";
  std::vector<Language> languages = Rests(patterns, begin);
  if (languages.empty()) return;
  languages.push_back({Regex{"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"}, {}});
  const std::optional<AtomSet> atoms = BuildAtoms(languages, Domain::kHost);
  if (!atoms) return;
  for (const std::uint32_t atom : atoms->accepted.back()) {
    found.insert({place.first, place.second, atoms->witnesses[atom]});
  }
}

void AddNamespaces(const std::vector<Compiled>& patterns, const std::string& trust,
                   std::set<engine::Identity>& found) {
  std::vector<Language> languages = Rests(patterns, "spiffe://" + trust + "/ns/");
  if (languages.empty()) return;
  languages.push_back(
      {Regex{"[a-z0-9]([-a-z0-9]*[a-z0-9])?/sa/[a-z0-9]([-a-z0-9.]*[a-z0-9])?"}, {}});
  const std::optional<AtomSet> atoms = BuildAtoms(languages, Domain::kText);
  if (!atoms) return;
  for (const std::uint32_t atom : atoms->accepted.back()) {
    const std::string& text = atoms->witnesses[atom];
    const std::size_t end = text.find("/sa/");
    found.insert({trust, text.substr(0, end), text.substr(end + 4)});
  }
}

}  // namespace

std::set<engine::Identity> DistinctIdentities(const std::vector<Pattern>& patterns,
                                              const std::set<Place>& places,
                                              const std::set<std::string>& trusts) {
  std::vector<Compiled> compiled;
  for (const Pattern& pattern : patterns) {
    if (std::optional<Nfa> nfa = Compile({pattern, {}})) compiled.push_back({pattern, *nfa});
  }
  std::set<engine::Identity> found;
  for (const std::string& trust : trusts) AddNamespaces(compiled, trust, found);
  for (const Place& place : places) AddAccounts(compiled, place, found);
  return found;
}

}  // namespace weft::verifier
