#include "engine/compiled/patterns.h"

#include <re2/re2.h>

#include <algorithm>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {
namespace {

constexpr int kPrefixLimit = 64;  // bytes of a literal prefix that are looked at

// Segment by segment; `*` stands for one, a final `**` for any rest.
bool MatchesTemplate(std::string_view wanted, std::string_view value) {
  while (true) {
    const std::string_view segment = wanted.substr(0, wanted.find('/'));
    if (segment == "**") return IsTemplateRest(value);
    const std::string_view found = value.substr(0, value.find('/'));
    const bool fits = segment == "*" ? IsTemplateSegment(found) : segment == found;
    if (!fits) return false;
    const bool wanted_ends = segment.size() == wanted.size();
    const bool value_ends = found.size() == value.size();
    if (wanted_ends || value_ends) return wanted_ends && value_ends;
    wanted.remove_prefix(segment.size() + 1);
    value.remove_prefix(found.size() + 1);
  }
}

bool IsUnder(std::string_view base, std::string_view value) {
  return value.starts_with(base) &&
         (value.size() == base.size() || base == "/" || value[base.size()] == '/');
}

}  // namespace

Regexes::Regexes() = default;
Regexes::Regexes(Regexes&&) noexcept = default;
Regexes& Regexes::operator=(Regexes&&) noexcept = default;
Regexes::~Regexes() = default;

const re2::RE2* Regexes::Add(const std::string& text) {
  std::unique_ptr<re2::RE2>& regex = compiled_[text];
  if (!regex) regex = std::make_unique<re2::RE2>(text, re2::RE2::Quiet);
  return regex->ok() ? regex.get() : nullptr;
}

bool FullMatch(const re2::RE2& regex, std::string_view value) {
  return re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), regex);
}

std::string LiteralPrefix(const re2::RE2& regex) {
  std::string least;
  std::string greatest;
  if (!regex.PossibleMatchRange(&least, &greatest, kPrefixLimit)) return "";
  const auto differ =
      std::mismatch(least.begin(), least.end(), greatest.begin(), greatest.end()).first;
  least.erase(differ, least.end());
  return least;
}

void PatternIndex::Add(const Pattern& pattern, const re2::RE2* regex, std::uint32_t id) {
  std::visit(Overloaded{
                 [&](const Exact& p) { forwards_.AddExact(p.value, id); },
                 [&](const Under& p) {
                   p.value == "/" ? forwards_.AddAffix("/", id) : forwards_.AddUnder(p.value, id);
                 },
                 [&](const Prefix& p) { forwards_.AddAffix(p.value, id); },
                 [&](const Suffix& p) {
                   backwards_.AddAffix(p.value, id);
                   has_suffixes_ = true;
                 },
                 [&](const Template& p) { forwards_.AddTemplate(p.value, id); },
                 [&](const Regex&) {
                   if (regex != nullptr) forwards_.AddAffix(LiteralPrefix(*regex), id);
                 },
                 [&](const Present&) { forwards_.AddAffix("", id); },
             },
             pattern);
}

void PatternIndex::Finish() {
  forwards_.Finish();
  backwards_.Finish();
}

PreparedPattern Prepare(const Pattern& pattern, Regexes& regexes) {
  using Kind = PatternKind;
  const auto made = [](Kind kind, const std::string& text) {
    return PreparedPattern{kind, text, nullptr};
  };
  return std::visit(
      Overloaded{
          [&](const Exact& p) { return made(Kind::kExact, p.value); },
          [&](const Under& p) { return made(Kind::kUnder, p.value); },
          [&](const Prefix& p) { return made(Kind::kPrefix, p.value); },
          [&](const Suffix& p) { return made(Kind::kSuffix, p.value); },
          [&](const Template& p) { return made(Kind::kTemplate, p.value); },
          [&](const Regex& p) {
            const re2::RE2* regex = regexes.Add(p.value);
            return PreparedPattern{regex == nullptr ? Kind::kNothing : Kind::kRegex, "", regex};
          },
          [&](const Present&) { return made(Kind::kAll, ""); },
      },
      pattern);
}

bool MatchesPrepared(PatternKind kind, std::string_view text, const re2::RE2* regex,
                     std::string_view value) {
  switch (kind) {
    case PatternKind::kExact:
      return value == text;
    case PatternKind::kUnder:
      return IsUnder(text, value);
    case PatternKind::kPrefix:
      return value.starts_with(text);
    case PatternKind::kSuffix:
      return value.ends_with(text);
    case PatternKind::kTemplate:
      return MatchesTemplate(text, value);
    case PatternKind::kRegex:
      return FullMatch(*regex, value);
    case PatternKind::kAll:
      return true;
    case PatternKind::kNothing:
      return false;
  }
  return false;
}

PatternSet::PatternSet(const std::vector<Pattern>& patterns, Regexes& regexes) {
  for (const Pattern& pattern : patterns) patterns_.push_back(Prepare(pattern, regexes));
  if (patterns.size() <= kFew) return;
  auto index = std::make_unique<PatternIndex>();
  for (std::uint32_t i = 0; i < patterns.size(); ++i) {
    index->Add(patterns[i], patterns_[i].regex, i);
  }
  index->Finish();
  index_ = std::move(index);
}

bool PatternSet::Matches(std::string_view value) const {
  const auto matches = [&](const PreparedPattern& one) {
    return MatchesPrepared(one.kind, one.text, one.regex, value);
  };
  if (index_ == nullptr) return std::any_of(patterns_.begin(), patterns_.end(), matches);
  bool found = false;
  index_->Find(value, [&](std::span<const std::uint32_t> ids) {
    found = found || std::any_of(ids.begin(), ids.end(),
                                 [&](std::uint32_t id) { return matches(patterns_[id]); });
  });
  return found;
}

}  // namespace weft::engine::compiled
