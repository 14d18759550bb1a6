#include "engine/compiled/conditions.h"

#include <algorithm>
#include <cstring>

#include "dsl/check.h"
#include "dsl/overloaded.h"

namespace weft::engine::compiled {
namespace {

using Word = std::uint32_t;

// A text as words: its length and a tag, then its bytes, filled up.
constexpr unsigned kTagBits = 4;
std::size_t WordsOf(std::size_t bytes) { return (bytes + sizeof(Word) - 1) / sizeof(Word); }

void AppendText(unsigned tag, std::string_view text, std::vector<Word>& to) {
  to.push_back(static_cast<Word>(text.size() << kTagBits) | tag);
  const std::size_t at = to.size();
  to.resize(at + WordsOf(text.size()));
  if (!text.empty()) std::memcpy(&to[at], text.data(), text.size());
}

struct TaggedText {
  unsigned tag;
  std::string_view text;
};
TaggedText ReadText(const Word*& at) {
  const std::size_t size = *at >> kTagBits;
  const unsigned tag = *at & ((1U << kTagBits) - 1);
  const std::string_view text(reinterpret_cast<const char*>(at + 1), size);
  at += 1 + WordsOf(size);
  return {tag, text};
}

bool AnyText(std::size_t count, const Word* at, std::string_view value) {
  for (; count > 0; --count) {
    if (ReadText(at).text == value) return true;
  }
  return false;
}

bool AnyKey(std::size_t count, const Word* at, const Peer& peer) {
  for (; count > 0; --count, at += 3) {
    if (IdentityKey{at[0], at[1], at[2]}.Admits(peer)) return true;
  }
  return false;
}

// Blocks as ranges that neither overlap nor touch out of order.
std::vector<std::pair<Ip, Ip>> Merge(const std::vector<Cidr>& cidrs) {
  std::vector<std::pair<Ip, Ip>> ranges;
  for (const Cidr& cidr : cidrs) ranges.emplace_back(cidr.First(), cidr.Last());
  std::sort(ranges.begin(), ranges.end());
  std::vector<std::pair<Ip, Ip>> merged;
  for (const auto& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().second) {
      merged.back().second = std::max(merged.back().second, range.second);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

bool LooksAtUri(const std::vector<CallerSet>& sets) {
  return std::any_of(sets.begin(), sets.end(), [](const CallerSet& set) {
    return std::any_of(set.any_of.begin(), set.any_of.end(), [](const Caller& caller) {
      return std::holds_alternative<IdentityPattern>(caller);
    });
  });
}

}  // namespace

std::string ClaimName(const std::vector<std::string>& claim) {
  std::string name;
  for (std::size_t i = 0; i < claim.size(); ++i) {
    if (i > 0) name += '.';
    name += claim[i];
  }
  return name;
}

bool LooksAtHttp(const Matcher& matcher) {
  return std::visit(Overloaded{
                        [](const MethodMatch&) { return true; },
                        [](const PathMatch&) { return true; },
                        [](const HostMatch&) { return true; },
                        [](const SniMatch&) { return false; },
                        [](const HeaderMatch&) { return true; },
                        [](const QueryMatch&) { return true; },
                        [](const PortMatch&) { return false; },
                        [](const CallerMatch&) { return false; },
                        [](const SourceIpMatch&) { return false; },
                        [](const RemoteIpMatch&) { return false; },
                        [](const MtlsMatch&) { return false; },
                        [](const JwtMatch&) { return true; },
                        [](const ClaimMatch&) { return true; },
                    },
                    matcher);
}

Conditions::Entry Conditions::Compile(const std::vector<CallerSet>& callers,
                                      const Condition& condition, Traffic traffic) {
  const Entry rest = Emit(condition, traffic, false, kHolds, kFails);
  if (callers.empty() || rest == kFails) return rest;
  return EmitCallers(callers, rest, kFails);
}

// Code is laid down from the last step to the first, so that every target is known.
Conditions::Entry Conditions::Emit(const Condition& condition, Traffic traffic, bool negated,
                                   Entry yes, Entry no) {
  switch (condition.kind) {
    case Condition::Kind::kTrue:
      return yes;
    case Condition::Kind::kFalse:
      return no;
    case Condition::Kind::kNot:
      return Emit(condition.children.front(), traffic, !negated, no, yes);
    case Condition::Kind::kAnd: {
      Entry next = yes;
      for (auto child = condition.children.rbegin(); child != condition.children.rend(); ++child) {
        next = Emit(*child, traffic, negated, next, no);
      }
      return next;
    }
    case Condition::Kind::kOr: {
      Entry next = no;
      for (auto child = condition.children.rbegin(); child != condition.children.rend(); ++child) {
        next = Emit(*child, traffic, negated, yes, next);
      }
      return next;
    }
    case Condition::Kind::kMatcher:
      // Under a negation the targets are swapped: what fails outside goes to `yes` here.
      if (traffic == Traffic::kConnection && LooksAtHttp(*condition.matcher)) {
        return negated ? yes : no;
      }
      return EmitMatcher(*condition.matcher, yes, no);
  }
  return no;
}

Conditions::Entry Conditions::EmitMatcher(const Matcher& matcher, Entry yes, Entry no) {
  const auto put = [&](Kind kind, std::size_t operand) { return Push(kind, operand, yes, no); };
  const auto put_blocks = [&](Kind kind, const std::vector<Cidr>& cidrs) {
    blocks_.push_back(Merge(cidrs));
    return put(kind, blocks_.size() - 1);
  };
  return std::visit(
      Overloaded{
          [&](const MethodMatch& m) {
            std::vector<Word> texts;
            for (const std::string& method : m.any_of) AppendText(0, method, texts);
            return Push(Kind::kMethod, m.any_of.size(), yes, no, texts);
          },
          [&](const PathMatch& m) {
            return EmitPatterns(Kind::kPath, Kind::kManyPaths, m.any_of, yes, no);
          },
          [&](const HostMatch& m) {
            return EmitPatterns(Kind::kHost, Kind::kManyHosts, m.any_of, yes, no);
          },
          [&](const SniMatch& m) {
            return EmitPatterns(Kind::kSni, Kind::kManySnis, m.any_of, yes, no);
          },
          [&](const HeaderMatch& m) { return put(Kind::kHeader, AddNamed(m.name, m.any_of, {})); },
          [&](const QueryMatch& m) { return put(Kind::kQuery, AddNamed(m.name, m.any_of, {})); },
          [&](const PortMatch& m) {
            return Push(Kind::kPort, m.any_of.size(), yes, no, {m.any_of.begin(), m.any_of.end()});
          },
          [&](const CallerMatch& m) { return EmitCallers(m.any_of, yes, no); },
          [&](const SourceIpMatch& m) { return put_blocks(Kind::kSourceIp, m.any_of); },
          [&](const RemoteIpMatch& m) { return put_blocks(Kind::kRemoteIp, m.any_of); },
          [&](const MtlsMatch&) { return put(Kind::kMtls, 0); },
          [&](const JwtMatch& m) { return Push(Kind::kJwt, 1, yes, no, {m.provider.value}); },
          [&](const ClaimMatch& m) {
            return put(Kind::kClaim, AddNamed(ClaimName(m.claim), m.any_of, m.provider));
          },
      },
      matcher);
}

Conditions::Entry Conditions::EmitPatterns(Kind few, Kind many,
                                           const std::vector<Pattern>& patterns, Entry yes,
                                           Entry no) {
  if (patterns.size() > PatternSet::kFew) {
    patterns_.emplace_back(patterns, regexes_);
    return Push(many, patterns_.size() - 1, yes, no);
  }
  std::vector<Word> operands;
  for (const Pattern& pattern : patterns) {
    const PreparedPattern one = Prepare(pattern, regexes_);
    AppendText(static_cast<unsigned>(one.kind), one.text, operands);
    if (one.kind != PatternKind::kRegex) continue;
    operands.push_back(static_cast<Word>(expressions_.size()));
    expressions_.push_back(one.regex);
  }
  return Push(few, patterns.size(), yes, no, operands);
}

Conditions::Entry Conditions::EmitCallers(const std::vector<CallerSet>& sets, Entry yes, Entry no) {
  needs_uri_ = needs_uri_ || LooksAtUri(sets);
  CallerTest test(sets, names_, regexes_);
  const std::vector<IdentityKey>* keys = test.OnlyFewKeys();
  if (keys == nullptr) {
    callers_.push_back(std::move(test));
    return Push(Kind::kCaller, callers_.size() - 1, yes, no);
  }
  std::vector<Word> operands;
  for (const IdentityKey& key : *keys) {
    operands.insert(operands.end(), {key.trust_domain, key.ns, key.account});
  }
  return Push(Kind::kKeys, keys->size(), yes, no, operands);
}

Conditions::Entry Conditions::Push(Kind kind, std::size_t operand, Entry yes, Entry no,
                                   const std::vector<Word>& operands) {
  constexpr unsigned kOperandBits = 24;
  Check(operand < (std::size_t{1} << kOperandBits), "more matchers than an operand counts");
  const std::size_t entry = code_.size();
  code_.push_back(static_cast<Word>(kind) << kOperandBits | static_cast<Word>(operand));
  code_.push_back(yes);
  code_.push_back(no);
  code_.insert(code_.end(), operands.begin(), operands.end());
  return static_cast<Entry>(entry);
}

Conditions::Head Conditions::HeadAt(Entry entry) const {
  const Word first = code_[entry];
  return {static_cast<Kind>(first >> 24U), first & 0xffffffU, code_[entry + 1], code_[entry + 2]};
}

std::size_t Conditions::AddNamed(std::string name, const std::vector<Pattern>& values,
                                 JwtId provider) {
  named_.push_back({std::move(name), PatternSet(values, regexes_), provider});
  return named_.size() - 1;
}

bool Conditions::Holds(Entry entry, const View& view) const {
  while (entry < kFails) {
    const Head head = HeadAt(entry);
    entry = Test(head, &code_[entry] + kHeadWords, view) ? head.yes : head.no;
  }
  return entry == kHolds;
}

bool Conditions::AnyPattern(std::size_t count, const Word* at, std::string_view value) const {
  for (; count > 0; --count) {
    const auto [tag, text] = ReadText(at);
    const auto kind = static_cast<PatternKind>(tag);
    const re2::RE2* regex = kind == PatternKind::kRegex ? expressions_[*at++] : nullptr;
    if (MatchesPrepared(kind, text, regex, value)) return true;
  }
  return false;
}

bool Conditions::Test(const Head& head, const Word* operands, const View& view) const {
  const std::uint32_t operand = head.operand;
  const Request& request = view.request;
  switch (head.kind) {
    case Kind::kMethod:
      return AnyText(operand, operands, request.method);
    case Kind::kPath:
      return AnyPattern(operand, operands, view.path);
    case Kind::kHost:
      return AnyPattern(operand, operands, view.host);
    case Kind::kSni:
      return AnyPattern(operand, operands, request.sni);
    case Kind::kManyPaths:
      return patterns_[operand].Matches(view.path);
    case Kind::kManyHosts:
      return patterns_[operand].Matches(view.host);
    case Kind::kManySnis:
      return patterns_[operand].Matches(request.sni);
    case Kind::kHeader: {
      std::string scratch;
      const std::optional<std::string_view> value = view.Header(named_[operand].name, scratch);
      return value && named_[operand].values.Matches(*value);
    }
    case Kind::kQuery: {
      const auto value = request.query.find(named_[operand].name);
      return value != request.query.end() && named_[operand].values.Matches(value->second);
    }
    case Kind::kPort:
      return std::find(operands, operands + operand, view.port) != operands + operand;
    case Kind::kKeys:
      return view.peer != nullptr && AnyKey(operand, operands, *view.peer);
    case Kind::kCaller:
      return callers_[operand].Admits(view.peer);
    case Kind::kSourceIp:
      return InBlocks(blocks_[operand], view.SourceIp());
    case Kind::kRemoteIp:
      return InBlocks(blocks_[operand], view.RemoteIp());
    case Kind::kMtls:
      return view.peer != nullptr;
    case Kind::kJwt:
      return view.ValidToken({*operands}) != nullptr;
    case Kind::kClaim:
      return ClaimHolds(named_[operand], view);
  }
  return false;
}

bool Conditions::InBlocks(const Blocks& blocks, const std::optional<Ip>& ip) {
  if (!ip) return false;
  const auto after =
      std::upper_bound(blocks.begin(), blocks.end(), *ip,
                       [](const Ip& value, const auto& range) { return value < range.first; });
  return after != blocks.begin() && *ip <= std::prev(after)->second;
}

bool Conditions::ClaimHolds(const Named& claim, const View& view) {
  const Token* token = view.ValidToken(claim.provider);
  if (token == nullptr) return false;
  const auto values = token->claims.find(claim.name);
  if (values == token->claims.end()) return false;
  return std::any_of(values->second.begin(), values->second.end(),
                     [&](const std::string& value) { return claim.values.Matches(value); });
}

}  // namespace weft::engine::compiled
