// A limit counts `x-org = "a.example"` where a transformation has put the part of `x-mail` behind
// the `@` into `x-org`: it is the limit that counts `x-mail matches ".*@a\.example"`. The judges of
// requests then need not know of transformations.
#include "engine/made_headers.h"

#include <re2/re2.h>

#include <algorithm>

#include "engine/codes.h"
#include "engine/match.h"

namespace weft::engine {
namespace {

// `value`, or the part of `source` between what fits `before` and `after`, as RE2 has them.
struct MadeHeader {
  std::string name;
  std::string source;  // "": always `value`
  std::string value;
  std::string before, part, after;
  char separator = '\0';  // the last of its kind in `source` ends `before`; none: 0
  bool followed = true;   // false: nothing of this is known
};

// A text without anything that an expression takes for more than itself.
const char* const kLiteral = R"((?:[A-Za-z0-9@/:=_ ~-]|\\[^A-Za-z0-9])*)";

// The expression has to fit the whole header, and says in one way only what its group is.
bool Split(std::string regex, MadeHeader& made) {
  if (regex.starts_with('^')) regex.erase(0, 1);
  if (regex.ends_with('$') && !regex.ends_with("\\$")) regex.pop_back();
  static const re2::RE2 kParts(std::string(R"((.*?)\((\.[*+]|\[\^[^\[\]]+\][*+])\)()") + kLiteral +
                               ")");
  if (!re2::RE2::FullMatch(regex, kParts, &made.before, &made.part, &made.after)) return false;
  static const re2::RE2 kPlain(kLiteral);
  static const re2::RE2 kBehindLast(R"(\.\*\\?([@/:=_ .-]))");
  static const re2::RE2 kBehindFirst(R"(\[\^\\?(.)\][*+]\\?(.))");
  std::string first, second;
  if (re2::RE2::FullMatch(made.before, kPlain)) return true;
  if (re2::RE2::FullMatch(made.before, kBehindLast, &first)) {
    made.separator = first[0];
    return made.before != ".*.";
  }
  return re2::RE2::FullMatch(made.before, kBehindFirst, &first, &second) && first == second;
}

// The extractor that is all of the template; nullptr when it says more.
const dsl::TransformItem::Extractor* OnlyExtractor(const dsl::TransformItem& item,
                                                   const std::string& text) {
  static const re2::RE2 kOnly(
      R"re(\s*\{\{\s*(?:extraction\(\s*"([^"]*)"\s*\)|([A-Za-z0-9_-]+))\s*\}\}\s*)re");
  std::string called, bare;
  if (!re2::RE2::FullMatch(text, kOnly, &called, &bare)) return nullptr;
  const std::string& name = called.empty() ? bare : called;
  const auto at = std::find_if(item.extractors.begin(), item.extractors.end(),
                               [&](const auto& e) { return e.name.value == name; });
  return at == item.extractors.end() ? nullptr : &*at;
}

MadeHeader Made(const dsl::TransformItem& item, const dsl::TransformItem::Header& header) {
  using Kind = dsl::TransformItem::Header::Kind;
  MadeHeader made{.name = Fold(header.name.value)};
  if (header.kind == Kind::kRemove) return made;
  const std::string& text = header.value.value;
  const bool fixed = text.find("{{") == std::string::npos && text.find("{%") == std::string::npos;
  made.followed = false;
  if (header.kind != Kind::kSet) return made;
  if (fixed) {
    made.value = text;
    made.followed = true;
  } else if (const auto* extractor = OnlyExtractor(item, text)) {
    const bool one = extractor->group && extractor->group->value == 1 && !extractor->replacement;
    const bool plain = extractor->header && !extractor->header->value.starts_with(':');
    if (!one || !plain) return made;
    made.source = Fold(extractor->header->value);
    made.followed = Split(extractor->regex.value, made);
  }
  return made;
}

// What the source has to be for the part to fit the pattern: expressions, none when it never does.
// False when that cannot be said.
bool AskSource(const MadeHeader& made, const Pattern& pattern, std::vector<Pattern>& asked) {
  std::string part;
  if (std::holds_alternative<Present>(pattern)) {
    // A header that is set to nothing is removed.
    part = made.part.substr(0, made.part.size() - 1) + "+";
  } else if (const auto* exact = std::get_if<Exact>(&pattern)) {
    if (exact->value.empty()) return false;
    const bool fits = Matches(Pattern(Regex{made.part}), exact->value);
    const bool cut =
        made.separator != '\0' && exact->value.find(made.separator) != std::string::npos;
    if (!fits || cut) return true;
    part = ToRegex(pattern);
  } else {
    return false;
  }
  asked.emplace_back(Regex{made.before + part + made.after});
  return true;
}

