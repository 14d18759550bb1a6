#include "verifier/atoms.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <unordered_map>

namespace weft::verifier {
namespace {

constexpr std::size_t kMaxDfaStates = 50'000;

// Letters tried first make witnesses readable.
constexpr std::string_view kOrder =
    "xabcdefghijklmnopqrstuvwyz0123456789/"
    "-.XABCDEFGHIJKLMNOPQRSTUVWYZ_~=:@&+,;!$'()*%|^`{}<>[]\"\\ "
    "?#";

CharSet Of(std::string_view chars) {
  CharSet set;
  for (const char c : chars) set.set(static_cast<unsigned char>(c));
  return set;
}

CharSet Alphabet(Domain domain) {
  static constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
  static constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  static constexpr std::string_view kDigits = "0123456789";
  CharSet set;
  switch (domain) {
    case Domain::kHost:
      return Of(kLower) | Of(kDigits) | Of("-._*");
    case Domain::kMethod:
      return Of(kUpper) | Of("-");
    case Domain::kPath:
      for (unsigned c = 0x21; c < 0x7f; ++c) set.set(c);
      return set & ~Of("?#\\");
    case Domain::kText:
      for (unsigned c = 0x20; c < 0x7f; ++c) set.set(c);
      return set;
  }
  return set;
}

// One automaton of all languages, run as a set of states at a time.
class Union {
 public:
  bool Add(const Language& language) {
    std::optional<Nfa> nfa = Compile(language);
    if (!nfa) return false;
    const auto offset = static_cast<std::uint32_t>(states_.size());
    for (Nfa::State& state : nfa->states) {
      for (Nfa::Edge& edge : state.edges) edge.to += offset;
      owner_.push_back(languages_);
      states_.push_back(std::move(state));
    }
    starts_.push_back(offset);
    ++languages_;
    return true;
  }

  // Divides the alphabet by the larger sets of the edges; call before Letters.
  void Classify(const CharSet& alphabet) {
    std::vector<CharSet> sets;
    for (const Nfa::State& state : states_) {
      for (const Nfa::Edge& edge : state.edges) {
        if (edge.on.count() > 1 && std::find(sets.begin(), sets.end(), edge.on) == sets.end()) {
          sets.push_back(edge.on);
        }
      }
    }
    std::map<std::vector<bool>, std::size_t> known;
    for (const char c : kOrder) {
      const auto at = static_cast<unsigned char>(c);
      if (!alphabet[at]) continue;
      std::vector<bool> signature;
      for (const CharSet& set : sets) signature.push_back(set[at]);
      const std::size_t id = known.emplace(std::move(signature), classes_.size()).first->second;
      if (id == classes_.size()) classes_.emplace_back();
      classes_[id].push_back(c);
      rank_[at] = static_cast<int>(order_++);
    }
  }

  // Characters that tell the states of the set apart, preferred ones first: those that an edge
  // names alone, and one more of every class.
  [[nodiscard]] std::vector<char> Letters(const std::vector<std::uint32_t>& set) const {
    CharSet single;
    for (const std::uint32_t state : set) {
      for (const Nfa::Edge& edge : states_[state].edges) {
        if (edge.on.count() == 1) single |= edge.on;
      }
    }
    std::vector<char> letters;
    for (const std::string& members : classes_) {
      bool other = false;
      for (const char c : members) {
        const bool named = single[static_cast<unsigned char>(c)];
        if (named || !other) letters.push_back(c);
        other = other || !named;
      }
    }
    std::sort(letters.begin(), letters.end(), [&](char x, char y) {
      return rank_[static_cast<unsigned char>(x)] < rank_[static_cast<unsigned char>(y)];
    });
    return letters;
  }

  using Set = std::vector<std::uint32_t>;
  [[nodiscard]] const Set& Start() const { return starts_; }
  [[nodiscard]] Set Step(const Set& from, char c) const {
    Set next;
    for (const std::uint32_t state : from) {
      for (const Nfa::Edge& edge : states_[state].edges) {
        if (edge.on[static_cast<unsigned char>(c)]) next.push_back(edge.to);
      }
    }
    std::sort(next.begin(), next.end());
    next.erase(std::unique(next.begin(), next.end()), next.end());
    return next;
  }
  [[nodiscard]] Signature Accepts(const Set& set) const {
    Signature signature(languages_, false);
    for (const std::uint32_t state : set) {
      if (states_[state].accepts) signature[owner_[state]] = true;
    }
    return signature;
  }

