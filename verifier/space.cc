#include "verifier/space.h"

#include <algorithm>

#include "dsl/overloaded.h"
#include "engine/match.h"
#include "engine/rewrite.h"

namespace weft::verifier {
namespace {

using engine::Condition;

// Path patterns a rewrite may replace, in the order engine/rewrite.cc tries them.
void Replaceable(const Condition& condition, std::vector<Pattern>& patterns) {
  if (condition.kind == Condition::Kind::kNot) return;
  if (condition.matcher) {
    const auto* match = std::get_if<engine::PathMatch>(&*condition.matcher);
    if (match == nullptr) return;
    for (const Pattern& pattern : match->any_of) {
      const bool fits = std::visit(Overloaded{
                                       [](const Exact&) { return true; },
                                       [](const Under&) { return true; },
                                       [](const Prefix&) { return true; },
                                       [](const auto&) { return false; },
                                   },
                                   pattern);
      if (fits) patterns.push_back(pattern);
    }
    return;
  }
  for (const Condition& child : condition.children) Replaceable(child, patterns);
}

}  // namespace

void Space::SetCandidates(const std::vector<Candidate>* candidates) {
  candidates_ = candidates;
  caller_ = formulas_.NewVar(static_cast<std::uint32_t>(candidates->size()));
}

void Space::GiveUp(const std::string& reason) {
  gave_up_ = true;
  reason_ = reason;
}

bool Space::FreezeDimension(const Field& field, Dimension& dimension) {
  std::vector<Language> languages;
  for (auto& [language, at] : dimension.languages) {
    at = languages.size();
    languages.push_back(language);
  }
  dimension.atoms = atlas_.Atoms(field, languages);
  if (dimension.atoms == nullptr) {
    for (const Language& language : languages) {
      if (!Compile(language)) {
        reason_ = "weft cannot reason about " + engine::Describe(language.pattern);
      }
    }
    if (reason_.empty()) reason_ = "too many different patterns for one field";
    return false;
  }
  const auto count = static_cast<std::uint32_t>(dimension.atoms->size());
  if (field.kind == Field::Kind::kClaim) {
    for (std::uint32_t i = 0; i < count; ++i) dimension.has.push_back(formulas_.NewVar(2));
    return true;
  }
  dimension.optional = field.kind == Field::Kind::kHeader || field.kind == Field::Kind::kQuery;
  dimension.var = formulas_.NewVar(count + (dimension.optional ? 1 : 0));
  return true;
}

// Addresses that stand for the pieces the ends of the blocks cut the address space into.
void Space::FreezeBlocks(Blocks& blocks) {
  std::set<engine::Ip> starts;
  if (const auto first = engine::Ip::Parse("10.0.0.1")) starts.insert(*first);
  for (const engine::Cidr& cidr : blocks.cidrs) {
    starts.insert(cidr.First());
    engine::Ip next = cidr.Last();
    for (std::size_t i = next.bytes.size(); i-- > 0;) {
      if (++next.bytes[i] != 0) break;
    }
    starts.insert(next);
  }
  for (const char* text : {"203.0.113.7", "2001:db8::1"}) {
    if (const auto ip = engine::Ip::Parse(text)) starts.insert(*ip);
  }
  // One address for each way of lying in the blocks.
  std::map<std::vector<bool>, engine::Ip> classes;
  std::vector<engine::Ip> ordered;
  if (const auto usual = engine::Ip::Parse("10.0.0.1")) ordered.push_back(*usual);
  ordered.insert(ordered.end(), starts.begin(), starts.end());
  for (const engine::Ip& ip : ordered) {
    std::vector<bool> inside;
    for (const engine::Cidr& cidr : blocks.cidrs) inside.push_back(cidr.Contains(ip));
    if (classes.emplace(inside, ip).second) blocks.atoms.push_back(ip);
  }
  blocks.var = formulas_.NewVar(static_cast<std::uint32_t>(blocks.atoms.size()));
}

bool Space::Freeze() {
  collecting_ = false;
  for (auto& [field, dimension] : dimensions_) {
    if (!FreezeDimension(field, dimension)) return false;
  }
  for (const std::uint32_t provider : providers_) tokens_[provider] = formulas_.NewVar(3);
  for (auto& [provider, var] : answers_) var = formulas_.NewVar(3);
  for (auto& [limit, var] : exhausted_) var = formulas_.NewVar(2);
  for (auto& [limiter, var] : silent_) var = formulas_.NewVar(2);
  if (from_here_) {
    from_here_ = formulas_.NewVar(2);
    for (const char* name : {"origin", "referer"}) {
      if (!dimensions_.contains({Field::Kind::kHeader, name, {}})) continue;
      reason_ = "a condition looks at the header `" + std::string(name) + "`, and so does `csrf`";
      return false;
    }
  }
  FreezeBlocks(source_ip_);
  FreezeBlocks(remote_ip_);
  return true;
}

FormulaId Space::In(const Field& field, const Language& language) {
  Dimension& dimension = dimensions_[field];
  if (collecting_) {
    dimension.languages.emplace(language, 0);
    return Unknown();
  }
  const std::vector<std::uint32_t>& atoms =
      dimension.atoms->accepted[dimension.languages.at(language)];
  if (field.kind == Field::Kind::kClaim) {
    std::vector<FormulaId> any;
    for (const std::uint32_t atom : atoms) any.push_back(formulas_.Is(dimension.has[atom], 1));
    return formulas_.Or(std::move(any));
  }
  const std::uint32_t first = dimension.optional ? 1 : 0;
  std::vector<bool> members(first + dimension.atoms->size(), false);
  for (const std::uint32_t atom : atoms) members[first + atom] = true;
  return formulas_.Member(dimension.var, std::move(members));
}

FormulaId Space::AnyIn(const Field& field, const std::vector<Pattern>& patterns) {
  std::vector<FormulaId> any;
  for (const Pattern& pattern : patterns) any.push_back(In(field, {pattern, {}}));
  return formulas_.Or(std::move(any));
}

// Path patterns on the path a route's rewrite leaves: one case for each part it may replace.
FormulaId Space::Paths(const std::vector<Pattern>& patterns, const View& view) {
  const Field path{Field::Kind::kPath, "", {}};
  const engine::Rewrite* rewrite = nullptr;
  if (view.rule != nullptr && view.rule->modifiers.rewrite)
    rewrite = &*view.rule->modifiers.rewrite;
  if (rewrite == nullptr || !rewrite->path) return AnyIn(path, patterns);
  if (rewrite->regex) {
    GiveUp("a path rewritten by a regular expression meets a rule that looks at the path");
    return Unknown();
  }
  std::vector<Pattern> replaced;
  Replaceable(view.rule->match, replaced);
  std::vector<FormulaId> cases;
  std::vector<FormulaId> none_before;
  const auto add_case = [&](FormulaId here, auto seen) {
    std::vector<FormulaId> any;
    for (const Pattern& pattern : patterns) any.push_back(seen(pattern));
    std::vector<FormulaId> all = none_before;
    all.push_back(here);
    all.push_back(formulas_.Or(std::move(any)));
    cases.push_back(formulas_.And(std::move(all)));
    none_before.push_back(formulas_.Not(here));
  };
  for (const Pattern& part : replaced) {
    const FormulaId here = In(path, {part, {}});
    const auto mapped = [&](const std::string& from, bool segments) {
      add_case(here, [&](const Pattern& pattern) {
        return In(path, {pattern, PathMapping{from, *rewrite->path, segments}});
      });
    };
    std::visit(Overloaded{
                   [&](const Exact&) {
                     add_case(here, [&](const Pattern& pattern) {
                       return engine::Matches(pattern, *rewrite->path) ? kTrue : kFalse;
                     });
                   },
                   [&](const Under& p) { mapped(p.value, true); },
                   [&](const Prefix& p) { mapped(p.value, false); },
                   [](const auto&) {},
               },
               part);
  }
  add_case(kTrue, [&](const Pattern& pattern) {
    return In(path, {pattern, PathMapping{"/", *rewrite->path, false}});
  });
  return formulas_.Or(std::move(cases));
}

FormulaId Space::Header(const engine::HeaderMatch& match, const View& view) {
  if (view.rule != nullptr) {
    for (auto op = view.rule->modifiers.headers.rbegin(); op != view.rule->modifiers.headers.rend();
         ++op) {
      if (op->side != engine::HeaderOp::Side::kRequest || op->name != match.name) continue;
      switch (op->kind) {
        case engine::HeaderOp::Kind::kRemove:
          return kFalse;
        case engine::HeaderOp::Kind::kSet:
          return std::any_of(match.any_of.begin(), match.any_of.end(),
                             [&](const Pattern& p) { return engine::Matches(p, op->value); })
                     ? kTrue
                     : kFalse;
        case engine::HeaderOp::Kind::kAdd:
          GiveUp("a rule looks at header `" + match.name + "`, to which a route appends");
          return Unknown();
      }
    }
  }
  return AnyIn({Field::Kind::kHeader, match.name, {}}, match.any_of);
}

FormulaId Space::Address(Blocks& blocks, const std::vector<engine::Cidr>& cidrs) {
  if (collecting_) {
    blocks.cidrs.insert(cidrs.begin(), cidrs.end());
    return Unknown();
  }
  std::vector<bool> members;
  for (const engine::Ip& ip : blocks.atoms) {
    members.push_back(std::any_of(cidrs.begin(), cidrs.end(),
                                  [&](const engine::Cidr& cidr) { return cidr.Contains(ip); }));
  }
  return formulas_.Member(blocks.var, std::move(members));
}

FormulaId Space::TokenIs(engine::JwtId provider, std::uint32_t state) {
  if (collecting_) {
    providers_.insert(provider.value);
    return Unknown();
  }
  return formulas_.Is(tokens_.at(provider.value), state);
}

FormulaId Space::AnswerIs(engine::AuthorizerId provider, engine::Answer answer) {
  const auto assumed = assumed_.answers.find(provider);
  if (assumed != assumed_.answers.end()) return assumed->second == answer ? kTrue : kFalse;
  const auto at = answers_.try_emplace(provider).first;
  return collecting_ ? Unknown() : formulas_.Is(at->second, static_cast<std::uint32_t>(answer));
}

FormulaId Space::HasRoom(engine::LimitId limit) {
  if (assumed_.within_limits) return kTrue;
  const auto at = exhausted_.try_emplace(limit).first;
  return collecting_ ? Unknown() : formulas_.Is(at->second, 0);
}

FormulaId Space::FromHere() {
  if (!from_here_) from_here_ = VarId{};
  return collecting_ ? Unknown() : formulas_.Is(*from_here_, 1);
}

FormulaId Space::Answers(engine::LimiterId limiter) {
  if (assumed_.within_limits) return kTrue;
  const auto at = silent_.try_emplace(limiter).first;
  return collecting_ ? Unknown() : formulas_.Is(at->second, 0);
}

FormulaId Space::Callers(const std::vector<engine::CallerSet>& sets, const View& view) {
  for (const engine::CallerSet& set : sets) {
    for (const engine::Caller& caller : set.any_of) {
      const auto* identity = std::get_if<engine::IdentityPattern>(&caller);
      if (identity == nullptr || !std::holds_alternative<Regex>(identity->pattern)) continue;
      if (!Compile({identity->pattern, {}})) {
        GiveUp("weft cannot reason about identities that match " +
               engine::Describe(identity->pattern));
      }
    }
  }
  if (view.peer != nullptr) return engine::Admits(sets, *view.peer) ? kTrue : kFalse;
  return CallerIs([&](const Candidate& c) { return engine::Admits(sets, c.identity); });
}

FormulaId Space::CallerIs(const std::function<bool(const Candidate&)>& predicate) {
  if (collecting_) return Unknown();
  std::vector<bool> members;
  for (const Candidate& candidate : *candidates_) members.push_back(predicate(candidate));
  return formulas_.Member(caller_, std::move(members));
}

FormulaId Space::HostIn(const Pattern& pattern) {
  return In({Field::Kind::kHost, "", {}}, {pattern, {}});
}
FormulaId Space::SniIn(const Pattern& pattern) {
  return In({Field::Kind::kSni, "", {}}, {pattern, {}});
}

FormulaId Space::Match(const engine::Matcher& matcher, const View& view) {
  const auto exact = [](const std::vector<std::string>& values) {
    std::vector<Pattern> patterns;
    for (const std::string& value : values) patterns.emplace_back(Exact{value});
    return patterns;
  };
  return std::visit(
      Overloaded{
          [&](const engine::MethodMatch& m) {
            return AnyIn({Field::Kind::kMethod, "", {}}, exact(m.any_of));
          },
          [&](const engine::PathMatch& m) { return Paths(m.any_of, view); },
          [&](const engine::HostMatch& m) {
            const std::string* host = view.host;
            if (host == nullptr && view.rule != nullptr && view.rule->modifiers.rewrite &&
                view.rule->modifiers.rewrite->host) {
              host = &*view.rule->modifiers.rewrite->host;
            }
            if (host != nullptr) {
              return std::any_of(m.any_of.begin(), m.any_of.end(),
                                 [&](const Pattern& p) { return engine::Matches(p, *host); })
                         ? kTrue
                         : kFalse;
            }
            return AnyIn({Field::Kind::kHost, "", {}}, m.any_of);
          },
          [&](const engine::SniMatch& m) {
            return AnyIn({Field::Kind::kSni, "", {}}, m.any_of);
          },
          [&](const engine::HeaderMatch& m) { return Header(m, view); },
          [&](const engine::QueryMatch& m) {
            return AnyIn({Field::Kind::kQuery, m.name, {}}, m.any_of);
          },
          [&](const engine::PortMatch& m) {
            const bool hit = view.port && std::find(m.any_of.begin(), m.any_of.end(), *view.port) !=
                                              m.any_of.end();
            return hit ? kTrue : kFalse;
          },
          [&](const engine::CallerMatch& m) { return Callers(m.any_of, view); },
          [&](const engine::SourceIpMatch& m) { return Address(source_ip_, m.any_of); },
          [&](const engine::RemoteIpMatch& m) { return Address(remote_ip_, m.any_of); },
          [&](const engine::MtlsMatch&) {
            if (view.peer != nullptr) return view.peer->has_value() ? kTrue : kFalse;
            return CallerIs([](const Candidate& c) { return c.identity.has_value(); });
          },
          [&](const engine::JwtMatch& m) { return TokenIs(m.provider, 1); },
          [&](const engine::ClaimMatch& m) {
            std::string path;
            for (const std::string& step : m.claim) path += (path.empty() ? "" : ".") + step;
            const FormulaId claim = AnyIn({Field::Kind::kClaim, path, m.provider}, m.any_of);
            return formulas_.And({TokenIs(m.provider, 1), claim});
          },
      },
      matcher);
}

FormulaId Space::Encode(const Condition& condition, const View& view) {
  std::vector<FormulaId> children;
  for (const Condition& child : condition.children) children.push_back(Encode(child, view));
  switch (condition.kind) {
    case Condition::Kind::kTrue:
      return kTrue;
    case Condition::Kind::kFalse:
      return kFalse;
    case Condition::Kind::kAnd:
      return formulas_.And(std::move(children));
    case Condition::Kind::kOr:
      return formulas_.Or(std::move(children));
    case Condition::Kind::kNot:
      return formulas_.Not(children.front());
    case Condition::Kind::kMatcher:
      return Match(*condition.matcher, view);
  }
  return kFalse;
}

engine::Request Space::Witness(const Assignment& assignment, engine::Request base) const {
  const auto value = [&](VarId var) { return assignment[var.value]; };
  for (const auto& [field, dimension] : dimensions_) {
    if (field.kind == Field::Kind::kClaim) continue;
    const std::uint32_t at = value(dimension.var);
    if (dimension.optional && at == 0) continue;
    const std::string& text = dimension.atoms->witnesses[at - (dimension.optional ? 1 : 0)];
    switch (field.kind) {
      case Field::Kind::kMethod:
        base.method = text;
        break;
      case Field::Kind::kPath:
        base.path = text;
        break;
      case Field::Kind::kHost:
        base.host = text;
        break;
      case Field::Kind::kSni:
        base.sni = text;
        break;
      case Field::Kind::kHeader:
        base.headers[field.name] = text;
        break;
      case Field::Kind::kQuery:
        base.query[field.name] = text;
        break;
      case Field::Kind::kClaim:
        break;
    }
  }
  for (const auto& [provider, var] : tokens_) {
    if (value(var) == 0) continue;
    engine::Token token{.provider = {provider}, .valid = value(var) == 1, .claims = {}};
    for (const auto& [field, dimension] : dimensions_) {
      if (field.kind != Field::Kind::kClaim || field.provider.value != provider) continue;
      for (std::size_t i = 0; i < dimension.atoms->size(); ++i) {
        if (value(dimension.has[i]) == 1) {
          token.claims[field.name].push_back(dimension.atoms->witnesses[i]);
        }
      }
    }
    base.tokens.push_back(std::move(token));
  }
  for (const auto& [provider, answer] : assumed_.answers) base.answers[provider] = answer;
  for (const auto& [provider, var] : answers_) {
    base.answers[provider] = static_cast<engine::Answer>(value(var));
  }
  for (const auto& [limit, var] : exhausted_) {
    if (value(var) == 1) base.exhausted.insert(limit);
  }
  for (const auto& [limiter, var] : silent_) {
    if (value(var) == 1) base.silent.insert(limiter);
  }
  if (from_here_ && value(*from_here_) == 1) base.headers["origin"] = "https://" + base.host;
  if (!source_ip_.cidrs.empty()) {
    base.source_ip = source_ip_.atoms[value(source_ip_.var)].ToString();
  }
  if (!remote_ip_.cidrs.empty()) {
    base.remote_ip = remote_ip_.atoms[value(remote_ip_.var)].ToString();
  }
  return base;
}

const Candidate* Space::CallerOf(const Assignment& assignment) const {
  return candidates_ == nullptr ? nullptr : &(*candidates_)[assignment[caller_.value]];
}

}  // namespace weft::verifier
