#include "engine/compiled/patterns.h"

#include <re2/re2.h>

#include <algorithm>

#include "dsl/overloaded.h"

namespace weft::engine::compiled {
namespace {

constexpr std::size_t kFewPatterns = 6;
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

PatternSet::PatternSet(const std::vector<Pattern>& patterns, Regexes& regexes) {
  for (const Pattern& pattern : patterns) patterns_.push_back(Prepare(pattern, regexes));
  if (patterns.size() <= kFewPatterns) return;
  auto index = std::make_unique<PatternIndex>();
  for (std::uint32_t i = 0; i < patterns.size(); ++i) {
    index->Add(patterns[i], patterns_[i].regex, i);
  }
  index->Finish();
  index_ = std::move(index);
}

PatternSet::One PatternSet::Prepare(const Pattern& pattern, Regexes& regexes) {
  return std::visit(
      Overloaded{
          [](const Exact& p) {
            return One{One::Kind::kExact, p.value, nullptr};
          },
          [](const Under& p) {
            return One{One::Kind::kUnder, p.value, nullptr};
          },
          [](const Prefix& p) {
            return One{One::Kind::kPrefix, p.value, nullptr};
          },
          [](const Suffix& p) {
            return One{One::Kind::kSuffix, p.value, nullptr};
          },
          [](const Template& p) {
            return One{One::Kind::kTemplate, p.value, nullptr};
          },
          [&](const Regex& p) {
            const re2::RE2* regex = regexes.Add(p.value);
            return One{regex == nullptr ? One::Kind::kNothing : One::Kind::kRegex, "", regex};
          },
          [](const Present&) {
            return One{One::Kind::kAll, "", nullptr};
          },
      },
      pattern);
}

bool PatternSet::Matches(const One& one, std::string_view value) {
  switch (one.kind) {
    case One::Kind::kExact:
      return value == one.text;
    case One::Kind::kUnder:
      return IsUnder(one.text, value);
    case One::Kind::kPrefix:
      return value.starts_with(one.text);
    case One::Kind::kSuffix:
      return value.ends_with(one.text);
    case One::Kind::kTemplate:
      return MatchesTemplate(one.text, value);
    case One::Kind::kRegex:
      return FullMatch(*one.regex, value);
    case One::Kind::kAll:
      return true;
    case One::Kind::kNothing:
      return false;
  }
  return false;
}

bool PatternSet::Matches(std::string_view value) const {
  if (index_ == nullptr) {
    return std::any_of(patterns_.begin(), patterns_.end(),
                       [&](const One& one) { return Matches(one, value); });
  }
  bool found = false;
  index_->Find(value, [&](std::span<const std::uint32_t> ids) {
    found = found || std::any_of(ids.begin(), ids.end(),
                                 [&](std::uint32_t id) { return Matches(patterns_[id], value); });
  });
  return found;
}

}  // namespace weft::engine::compiled
