#include "verifier/automaton.h"

#include <algorithm>
#include <utility>

#include "dsl/overloaded.h"

namespace weft::verifier {
namespace {

unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

int OnlyOf(const CharSet& set) {
  if (set.count() != 1) return -1;
  for (int c = 0; c < 256; ++c) {
    if (set[static_cast<std::size_t>(c)]) return c;
  }
  return -1;
}

void SortUnique(std::vector<std::uint32_t>& list) {
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
}

}  // namespace

std::uint32_t UnionAutomaton::New() {
  states_.emplace_back();
  return static_cast<std::uint32_t>(states_.size() - 1);
}

std::uint32_t UnionAutomaton::Node(std::string_view text) {
  std::uint32_t at = 0;
  for (const char c : text) {
    const auto [edge, fresh] = trie_.try_emplace({at, c}, 0);
    if (fresh) {
      edge->second = New();
      states_[at].edges.push_back({CharSet().set(Byte(c)), Byte(c), edge->second});
    }
    at = edge->second;
  }
  return at;
}

void UnionAutomaton::AcceptRest(std::uint32_t node, std::uint32_t language) {
  const auto [rest, fresh] = rests_.try_emplace(node, 0);
  if (fresh) {
    rest->second = New();
    for (const std::uint32_t from : {node, rest->second}) {
      states_[from].edges.push_back({~CharSet(), -1, rest->second});
    }
  }
  states_[node].accepts.push_back(language);
  states_[rest->second].accepts.push_back(language);
}

bool UnionAutomaton::AddToTrie(const Pattern& pattern, std::uint32_t language) {
  return std::visit(Overloaded{
                        [&](const Exact& p) {
                          states_[Node(p.value)].accepts.push_back(language);
                          return true;
                        },
                        [&](const Under& p) {
                          if (p.value != "/") {
                            states_[Node(p.value)].accepts.push_back(language);
                          }
                          AcceptRest(Node(p.value == "/" ? "/" : p.value + "/"), language);
                          return true;
                        },
                        [&](const Prefix& p) {
                          AcceptRest(Node(p.value), language);
                          return true;
                        },
                        [](const auto&) { return false; },
                    },
                    pattern);
}

bool UnionAutomaton::Add(const Language& language) {
  const std::uint32_t number = languages_++;
  if (!language.mapping && AddToTrie(language.pattern, number)) return true;
  const std::optional<Nfa> nfa = Compile(language);
  if (!nfa) return false;
  const auto offset = static_cast<std::uint32_t>(states_.size());
  for (const Nfa::State& state : nfa->states) {
    State& copy = states_.emplace_back();
    for (const Nfa::Edge& edge : state.edges) {
      copy.edges.push_back({edge.on, OnlyOf(edge.on), edge.to + offset});
    }
    if (state.accepts) copy.accepts.push_back(number);
  }
  starts_.push_back(offset);
  return true;
}

void UnionAutomaton::Classify(const CharSet& alphabet, std::string_view order) {
  std::vector<CharSet> sets;
  for (const State& state : states_) {
    for (const Edge& edge : state.edges) {
      if (edge.only < 0 && std::find(sets.begin(), sets.end(), edge.on) == sets.end()) {
        sets.push_back(edge.on);
      }
    }
  }
  std::map<std::vector<bool>, std::size_t> known;
  int rank = 0;
  for (const char c : order) {
    if (!alphabet[Byte(c)]) continue;
    std::vector<bool> signature;
    for (const CharSet& set : sets) signature.push_back(set[Byte(c)]);
    const std::size_t id = known.emplace(std::move(signature), classes_.size()).first->second;
    if (id == classes_.size()) classes_.emplace_back();
    classes_[id].push_back(c);
    rank_[Byte(c)] = rank++;
  }
}

std::vector<char> UnionAutomaton::Letters(const Set& set) const {
  CharSet single;
  for (const std::uint32_t state : set) {
    for (const Edge& edge : states_[state].edges) {
      if (edge.only >= 0) single.set(static_cast<std::size_t>(edge.only));
    }
  }
  std::vector<char> letters;
  for (const std::string& members : classes_) {
    bool other = false;
    for (const char c : members) {
      const bool named = single[Byte(c)];
      if (named || !other) letters.push_back(c);
      other = other || !named;
    }
  }
  std::sort(letters.begin(), letters.end(),
            [&](char x, char y) { return rank_[Byte(x)] < rank_[Byte(y)]; });
  return letters;
}

UnionAutomaton::Set UnionAutomaton::Step(const Set& from, char c) const {
  Set next;
  for (const std::uint32_t state : from) {
    for (const Edge& edge : states_[state].edges) {
      if (edge.only >= 0 ? edge.only == Byte(c) : edge.on[Byte(c)]) next.push_back(edge.to);
    }
  }
  SortUnique(next);
  return next;
}

std::vector<std::uint32_t> UnionAutomaton::Accepted(const Set& set) const {
  std::vector<std::uint32_t> languages;
  for (const std::uint32_t state : set) {
    const std::vector<std::uint32_t>& accepts = states_[state].accepts;
    languages.insert(languages.end(), accepts.begin(), accepts.end());
  }
  SortUnique(languages);
  return languages;
}

}  // namespace weft::verifier
