#include "verifier/atoms.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "verifier/automaton.h"

namespace weft::verifier {
namespace {

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

struct SetHash {
  std::size_t operator()(const std::vector<std::uint32_t>& set) const {
    std::size_t hash = set.size();
    for (const std::uint32_t s : set) hash = hash * 1'000'003 + s;
    return hash;
  }
};

// Numbers atoms by the languages that hold for them.
class Collector {
 public:
  explicit Collector(std::size_t languages) { atoms_.accepted.resize(languages); }

  void Add(const std::string& value, std::vector<std::uint32_t> languages) {
    if (!known_.insert(languages).second) return;
    const auto atom = static_cast<std::uint32_t>(atoms_.witnesses.size());
    atoms_.witnesses.push_back(value);
    for (const std::uint32_t language : languages) atoms_.accepted[language].push_back(atom);
  }
  [[nodiscard]] std::size_t size() const { return atoms_.size(); }
  AtomSet Take() { return std::move(atoms_); }

 private:
  AtomSet atoms_;
  std::unordered_set<std::vector<std::uint32_t>, SetHash> known_;
};

// Where only whole values are compared there is a class for each and one for the rest.
std::optional<AtomSet> ExactAtoms(const std::vector<Language>& languages,
                                  const std::vector<std::string_view>& others) {
  std::map<std::string, std::vector<std::uint32_t>> values;
  for (std::uint32_t i = 0; i < languages.size(); ++i) {
    const auto* exact = std::get_if<Exact>(&languages[i].pattern);
    if (languages[i].mapping || exact == nullptr) return std::nullopt;
    values[exact->value].push_back(i);
  }
  std::string rest(others.back());
  for (const std::string_view other : others) {
    if (values.contains(std::string(other))) continue;
    rest = other;
    break;
  }
  while (values.contains(rest)) rest += rest.back();
  Collector atoms(languages.size());
  atoms.Add(rest, {});
  for (auto& [value, holders] : values) atoms.Add(value, std::move(holders));
  return atoms.Take();
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

// Breadth first over the sets of states, from the values of one character on.
class Exploration {
 public:
  Exploration(const UnionAutomaton& automaton, std::size_t languages)
      : automaton_(automaton), atoms_(languages) {}

  void Begin(Domain domain) {
    // The empty value belongs to text alone; a path begins with its slash.
    if (domain == Domain::kText) {
      Visit(automaton_.Start(), "");
    } else if (domain == Domain::kPath) {
      Visit(automaton_.Step(automaton_.Start(), '/'), "/");
    } else {
      for (const char c : automaton_.Letters(automaton_.Start())) {
        Visit(automaton_.Step(automaton_.Start(), c), std::string(1, c));
      }
    }
  }

  std::optional<AtomSet> Finish(const AtomLimits& limits) {
    while (!queue_.empty()) {
      if (seen_.size() > limits.states || atoms_.size() > limits.atoms) return std::nullopt;
      const auto [set, value] = std::move(queue_.front());
      queue_.pop_front();
      for (const char c : automaton_.Letters(*set)) Visit(automaton_.Step(*set, c), value + c);
    }
    return atoms_.Take();
  }

 private:
  void Visit(UnionAutomaton::Set set, std::string value) {
    const auto [at, fresh] = seen_.insert(std::move(set));
    if (!fresh) return;
    atoms_.Add(value, automaton_.Accepted(*at));
    queue_.emplace_back(&*at, std::move(value));
  }

  const UnionAutomaton& automaton_;
  Collector atoms_;
  std::unordered_set<UnionAutomaton::Set, SetHash> seen_;  // its elements stay where they are
  std::deque<std::pair<const UnionAutomaton::Set*, std::string>> queue_;
};

}  // namespace

std::vector<bool> AtomSet::MembersOf(std::size_t language) const {
  std::vector<bool> members(size(), false);
  for (const std::uint32_t atom : accepted[language]) members[atom] = true;
  return members;
}

std::optional<AtomSet> BuildAtoms(const std::vector<Language>& languages, Domain domain,
                                  const AtomLimits& limits) {
  if (auto exact = ExactAtoms(languages, OtherValues(domain))) {
    if (exact->size() > limits.atoms) return std::nullopt;
    return exact;
  }
  UnionAutomaton automaton;
  for (const Language& language : languages) {
    if (!automaton.Add(language)) return std::nullopt;
  }
  automaton.Classify(Alphabet(domain), kOrder);
  Exploration exploration(automaton, languages.size());
  exploration.Begin(domain);
  return exploration.Finish(limits);
}

AtomSet Coarsen(const AtomSet& all, const std::vector<std::uint32_t>& chosen) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> held;  // atom, position in `chosen`
  for (std::uint32_t i = 0; i < chosen.size(); ++i) {
    for (const std::uint32_t atom : all.accepted[chosen[i]]) held.emplace_back(atom, i);
  }
  std::sort(held.begin(), held.end());
  Collector atoms(chosen.size());
  std::uint32_t expected = 0;  // atoms below it are dealt with
  bool rest = false;           // the class no language holds for is among them
  for (std::size_t at = 0; at < held.size();) {
    const std::uint32_t atom = held[at].first;
    if (!rest && atom > expected) {
      atoms.Add(all.witnesses[expected], {});
      rest = true;
    }
    std::vector<std::uint32_t> languages;
    for (; at < held.size() && held[at].first == atom; ++at) languages.push_back(held[at].second);
    atoms.Add(all.witnesses[atom], std::move(languages));
    expected = atom + 1;
  }
  if (!rest && expected < all.size()) atoms.Add(all.witnesses[expected], {});
  return atoms.Take();
}

}  // namespace weft::verifier
