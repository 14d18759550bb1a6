#include "dsl/words.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>

namespace weft::dsl {
namespace {

constexpr std::size_t kMostRegex = 1024;  // bytes

bool IsAlnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// Letters and digits at both ends, and of `others` between them.
bool IsName(std::string_view text, std::string_view others) {
  return !text.empty() && IsAlnum(text.front()) && IsAlnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return IsAlnum(c) || others.find(c) != std::string_view::npos;
         });
}

// Where the command that begins at `at` with a `%` ends: at its last `%`. npos: nowhere.
std::size_t EndOfCommand(std::string_view text, std::size_t at) {
  std::size_t end = text.find_first_of("%(", at + 1);
  if (end == std::string_view::npos || text[end] == '%') return end;
  end = text.find(')', end);
  if (end == std::string_view::npos) return end;
  end = text.find('%', end);
  return end;
}

}  // namespace

const std::vector<std::string>& Methods() {
  static const std::vector<std::string> methods = {"ACL",
                                                   "BASELINE-CONTROL",
                                                   "BIND",
                                                   "CHECKIN",
                                                   "CHECKOUT",
                                                   "CONNECT",
                                                   "COPY",
                                                   "DELETE",
                                                   "GET",
                                                   "HEAD",
                                                   "LABEL",
                                                   "LINK",
                                                   "LOCK",
                                                   "M-SEARCH",
                                                   "MERGE",
                                                   "MKACTIVITY",
                                                   "MKCALENDAR",
                                                   "MKCOL",
                                                   "MKREDIRECTREF",
                                                   "MKWORKSPACE",
                                                   "MOVE",
                                                   "NOTIFY",
                                                   "OPTIONS",
                                                   "ORDERPATCH",
                                                   "PATCH",
                                                   "POST",
                                                   "PROPFIND",
                                                   "PROPPATCH",
                                                   "PURGE",
                                                   "PUT",
                                                   "QUERY",
                                                   "REBIND",
                                                   "REPORT",
                                                   "SEARCH",
                                                   "SUBSCRIBE",
                                                   "TRACE",
                                                   "UNBIND",
                                                   "UNCHECKOUT",
                                                   "UNLINK",
                                                   "UNLOCK",
                                                   "UNSUBSCRIBE",
                                                   "UPDATE",
                                                   "UPDATEREDIRECTREF",
                                                   "VERSION-CONTROL"};
  return methods;
}

bool IsMethod(std::string_view word) {
  return std::binary_search(Methods().begin(), Methods().end(), word);
}

bool IsHttpToken(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return IsAlnum(c) || kOthers.find(c) != std::string_view::npos;
  });
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

const std::vector<std::string>& RetryConditions() {
  static const std::vector<std::string> conditions = {"5xx",
                                                      "gateway-error",
                                                      "reset",
                                                      "reset-before-request",
                                                      "connect-failure",
                                                      "retriable-4xx",
                                                      "refused-stream",
                                                      "retriable-status-codes",
                                                      "retriable-headers",
                                                      "envoy-ratelimited",
                                                      "http3-post-connect-failure",
                                                      "cancelled",
                                                      "deadline-exceeded",
                                                      "internal",
                                                      "resource-exhausted",
                                                      "unavailable"};
  return conditions;
}

bool IsRetryCondition(std::string_view word) {
  const std::vector<std::string>& known = RetryConditions();
  if (std::find(known.begin(), known.end(), word) != known.end()) return true;
  const bool digits = std::all_of(word.begin(), word.end(), [](char c) {
    return std::isdigit(static_cast<unsigned char>(c)) != 0;
  });
  return word.size() == 3 && digits && word >= "100" && word <= "511";
}

bool IsHeaderValue(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    if (c != '%') continue;
    if (text.substr(i, 2) == "%%") {
      ++i;
      continue;
    }
    i = EndOfCommand(text, i);
    if (i == std::string_view::npos) return false;
  }
  return true;
}

bool IsLabelKey(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    if (!IsObjectName(text.substr(0, slash))) return false;
    text.remove_prefix(slash + 1);
  }
  return text.size() <= 63 && IsName(text, "-_.");
}

bool IsLabelValue(std::string_view text) {
  return text.empty() || (text.size() <= 63 && IsName(text, "-_."));
}

bool IsDnsLabel(std::string_view text) {
  return text.size() <= 63 && IsObjectName(text) && text.find('.') == std::string_view::npos;
}

bool IsObjectName(std::string_view text) {
  const bool lower = std::none_of(text.begin(), text.end(), [](char c) {
    return std::isupper(static_cast<unsigned char>(c)) != 0;
  });
  return text.size() <= 253 && lower && IsName(text, "-.");
}

std::string RegexFault(const std::string& text) {
  if (text.empty()) return "the expression is empty";
  if (text.size() > kMostRegex) return "the expression has more than 1024 bytes";
  const re2::RE2 regex(text, re2::RE2::Quiet);
  return regex.ok() ? "" : "not a valid RE2 expression: " + regex.error();
}

std::string ReplacementFault(const std::string& regex, const std::string& text) {
  const re2::RE2 expression(regex, re2::RE2::Quiet);
  std::string error;
  if (!expression.ok() || expression.CheckRewriteString(text, &error)) return "";
  return error;
}

int GroupsOf(const std::string& regex) {
  return re2::RE2(regex, re2::RE2::Quiet).NumberOfCapturingGroups();
}

}  // namespace weft::dsl