// The condition asked of what the client sends; false when that cannot be said.
bool AskClient(const std::vector<MadeHeader>& all, Condition& condition) {
  for (Condition& child : condition.children) {
    if (!AskClient(all, child)) return false;
  }
  const auto* match = condition.matcher ? std::get_if<HeaderMatch>(&*condition.matcher) : nullptr;
  if (match == nullptr) return true;
  const auto at = std::find_if(all.rbegin(), all.rend(),
                               [&](const MadeHeader& made) { return made.name == match->name; });
  if (at == all.rend()) return true;
  if (!at->followed) return false;
  const Span span = condition.span;
  std::vector<Pattern> asked;
  bool holds = false;
  for (const Pattern& pattern : match->any_of) {
    if (at->source.empty()) {
      holds = holds || (!at->value.empty() && Matches(pattern, at->value));
    } else if (!AskSource(*at, pattern, asked)) {
      return false;
    }
  }
  if (!asked.empty()) {
    condition = Condition::Of(HeaderMatch{at->source, std::move(asked)}, span);
  } else {
    condition = holds ? Condition::True() : Condition::Not(Condition::True());
  }
  return true;
}

bool Mentions(const Condition& condition, const std::string& header) {
  const auto* match = condition.matcher ? std::get_if<HeaderMatch>(&*condition.matcher) : nullptr;
  return (match != nullptr && match->name == header) ||
         std::any_of(condition.children.begin(), condition.children.end(),
                     [&](const Condition& child) { return Mentions(child, header); });
}

bool CountsBy(const Limit& limit, const std::string& header) {
  return std::any_of(limit.per.begin(), limit.per.end(), [&](const LimitKey& key) {
    return key.kind == LimitKey::Kind::kHeader && Fold(key.name) == header;
  });
}

// Low first; where both have one place the transformation goes first, as in the original.
std::pair<bool, std::uint32_t> PlaceOf(const std::optional<dsl::PhaseClause>& phase) {
  if (!phase) return {true, 0};
  return {phase->phase != dsl::Phase::kBeforeAuthorization,
          phase->order ? static_cast<std::uint32_t>(phase->order->value) : 0};
}

std::optional<dsl::PhaseClause> PhaseOf(const dsl::Item& limit) {
  if (const auto* counted = std::get_if<dsl::CountedLimitItem>(&limit.value)) return counted->phase;
  if (const auto* plain = std::get_if<dsl::LimitItem>(&limit.value)) return plain->phase;
  return std::nullopt;
}

class Following {
 public:
  Following(Lowering& l, const dsl::Item& transform) : l_(l), transform_(transform) {
    const auto& item = std::get<dsl::TransformItem>(transform.value);
    for (const auto& header : item.headers) made_.push_back(Made(item, header));
  }

  // The limit that counts what this one does behind the transformation.
  LimitId Follow(const dsl::Item& item, LimitId id) {
    const auto touched = std::find_if(made_.begin(), made_.end(), [&](const MadeHeader& made) {
      return Mentions(l_.model[id].when, made.name) || CountsBy(l_.model[id], made.name);
    });
    if (touched == made_.end()) return id;
    const auto& transform = std::get<dsl::TransformItem>(transform_.value);
    if (PlaceOf(PhaseOf(item)) < PlaceOf(transform.phase)) {
      Report(id, touched->name, "makes only afterwards",
             "let the transformation come first: its phase and order decide");
      return id;
    }
    Limit limit = l_.model[id];
    if (CountsBy(limit, touched->name) || !AskClient(made_, limit.when)) {
      Report(id, touched->name, "makes in a way that is not followed",
             "what is said of the limit is said of the header as the client sends it");
      return id;
    }
    const auto [at, fresh] = l_.followed_limits.try_emplace({&transform_, id});
    if (fresh) {
      limit.name += "-made-" + std::to_string(l_.followed_limits.size());
      l_.model.limits.push_back(std::move(limit));
      at->second = {static_cast<std::uint32_t>(l_.model.limits.size() - 1)};
    }
    return at->second;
  }

 private:
  void Report(LimitId id, const std::string& header, const std::string& how,
              const std::string& help) {
    Diagnostic& d = l_.diagnostics.Warning(
        codes::kMadeHeader, l_.model[id].span,
        "this limit looks at header `" + header + "`, which a transformation " + how);
    d.related.push_back({transform_.span, "the transformation"});
    d.help = help;
  }

  Lowering& l_;
  const dsl::Item& transform_;
  std::vector<MadeHeader> made_;
};

}  // namespace

void FollowTransforms(Lowering& l, const std::vector<const dsl::Item*>& items,
                      const std::vector<LimitsOfItem>& limits, RouteRule& rule) {
  for (const dsl::Item* item : items) {
    const auto* transform = std::get_if<dsl::TransformItem>(&item->value);
    if (transform == nullptr || transform->side != dsl::TransformItem::Side::kRequest) continue;
    Following following(l, *item);
    for (const auto& [of, ids] : limits) {
      for (const LimitId id : ids) {
        const auto at = std::find(rule.modifiers.limits.begin(), rule.modifiers.limits.end(), id);
        if (at != rule.modifiers.limits.end()) *at = following.Follow(*of, id);
      }
    }
  }
}

}  // namespace weft::engine
