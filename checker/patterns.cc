// What patterns accept, as docs/certificates.md says it.
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <set>

#include "checker/parts.h"

namespace weft::checker {
namespace {

using Why = Refusal::Why;

bool FullMatch(const std::string& value, const std::string& expression) {
  thread_local std::map<std::string, RE2> compiled;
  const RE2& regex = compiled.try_emplace(expression, expression, RE2::Quiet).first->second;
  if (!regex.ok()) Refuse(Why::kDoesNotFollow, expression, "is no expression: " + regex.error());
  return RE2::FullMatch(value, regex);
}

// Sets of callers: "anyone", "no identity", `outside` of sets, of `workspaces`, by a pattern over
// the `uri`, by parts of the identity.
bool Admits(const Json& set, const Json& caller) {
  const Json& identity = caller.at("identity");
  if (set.is_string()) return set == "anyone" || (set == "no identity" && identity.is_null());
  if (set.contains("outside")) {
    const Json& sets = set.at("outside");
    return std::none_of(sets.begin(), sets.end(), [&](auto& one) { return Admits(one, caller); });
  }
  if (identity.is_null()) return false;
  if (set.contains("workspaces")) {
    const Json& of = set.at("workspaces");
    return std::find(of.begin(), of.end(), caller.at("workspace")) != of.end();
  }
  const auto part = [&](const char* name) { return identity.at(name).get<std::string>(); };
  if (set.contains("uri")) {
    return Matches(set.at("uri"),
                   "spiffe://" + part("trust") + "/ns/" + part("ns") + "/sa/" + part("account"));
  }
  const auto fits = [&](auto& name) {
    return set.at(name).is_null() || set.at(name) == part(name);
  };
  return fits("trust") && fits("ns") && fits("account");
}

}  // namespace

bool Matches(const Json& pattern, const Json& value) {
  if (value.is_object()) return Admits(pattern, value);
  if (value.is_null()) return false;
  if (!pattern.is_object() || pattern.size() != 1) {
    Refuse(Why::kDoesNotFollow, pattern.dump(), "is no pattern");
  }
  const std::string& kind = pattern.begin().key();
  const std::string text = pattern.begin().value();
  const std::string found = value;
  if (kind == "exact") return found == text;
  if (kind == "prefix") return found.starts_with(text);
  if (kind == "suffix") return found.ends_with(text);
  if (kind == "under") {
    return found.starts_with(text) &&
           (text == "/" || found.size() == text.size() || found[text.size()] == '/');
  }
  if (kind == "regex") return FullMatch(found, text);
  if (kind == "present") return true;
  if (kind != "block") Refuse(Why::kDoesNotFollow, kind, "is no kind of pattern");
  // Hexadecimal digits: its first address, and the one behind its last; that may be none.
  return text.substr(0, 32) <= found && (found < text.substr(33) || text.ends_with("-0"));
}

std::vector<std::string> Probes(const std::string& axis, const std::vector<Json>& patterns) {
  // Which values an axis can have at all.
  static const std::map<std::string, std::string> kDomains = {{"path", "/[!\"$->@-\\[\\]-~]*"},
                                                              {"method", "[A-Z-]+"},
                                                              {"host", "[a-z0-9._*-]+"},
                                                              {"sni", "[a-z0-9._*-]+"},
                                                              {"header", "[ -~]+"},
                                                              {"query", "[ -~]+"},
                                                              {"claim", "[ -~]+"},
                                                              {"source_ip", ""},
                                                              {"remote_ip", ""}};
  std::vector<std::string> probes;
  if (!kDomains.contains(axis)) return probes;
  const std::string& domain = kDomains.at(axis);
  std::set<std::string> heads{axis == "path" ? "/" : ""}, tails{""};
  for (const Json& pattern : patterns) {
    const std::string& kind = pattern.begin().key();
    const std::string text = pattern.begin().value();
    if (kind == "suffix") tails.insert(text);
    if (kind == "exact" || kind == "prefix" || kind == "under") heads.insert(text);
    if (kind == "under" && text != "/") heads.insert(text + "/");
    if (kind == "block") probes.push_back(text.substr(0, 32));
    if (kind == "block" && !text.ends_with("-0")) probes.push_back(text.substr(33));
  }
  const auto add = [&](const std::string& probe) {
    const bool possible = !domain.empty() && FullMatch(probe, domain);
    if (possible) probes.push_back(probe);
    return possible;
  };
  for (const std::string& head : heads) {
    add(head);
    for (const std::string& tail : tails) {
      // A character with which no longer head goes on and no longer tail begins.
      for (const char c : std::string("xqzjwXQZJW0123456789-abcdefghiklmnoprstuvyABCDEFGHIKLM")) {
        const auto longer = heads.lower_bound(head + c);
        if (longer != heads.end() && longer->starts_with(head + c)) continue;
        if (std::none_of(tails.begin(), tails.end(),
                         [&](const std::string& t) { return t.ends_with(c + tail); }) &&
            add(head + c + tail)) {
          break;
        }
      }
    }
  }
  return probes;
}

}  // namespace weft::checker
