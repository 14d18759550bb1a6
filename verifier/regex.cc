// RE2 syntax to a finite automaton. Only what is regular over ASCII; anything else is refused, and
// the proof that needed it is undecided.
#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>
#include <utility>

#include "verifier/language.h"

namespace weft::verifier {
namespace {

constexpr std::size_t kMaxStates = 20'000;
constexpr int kMaxDepth = 200;

// A fragment with empty transitions: entry and exit state.
struct Fragment {
  std::uint32_t in = 0, out = 0;
};

CharSet Range(unsigned char low, unsigned char high) {
  CharSet set;
  for (unsigned c = low; c <= high; ++c) set.set(c);
  return set;
}
CharSet Single(char c) { return CharSet().set(static_cast<unsigned char>(c)); }

CharSet Fold(CharSet set) {
  for (char c = 'a'; c <= 'z'; ++c) {
    const auto low = static_cast<unsigned char>(c);
    const auto up = static_cast<unsigned char>(c - 'a' + 'A');
    if (set[low] || set[up]) set.set(low).set(up);
  }
  return set;
}

std::optional<CharSet> PerlClass(char c) {
  CharSet set;
  switch (std::tolower(static_cast<unsigned char>(c))) {
    case 'd':
      set = Range('0', '9');
      break;
    case 'w':
      set = Range('0', '9') | Range('a', 'z') | Range('A', 'Z') | Single('_');
      break;
    case 's':
      set = Single(' ') | Single('\t') | Single('\n') | Single('\f') | Single('\r');
      break;
    default:
      return std::nullopt;
  }
  return std::isupper(static_cast<unsigned char>(c)) != 0 ? ~set : set;
}

std::optional<CharSet> PosixClass(std::string_view name) {
  static const std::array<std::pair<std::string_view, CharSet>, 8> kClasses = {{
      {"alnum", Range('0', '9') | Range('a', 'z') | Range('A', 'Z')},
      {"alpha", Range('a', 'z') | Range('A', 'Z')},
      {"digit", Range('0', '9')},
      {"lower", Range('a', 'z')},
      {"upper", Range('A', 'Z')},
      {"xdigit", Range('0', '9') | Range('a', 'f') | Range('A', 'F')},
      {"word", Range('0', '9') | Range('a', 'z') | Range('A', 'Z') | Single('_')},
      {"space", Single(' ') | Range('\t', '\r')},
  }};
  for (const auto& [known, set] : kClasses) {
    if (known == name) return set;
  }
  return std::nullopt;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::optional<Nfa> Run() {
    while (Accept("^")) {
    }
    if (Accept("(?i)")) fold_ = true;
    while (Accept("^")) {
    }
    const Fragment all = Alternatives(0);
    if (failed_ || at_ != text_.size()) return std::nullopt;
    return WithoutEmpty(all);
  }

 private:
  struct Node {
    std::vector<std::pair<CharSet, std::uint32_t>> edges;
    std::vector<std::uint32_t> empty;
  };

  bool Accept(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  [[nodiscard]] bool End() const { return at_ >= text_.size(); }
  std::uint32_t New() {
    if (nodes_.size() > kMaxStates) failed_ = true;
    nodes_.emplace_back();
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }
  Fragment Of(CharSet set) {
    if (fold_) set = Fold(set);
    const Fragment f{New(), New()};
    nodes_[f.in].edges.emplace_back(set, f.out);
    return f;
  }
  Fragment Nothing() {
    const Fragment f{New(), New()};
    nodes_[f.in].empty.push_back(f.out);
    return f;
  }
  Fragment Then(Fragment a, Fragment b) {
    nodes_[a.out].empty.push_back(b.in);
    return {a.in, b.out};
  }

  Fragment Alternatives(int depth) {
    if (depth > kMaxDepth) failed_ = true;
    if (failed_) return {};
    Fragment all = Sequence(depth);
    while (!failed_ && Accept("|")) {
      const Fragment other = Sequence(depth);
      const Fragment both{New(), New()};
      nodes_[both.in].empty = {all.in, other.in};
      nodes_[all.out].empty.push_back(both.out);
      nodes_[other.out].empty.push_back(both.out);
      all = both;
    }
    return all;
  }

  Fragment Sequence(int depth) {
    Fragment all = Nothing();
    while (!failed_ && !End() && text_[at_] != '|' && text_[at_] != ')') {
      if (text_[at_] == '$') {
        // Only a `$` that ends the whole expression says nothing.
        if (at_ + 1 != text_.size()) failed_ = true;
        ++at_;
        break;
      }
      all = Then(all, Repeated(depth));
    }
    return all;
  }

  Fragment Repeated(int depth) {
    const std::size_t begin = at_;
    Fragment one = Atom(depth);
    while (!failed_ && !End()) {
      int low = 0;
      int high = -1;
      if (Accept("*")) {
      } else if (Accept("+")) {
        low = 1;
      } else if (Accept("?")) {
        high = 1;
      } else if (!Counted(low, high)) {
        break;
      }
      Accept("?");  // a lazy repetition accepts the same
      one = Repeat(begin, at_, one, low, high, depth);
    }
    return one;
  }

  bool Counted(int& low, int& high) {
    if (text_[at_] != '{') return false;
    std::size_t p = at_ + 1;
    const auto number = [&](int& value) {
      const std::size_t first = p;
      int read = 0;
      while (p < text_.size() && std::isdigit(static_cast<unsigned char>(text_[p])) != 0) {
        if (read < 10'000) read = read * 10 + (text_[p] - '0');
        ++p;
      }
      if (p == first) return false;
      value = read;
      return true;
    };
    if (!number(low)) return false;
    high = low;
    if (p < text_.size() && text_[p] == ',') {
      ++p;
      high = -1;
      number(high);
    }
    if (p >= text_.size() || text_[p] != '}') return false;
    if (low > 1000 || high > 1000) failed_ = true;
    at_ = p + 1;
    return true;
  }

  // A counted repetition reads the operand again for each copy.
  Fragment Repeat(std::size_t begin, std::size_t end, Fragment one, int low, int high, int depth) {
    const auto star = [&](Fragment f) {
      const Fragment loop{New(), New()};
      nodes_[loop.in].empty = {f.in, loop.out};
      nodes_[f.out].empty = {f.in, loop.out};
      return loop;
    };
    if (low == 0 && high < 0) return star(one);
    const auto copy = [&] {
      const std::size_t resume = std::exchange(at_, begin);
      const Fragment f = Atom(depth);
      at_ = resume;
      return f;
    };
    (void)end;
    Fragment all = Nothing();
    for (int i = 0; i < low && !failed_; ++i) all = Then(all, i == 0 ? one : copy());
    if (high < 0) return Then(all, star(copy()));
    const std::uint32_t out = New();
    for (int i = low; i < high && !failed_; ++i) {
      nodes_[all.out].empty.push_back(out);
      all = Then(all, i == 0 ? one : copy());
    }
    nodes_[all.out].empty.push_back(out);
    return {all.in, out};
  }

  Fragment Atom(int depth) {
    if (End()) {
      failed_ = true;
      return {};
    }
    const char c = text_[at_++];
    switch (c) {
      case '.':
        return Of(~Single('\n'));
      case '[':
        return Class();
      case '(':
        return Group(depth);
      case '\\':
        return Escape();
      case '*':
      case '+':
      case '?':
      case '^':
      case ')':
        failed_ = true;
        return {};
      default:
        if (static_cast<unsigned char>(c) >= 0x80) failed_ = true;
        return Of(Single(c));
    }
  }

  Fragment Group(int depth) {
    if (Accept("?P<") || Accept("?<")) {
      while (!End() && text_[at_] != '>') ++at_;
      Accept(">");
    } else if (text_.substr(at_, 1) == "?" && !Accept("?:")) {
      failed_ = true;
      return {};
    }
    const Fragment inner = Alternatives(depth + 1);
    if (!Accept(")")) failed_ = true;
    return inner;
  }

  std::optional<CharSet> EscapeSet() {
    if (End()) return std::nullopt;
    const char c = text_[at_++];
    if (std::optional<CharSet> perl = PerlClass(c)) return perl;
    switch (c) {
      case 't':
        return Single('\t');
      case 'n':
        return Single('\n');
      case 'r':
        return Single('\r');
      case 'f':
        return Single('\f');
      default:
        if (std::ispunct(static_cast<unsigned char>(c)) != 0) return Single(c);
        return std::nullopt;
    }
  }

  Fragment Escape() {
    const std::optional<CharSet> set = EscapeSet();
    if (!set) {
      failed_ = true;
      return {};
    }
    return Of(*set);
  }

  Fragment Class() {
    const bool negated = Accept("^");
    CharSet set;
    bool first = true;
    while (!failed_ && !End() && (first || text_[at_] != ']')) {
      first = false;
      if (Accept("[:")) {
        const std::size_t end = text_.find(":]", at_);
        const auto named =
            end == std::string_view::npos ? std::nullopt : PosixClass(text_.substr(at_, end - at_));
        if (!named) {
          failed_ = true;
          return {};
        }
        set |= *named;
        at_ = end + 2;
        continue;
      }
      ReadRange(set);
    }
    if (!Accept("]")) failed_ = true;
    if (fold_) set = Fold(set);
    return Of(negated ? ~set : set);
  }

  void ReadRange(CharSet& set) {
    const auto one = [&](CharSet& into) -> std::optional<unsigned char> {
      if (End()) return std::nullopt;
      const char c = text_[at_++];
      if (static_cast<unsigned char>(c) >= 0x80) failed_ = true;
      if (c != '\\') return static_cast<unsigned char>(c);
      const std::optional<CharSet> escaped = EscapeSet();
      if (!escaped) {
        failed_ = true;
        return std::nullopt;
      }
      if (escaped->count() == 1) {
        for (unsigned i = 0; i < 256; ++i) {
          if ((*escaped)[i]) return static_cast<unsigned char>(i);
        }
      }
      into |= *escaped;
      return std::nullopt;
    };
    const std::optional<unsigned char> low = one(set);
    if (!low) return;
    if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
      ++at_;
      const std::optional<unsigned char> high = one(set);
      if (!high || *high < *low) {
        failed_ = true;
        return;
      }
      set |= Range(*low, *high);
      return;
    }
    set.set(*low);
  }

  std::set<std::uint32_t> Closure(std::uint32_t from) {
    std::set<std::uint32_t> seen{from};
    std::vector<std::uint32_t> open{from};
    while (!open.empty()) {
      const std::uint32_t node = open.back();
      open.pop_back();
      for (const std::uint32_t next : nodes_[node].empty) {
        if (seen.insert(next).second) open.push_back(next);
      }
    }
    return seen;
  }

  Nfa WithoutEmpty(Fragment all) {
    Nfa nfa;
    std::vector<std::uint32_t> index(nodes_.size(), 0);
    std::vector<std::uint32_t> kept{all.in};
    std::vector<bool> known(nodes_.size(), false);
    known[all.in] = true;
    for (std::size_t i = 0; i < kept.size(); ++i) {
      nfa.states.emplace_back();
      for (const std::uint32_t node : Closure(kept[i])) {
        if (node == all.out) nfa.states[i].accepts = true;
        for (const auto& [set, to] : nodes_[node].edges) {
          if (!known[to]) {
            known[to] = true;
            index[to] = static_cast<std::uint32_t>(kept.size());
            kept.push_back(to);
          }
          nfa.states[i].edges.push_back({set, index[to]});
        }
      }
    }
    return nfa;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
  bool fold_ = false;
  std::vector<Node> nodes_;
};

}  // namespace

std::optional<Nfa> CompileRegex(const std::string& regex) { return Parser(regex).Run(); }

}  // namespace weft::verifier
