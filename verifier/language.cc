#include "verifier/language.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "dsl/overloaded.h"
#include "engine/match.h"

namespace weft::verifier {
namespace {

CharSet Single(char c) { return CharSet().set(static_cast<unsigned char>(c)); }

const CharSet& TemplateChars() {
  static const CharSet set = [] {
    CharSet chars;
    for (int c = 0; c < 128; ++c) {
      if (engine::IsTemplateChar(static_cast<char>(c))) chars.set(static_cast<std::size_t>(c));
    }
    return chars;
  }();
  return set;
}

class Builder {
 public:
  Builder() { nfa_.states.emplace_back(); }

  std::uint32_t New() {
    nfa_.states.emplace_back();
    return static_cast<std::uint32_t>(nfa_.states.size() - 1);
  }
  void Edge(std::uint32_t from, const CharSet& on, std::uint32_t to) {
    nfa_.states[from].edges.push_back({on, to});
  }
  std::uint32_t Literal(std::uint32_t from, std::string_view text) {
    for (const char c : text) {
      const std::uint32_t next = New();
      Edge(from, Single(c), next);
      from = next;
    }
    return from;
  }
  void Accept(std::uint32_t state) { nfa_.states[state].accepts = true; }
  // Any rest: the state accepts and stays.
  void AcceptRest(std::uint32_t state, const CharSet& on) {
    Accept(state);
    Edge(state, on, state);
  }
  Nfa Take() { return std::move(nfa_); }

 private:
  Nfa nfa_;
};

Nfa OfTemplate(std::string_view text) {
  Builder b;
  std::uint32_t at = 0;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find('/', begin + 1);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view part = text.substr(begin, end - begin);  // with its leading slash
    if (part == "/**") {
      at = b.Literal(at, "/");
      b.AcceptRest(at, TemplateChars() | Single('/'));
      return b.Take();
    }
    if (part == "/*") {
      at = b.Literal(at, "/");
      const std::uint32_t segment = b.New();
      b.Edge(at, TemplateChars(), segment);
      b.Edge(segment, TemplateChars(), segment);
      at = segment;
    } else {
      at = b.Literal(at, part);
    }
    begin = end;
  }
  b.Accept(at);
  return b.Take();
}

std::optional<Nfa> OfPattern(const Pattern& pattern) {
  const CharSet any = ~CharSet();
  Builder b;
  return std::visit(Overloaded{
                        [&](const Exact& p) -> std::optional<Nfa> {
                          b.Accept(b.Literal(0, p.value));
                          return b.Take();
                        },
                        [&](const Under& p) -> std::optional<Nfa> {
                          if (p.value == "/") {
                            b.AcceptRest(b.Literal(0, "/"), any);
                            return b.Take();
                          }
                          const std::uint32_t whole = b.Literal(0, p.value);
                          b.Accept(whole);
                          b.AcceptRest(b.Literal(whole, "/"), any);
                          return b.Take();
                        },
                        [&](const Prefix& p) -> std::optional<Nfa> {
                          b.AcceptRest(b.Literal(0, p.value), any);
                          return b.Take();
                        },
                        [&](const Suffix& p) -> std::optional<Nfa> {
                          b.Edge(0, any, 0);
                          b.Accept(b.Literal(0, p.value));
                          return b.Take();
                        },
                        [](const Template& p) -> std::optional<Nfa> { return OfTemplate(p.value); },
                        [](const Regex& p) { return CompileRegex(p.value); },
                        [&](const Present&) -> std::optional<Nfa> {
                          b.AcceptRest(0, any);
                          return b.Take();
                        },
                    },
                    pattern);
}

// Every value `from` + rest such that `to` + rest is in the language: runs `to`, then reads `from`
// and the rest.
Nfa Preimage(const Nfa& nfa, const std::string& from, const std::string& to) {
  std::set<std::uint32_t> states{0};
  for (const char c : to) {
    std::set<std::uint32_t> next;
    for (const std::uint32_t state : states) {
      for (const Nfa::Edge& edge : nfa.states[state].edges) {
        if (edge.on[static_cast<unsigned char>(c)]) next.insert(edge.to);
      }
    }
    states = std::move(next);
  }
  // States of the original stand behind a new start and the letters of `from`.
  Nfa mapped;
  mapped.states.resize(from.size() + 1);
  const auto offset = static_cast<std::uint32_t>(mapped.states.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    mapped.states[i].edges.push_back({Single(from[i]), static_cast<std::uint32_t>(i + 1)});
  }
  Nfa::State& joint = mapped.states[from.size()];
  for (const std::uint32_t state : states) {
    joint.accepts = joint.accepts || nfa.states[state].accepts;
    for (const Nfa::Edge& edge : nfa.states[state].edges) {
      joint.edges.push_back({edge.on, edge.to + offset});
    }
  }
  for (const Nfa::State& state : nfa.states) {
    mapped.states.push_back(state);
    for (Nfa::Edge& edge : mapped.states.back().edges) edge.to += offset;
  }
  return mapped;
}

// Union of two automata.
Nfa Either(Nfa a, const Nfa& b) {
  const auto offset = static_cast<std::uint32_t>(a.states.size());
  for (const Nfa::State& state : b.states) {
    a.states.push_back(state);
    for (Nfa::Edge& edge : a.states.back().edges) edge.to += offset;
  }
  const Nfa::State start = a.states[offset];
  a.states[0].accepts = a.states[0].accepts || start.accepts;
  a.states[0].edges.insert(a.states[0].edges.end(), start.edges.begin(), start.edges.end());
  return a;
}

}  // namespace

std::optional<Nfa> Compile(const Language& language) {
  std::optional<Nfa> nfa = OfPattern(language.pattern);
  if (!nfa || !language.mapping) return nfa;
  const PathMapping& m = *language.mapping;
  if (!m.segments) return Preimage(*nfa, m.from, m.to);
  // As engine/rewrite.cc ReplaceSegments: "" keeps the replacement whole, a rest loses the slash
  // the replacement ends with. The root is replaced in front of the whole path.
  const std::string from = m.from == "/" ? "" : m.from;
  std::string joined = m.to;
  if (joined.ends_with('/')) joined.pop_back();
  // A start that is entered again would mix the two cases; Preimage never leads back to state 0.
  const Nfa rest = Preimage(*nfa, from + "/", joined + "/");
  if (m.from == "/") return rest;
  Builder whole;
  const std::string alone = m.to.empty() ? "/" : m.to;
  if (engine::Matches(language.pattern, alone)) whole.Accept(whole.Literal(0, from));
  return Either(whole.Take(), rest);
}

}  // namespace weft::verifier