 private:
  std::vector<Nfa::State> states_;
  std::vector<std::size_t> owner_;
  Set starts_;
  std::size_t languages_ = 0;
  std::vector<std::string> classes_;  // characters by class, in order of preference
  std::array<int, 256> rank_{};
  std::size_t order_ = 0;
};

struct SetHash {
  std::size_t operator()(const Union::Set& set) const {
    std::size_t hash = set.size();
    for (const std::uint32_t s : set) hash = hash * 1'000'003 + s;
    return hash;
  }
};

// Where only whole values are compared there is a class for each and one for the rest.
std::optional<std::vector<Atom>> ExactAtoms(const std::vector<Language>& languages,
                                            const std::vector<std::string_view>& others) {
  std::map<std::string, Signature> values;
  for (const Language& language : languages) {
    const auto* exact = std::get_if<Exact>(&language.pattern);
    if (language.mapping || exact == nullptr) return std::nullopt;
    values.try_emplace(exact->value, languages.size(), false);
  }
  for (std::size_t i = 0; i < languages.size(); ++i) {
    values[std::get_if<Exact>(&languages[i].pattern)->value][i] = true;
  }
  std::string rest(others.back());
  for (const std::string_view other : others) {
    if (values.contains(std::string(other))) continue;
    rest = other;
    break;
  }
  while (values.contains(rest)) rest += rest.back();
  std::vector<Atom> atoms{{rest, Signature(languages.size(), false)}};
  for (auto& [value, signature] : values) atoms.push_back({value, std::move(signature)});
  return atoms;
}

// Values for the class of everything that no pattern names, in order of preference.
std::vector<std::string_view> OtherValues(Domain domain) {
  switch (domain) {
    case Domain::kPath:
      return {"/", "/x"};
    case Domain::kMethod:
      return {"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "X"};
    case Domain::kHost:
    case Domain::kText:
      return {"x"};
  }
  return {"x"};
}

}  // namespace

std::optional<std::vector<Atom>> BuildAtoms(const std::vector<Language>& languages, Domain domain,
                                            std::size_t max_atoms) {
  if (auto exact = ExactAtoms(languages, OtherValues(domain))) {
    if (exact->size() > max_atoms) return std::nullopt;
    return exact;
  }
  Union automaton;
  for (const Language& language : languages) {
    if (!automaton.Add(language)) return std::nullopt;
  }
  automaton.Classify(Alphabet(domain));
  std::unordered_map<Union::Set, bool, SetHash> seen;
  std::vector<std::pair<Union::Set, std::string>> queue;
  std::map<Signature, bool> found;
  std::vector<Atom> atoms;
  const auto visit = [&](Union::Set set, std::string value) {
    if (!seen.emplace(set, true).second) return;
    Signature signature = automaton.Accepts(set);
    if (found.emplace(signature, true).second) atoms.push_back({value, std::move(signature)});
    queue.emplace_back(std::move(set), std::move(value));
  };
  // The empty value belongs to text alone; a path begins with its slash.
  if (domain == Domain::kText) {
    visit(automaton.Start(), "");
  } else if (domain == Domain::kPath) {
    visit(automaton.Step(automaton.Start(), '/'), "/");
  } else {
    for (const char c : automaton.Letters(automaton.Start())) {
      visit(automaton.Step(automaton.Start(), c), std::string(1, c));
    }
  }
  for (std::size_t i = 0; i < queue.size(); ++i) {
    if (seen.size() > kMaxDfaStates || atoms.size() > max_atoms) return std::nullopt;
    for (const char c : automaton.Letters(queue[i].first)) {
      visit(automaton.Step(queue[i].first, c), queue[i].second + c);
    }
  }
  return atoms;
}

}  // namespace weft::verifier
