#include "engine/match.h"

#include <re2/re2.h>

#include <memory>
#include <unordered_map>

#include "dsl/overloaded.h"

namespace weft::engine {
namespace {

constexpr std::string_view kTemplateClass = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]";
constexpr std::string_view kTemplateRest = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=/]*";

// Compiled expressions are kept per thread; a policy has few different ones.
const re2::RE2& Compiled(const std::string& regex) {
  thread_local std::unordered_map<std::string, std::unique_ptr<re2::RE2>> cache;
  std::unique_ptr<re2::RE2>& entry = cache[regex];
  if (!entry) entry = std::make_unique<re2::RE2>(regex, re2::RE2::Quiet);
  return *entry;
}

bool MatchesTemplate(std::string_view pattern, std::string_view value) {
  while (true) {
    const std::size_t slash = pattern.find('/');
    const std::string_view segment = pattern.substr(0, slash);
    if (segment == "**") {
      for (const char c : value) {
        if (c != '/' && !IsTemplateChar(c)) return false;
      }
      return true;
    }
    const std::size_t value_slash = value.find('/');
    const std::string_view found = value.substr(0, value_slash);
    if (segment == "*") {
      if (found.empty()) return false;
      for (const char c : found) {
        if (!IsTemplateChar(c)) return false;
      }
    } else if (segment != found) {
      return false;
    }
    const bool pattern_ends = slash == std::string_view::npos;
    const bool value_ends = value_slash == std::string_view::npos;
    if (pattern_ends || value_ends) return pattern_ends && value_ends;
    pattern.remove_prefix(slash + 1);
    value.remove_prefix(value_slash + 1);
  }
}

std::string TemplateRegex(std::string_view text) {
  std::string regex;
  while (true) {
    const std::size_t slash = text.find('/');
    const std::string_view segment = text.substr(0, slash);
    if (segment == "*") {
      regex += std::string(kTemplateClass) + "+";
    } else if (segment == "**") {
      regex += kTemplateRest;
    } else {
      regex += re2::RE2::QuoteMeta(std::string(segment));
    }
    if (slash == std::string_view::npos) return regex;
    regex += '/';
    text.remove_prefix(slash + 1);
  }
}

}  // namespace

bool IsTemplateChar(char c) {
  static constexpr std::string_view kOther = "-._~%!$&'()+,;:@=";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOther.find(c) != std::string_view::npos;
}

bool Matches(const Pattern& pattern, std::string_view value) {
  return std::visit(Overloaded{
                        [&](const Exact& p) { return value == p.value; },
                        [&](const Under& p) {
                          if (p.value == "/") return value.starts_with('/');
                          return value.starts_with(p.value) &&
                                 (value.size() == p.value.size() || value[p.value.size()] == '/');
                        },
                        [&](const Prefix& p) { return value.starts_with(p.value); },
                        [&](const Suffix& p) { return value.ends_with(p.value); },
                        [&](const Template& p) { return MatchesTemplate(p.value, value); },
                        [&](const Regex& p) {
                          const re2::RE2& regex = Compiled(p.value);
                          return regex.ok() &&
                                 re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()),
                                                     regex);
                        },
                        [](const Present&) { return true; },
                    },
                    pattern);
}

std::optional<std::string> CheckRegex(const std::string& regex) {
  const re2::RE2 compiled(regex, re2::RE2::Quiet);
  if (compiled.ok()) return std::nullopt;
  return compiled.error();
}

std::string ToRegex(const Pattern& pattern) {
  const auto quote = [](const std::string& text) { return re2::RE2::QuoteMeta(text); };
  return std::visit(Overloaded{
                        [&](const Exact& p) { return quote(p.value); },
                        [&](const Under& p) {
                          return p.value == "/" ? std::string("/.*") : quote(p.value) + "(/.*)?";
                        },
                        [&](const Prefix& p) { return quote(p.value) + ".*"; },
                        [&](const Suffix& p) { return ".*" + quote(p.value); },
                        [](const Template& p) { return TemplateRegex(p.value); },
                        [](const Regex& p) { return p.value; },
                        [](const Present&) { return std::string(".*"); },
                    },
                    pattern);
}

std::string Describe(const Pattern& pattern) {
  const auto say = [](std::string_view word, const std::string& value) {
    return std::string(word) + " \"" + value + "\"";
  };
  return std::visit(Overloaded{
                        [&](const Exact& p) { return say("=", p.value); },
                        [&](const Under& p) { return say("under", p.value); },
                        [&](const Prefix& p) { return say("starts", p.value); },
                        [&](const Suffix& p) { return say("ends", p.value); },
                        [&](const Template& p) { return say("like", p.value); },
                        [&](const Regex& p) { return say("matches", p.value); },
                        [](const Present&) { return std::string("present"); },
                    },
                    pattern);
}

std::string Fold(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

}  // namespace weft::engine
