// The HTTP routes of a VirtualService.
#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>

#include "emit/check/rules.h"
#include "emit/check/words.h"

namespace weft::emit::check {
namespace {

using yaml::Node;

bool IsHostHeader(const std::string& name) {
  return name == ":authority" ||
         (name.size() == 4 && std::equal(name.begin(), name.end(), "host", [](char a, char b) {
            return std::tolower(static_cast<unsigned char>(a)) == b;
          }));
}

void CheckRegex(const Node& regex, Report& report) {
  if (regex.text.empty()) {
    report.Broken(regex, "the regular expression is empty",
                  "regex string match should not be empty");
  } else if (regex.text.size() > 1024) {
    report.Broken(regex, "the regular expression has more than 1024 bytes", "regex is too large");
  } else if (!re2::RE2(regex.text, re2::RE2::Quiet).ok()) {
    report.Broken(regex, "the regular expression cannot be read",
                  "Istio uses RE2 style regex-based match");
  }
}

// `may_be_empty`: an empty exact or prefix match is one.
void CheckMatch(const Node* match, bool may_be_empty, Report& report) {
  if (match == nullptr) return;
  for (const Node::Entry& entry : match->entries) {
    if (entry.key == "regex") {
      CheckRegex(entry.value, report);
    } else if (!may_be_empty && entry.value.text.empty()) {
      report.Broken(entry.value, "`" + entry.key + "` is empty",
                    "string match should not be empty");
    }
  }
}

void CheckHeaderNames(const Node& match, std::string_view field, Report& report) {
  static const std::set<std::string> kPseudo = {":method", ":scheme", ":authority", ":path",
                                                ":status"};
  for (const Node::Entry& entry : Entries(match, field)) {
    if (!IsHeaderName(entry.key) && !kPseudo.contains(entry.key) && !IsClaimHeader(entry.key)) {
      report.Broken(entry.value, "`" + entry.key + "` is no name of a header",
                    "header name is not a valid header name");
    }
    const bool present = field == "withoutHeaders" && Text(entry.value, "regex") == "*";
    if (!present) CheckMatch(&entry.value, false, report);
  }
}

void CheckHttpMatch(const Node& match, bool gateway, Report& report) {
  CheckMatch(match.Find("uri"), true, report);
  for (const char* field : {"scheme", "method", "authority"}) {
    CheckMatch(match.Find(field), false, report);
  }
  CheckHeaderNames(match, "headers", report);
  CheckHeaderNames(match, "withoutHeaders", report);
  for (const char* field : {"headers", "withoutHeaders"}) {
    for (const Node::Entry& entry : Entries(match, field)) {
      if (!gateway && IsClaimHeader(entry.key)) {
        report.Broken(entry.value, "claims of tokens are matched at gateways only",
                      "JWT claim based routing is only supported for gateway");
      }
    }
  }
  for (const Node::Entry& entry : Entries(match, "queryParams")) {
    CheckMatch(&entry.value, false, report);
  }
  CheckPortNumber(match, report);
  CheckLabels(match.Find("sourceLabels"), report);
  CheckGatewayNames(match, report);
  const std::string ns = Text(match, "sourceNamespace");
  if (!ns.empty() && !IsDnsLabel(ns)) {
    report.Broken(*match.Find("sourceNamespace"), "`" + ns + "` is no namespace",
                  "sourceNamespace match is invalid");
  }
}

// `authority`: the header of the host may be set, as it may in requests.
void CheckHeaderOps(const Node* ops, bool authority, Report& report) {
  if (ops == nullptr) return;
  for (const char* field : {"add", "set"}) {
    for (const Node::Entry& entry : Entries(*ops, field)) {
      const bool inner = entry.key.starts_with(':') || IsHostHeader(entry.key);
      if (entry.key.empty() || (inner && !(authority && IsHostHeader(entry.key)))) {
        report.Broken(entry.value, "the header `" + entry.key + "` cannot be set",
                      "invalid header: header cannot have \":\" prefix");
      }
      if (!IsHeaderValue(entry.value.text)) {
        report.Broken(entry.value, "`" + entry.value.text + "` is no value of a header",
                      "header value configuration is invalid");
      }
    }
  }
  for (const Node& name : Items(*ops, "remove")) {
    if (name.text.empty() || name.text.starts_with(':') || IsHostHeader(name.text)) {
      report.Broken(name, "the header `" + name.text + "` cannot be removed",
                    "invalid header: header cannot have \":\" prefix");
    }
  }
}

double NumberOf(const Node& number) { return std::strtod(number.text.c_str(), nullptr); }

void CheckPercentage(const Node* value, bool tiny, Report& report) {
  if (value == nullptr) return;
  const double number = NumberOf(*value);
  if (number < 0 || number > 100 || (!tiny && number > 0 && number < 0.0001)) {
    report.Broken(*value, "`" + value->text + "` is no percentage",
                  "percentage is neither 0.0, nor in range [0.0001, 100.0]");
  }
}

void CheckStatus(const Node* status, Report& report) {
  if (status == nullptr) return;
  const std::int64_t number = status->AsInt().value_or(0);
  if (number < 200 || number > 600) {
    report.Broken(*status, "`" + status->text + "` is no HTTP status between 200 and 599",
                  "HTTP status is not in range 200-599");
  }
}

void CheckFault(const Node* fault, Report& report) {
  if (fault == nullptr) return;
  const Node* abort = fault->Find("abort");
  const Node* delay = fault->Find("delay");
  if (abort == nullptr && delay == nullptr) {
    report.Broken(*fault, "a fault needs `abort` or `delay`",
                  "HTTP fault injection must have an abort and/or a delay");
  }
  if (abort != nullptr) {
    CheckPercentage(abort->At("percentage.value"), false, report);
    CheckStatus(abort->Find("httpStatus"), report);
    static const std::set<std::string> kGrpc = {"OK",
                                                "CANCELLED",
                                                "UNKNOWN",
                                                "INVALID_ARGUMENT",
                                                "DEADLINE_EXCEEDED",
                                                "NOT_FOUND",
                                                "ALREADY_EXISTS",
                                                "ABORTED",
                                                "PERMISSION_DENIED",
                                                "RESOURCE_EXHAUSTED",
                                                "INTERNAL",
                                                "FAILED_PRECONDITION",
                                                "DATA_LOSS",
                                                "OUT_OF_RANGE",
                                                "UNIMPLEMENTED",
                                                "UNAVAILABLE",
                                                "UNAUTHENTICATED"};
    const Node* grpc = abort->Find("grpcStatus");
    if (grpc != nullptr && !kGrpc.contains(grpc->text)) {
      report.Broken(*grpc, "`" + grpc->text + "` is no gRPC status",
                    "gRPC status is not supported");
    }
    if (const Node* error = abort->Find("http2Error")) {
      report.Broken(*error, "Istio cannot abort with an error of HTTP/2",
                    "HTTP/2 abort fault injection not supported yet");
    }
  }
  if (delay == nullptr) return;
  CheckPercentage(delay->At("percentage.value"), false, report);
  if (const Node* exponential = delay->Find("exponentialDelay")) {
    report.Broken(*exponential, "Istio cannot delay exponentially",
                  "exponentialDelay not supported yet");
  }
}

void CheckCors(const Node* cors, Report& report) {
  if (cors == nullptr) return;
  static const std::set<std::string> kMethods = {"GET",    "HEAD",    "POST",    "PUT",   "PATCH",
                                                 "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"};
  for (const Node& origin : Items(*cors, "allowOrigins")) {
    const bool some = std::any_of(origin.entries.begin(), origin.entries.end(),
                                  [](const Node::Entry& e) { return !e.value.text.empty(); });
    if (!some) {
      report.Broken(origin, "the origin is empty",
                    "is not a valid match type for CORS allow origins");
    } else if (const Node* regex = origin.Find("regex")) {
      CheckRegex(*regex, report);
    }
  }
  for (const Node& method : Items(*cors, "allowMethods")) {
    if (!kMethods.contains(method.text)) {
      report.Broken(method, "`" + method.text + "` is no method of HTTP",
                    "is not a supported HTTP method");
    }
  }
  for (const char* field : {"allowHeaders", "exposeHeaders"}) {
    for (const Node& name : Items(*cors, field)) {
      if (!IsHeaderName(name.text)) {
        report.Broken(name, "`" + name.text + "` is no name of a header",
                      "header name is not a valid header name");
      }
    }
  }
  const Node* age = cors->Find("maxAge");
  const auto seconds = age == nullptr ? std::nullopt : ParseDuration(age->text);
  if (seconds && *seconds % std::chrono::seconds(1) != std::chrono::nanoseconds(0)) {
    report.Broken(*age, "`maxAge` is in whole seconds",
                  "max_age duration is accurate only to seconds precision");
  }
}

void CheckRetries(const Node* retries, Report& report) {
  if (retries == nullptr) return;
  static const std::set<std::string> kConditions = {"5xx",
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
  const std::int64_t attempts = Number(*retries, "attempts");
  if (attempts < 0) {
    report.Broken(*retries->Find("attempts"), "`attempts` is negative",
                  "attempts cannot be negative");
  }
  const std::string on = Text(*retries, "retryOn");
  const bool more =
      Has(*retries, "perTryTimeout") || !on.empty() || Has(*retries, "retryRemoteLocalities");
  if (attempts == 0 && more) {
    report.Broken(*retries, "no attempt is made, and there is more to say about it",
                  "http retry policy configured when attempts are set to 0 (disabled)");
  }
  std::size_t begin = 0;
  while (!on.empty() && begin <= on.size()) {
    const std::size_t comma = std::min(on.find(',', begin), on.size());
    const std::string word = on.substr(begin, comma - begin);
    begin = comma + 1;
    const bool status =
        word.size() == 3 && word >= "100" && word <= "511" &&
        std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!status && !kConditions.contains(word)) {
      report.Broken(*retries->Find("retryOn"), "`" + word + "` is no condition of `retryOn`",
                    "is not a valid retryOn policy");
    }
  }
}

void CheckRedirect(const Node& route, Report& report) {
  const Node* redirect = route.Find("redirect");
  if (redirect == nullptr) return;
  const bool uri = !Text(*redirect, "uri").empty();
  const bool prefix = !Text(*redirect, "prefixRewrite").empty();
  const std::string scheme = Text(*redirect, "scheme");
  const std::int64_t code = Number(*redirect, "redirectCode");
  if (uri && prefix) {
    report.Broken(*redirect, "a redirect has `uri` or `prefixRewrite`",
                  "redirect may only specify one of uri or prefix_rewrite");
  }
  for (const Node& match : Items(route, "match")) {
    const Node* matched = match.Find("uri");
    if (prefix && matched != nullptr && matched->Find("prefix") == nullptr) {
      report.Broken(*matched, "`prefixRewrite` needs a match by prefix",
                    "redirect prefix_rewrite requires all URI matches to use prefix match type");
    }
  }
  if (!uri && !prefix && Text(*redirect, "authority").empty() && scheme.empty() &&
      !Has(*redirect, "port") && !Has(*redirect, "derivePort")) {
    report.Broken(*redirect, "the redirect leads nowhere",
                  "redirect must specify URI, authority, scheme, or port");
  }
  if (code != 0 && (code < 300 || code > 399)) {
    report.Broken(*redirect->Find("redirectCode"), "`redirectCode` is one of 3xx",
                  "is not a valid redirect code, must be 3xx");
  }
  if (!scheme.empty() && scheme != "http" && scheme != "https") {
    report.Broken(*redirect->Find("scheme"), "`scheme` is `http` or `https`",
                  "invalid redirect scheme, must be \"http\" or \"https\"");
  }
  CheckPortNumber(*redirect, report);
}

void CheckRewrite(const Node& route, Report& report) {
  const Node* rewrite = route.Find("rewrite");
  std::size_t hosts = 0;
  if (rewrite != nullptr) {
    const Node* regex = rewrite->Find("uriRegexRewrite");
    const bool uri = !Text(*rewrite, "uri").empty(), host = !Text(*rewrite, "authority").empty();
    hosts += host ? 1 : 0;
    if (uri && regex != nullptr) {
      report.Broken(*rewrite, "a rewrite has `uri` or `uriRegexRewrite`",
                    "rewrite may only contain one of URI or UriRegexRewrite");
    }
    if (!uri && regex == nullptr && !host) {
      report.Broken(*rewrite, "the rewrite changes nothing",
                    "rewrite must specify at least one of URI, UriRegexRewrite, or authority");
    }
    if (regex != nullptr) {
      if (Text(*regex, "match").empty() || Text(*regex, "rewrite").empty()) {
        report.Broken(*regex, "`uriRegexRewrite` needs `match` and `rewrite`",
                      "UriRegexRewrite requires both Rewrite and Match fields to be specified");
      } else {
        CheckRegex(*regex->Find("match"), report);
      }
    }
  }
  const Node* request = route.At("headers.request");
  for (const char* field : {"set", "add"}) {
    if (request == nullptr) break;
    for (const Node::Entry& entry : Entries(*request, field)) {
      if (IsHostHeader(entry.key) && ++hosts > 1) {
        report.Broken(entry.value, "the host is rewritten twice",
                      "authority header cannot be set multiple times");
      }
    }
  }
}

// What a route does: exactly one thing.
void CheckActions(const Node& route, bool table, Report& report) {
  const bool targets = !Items(route, "route").empty(), redirect = Has(route, "redirect"),
             answer = Has(route, "directResponse"), delegate = Has(route, "delegate");
  const auto clash = [&](const std::string& a, const std::string& b) {
    report.Broken(route, "a route has `" + a + "` or `" + b + "`",
                  "HTTP route cannot contain both " + a + " and " + b);
  };
  if (delegate && !table) {
    if (redirect) clash("delegate", "redirect");
    if (Has(route, "route")) clash("delegate", "route");
    return;
  }
  if (delegate) {
    report.Broken(*route.Find("delegate"), "a route that is delegated to cannot delegate",
                  "delegate HTTP route cannot contain delegate");
  }
  const std::string own = redirect ? "redirect" : "directResponse";
  if (redirect || answer) {
    if (targets) clash("route", own);
    if (Has(route, "fault")) clash("fault", own);
    if (Has(route, "rewrite")) clash("rewrite", own);
    if (redirect && answer) clash("redirect", "directResponse");
  } else if (!targets) {
    report.Broken(route, "a route needs `route`, `redirect`, `directResponse` or `delegate`",
                  "HTTP route, redirect or direct_response is required");
  }
  if (Has(route, "mirror") && !Items(route, "mirrors").empty()) clash("mirror", "mirrors");
}

}  // namespace

void CheckHeaders(const Node& node, Report& report) {
  CheckHeaderOps(node.At("headers.request"), true, report);
  CheckHeaderOps(node.At("headers.response"), false, report);
}

void CheckHttpRoute(const Node& route, bool table, bool gateway, Report& report) {
  CheckActions(route, table, report);
  for (const Node& match : Items(route, "match")) CheckHttpMatch(match, gateway, report);
  CheckHeaders(route, report);
  CheckCors(route.Find("corsPolicy"), report);
  CheckFault(route.Find("fault"), report);
  CheckPercentage(route.Find("mirrorPercent"), true, report);
  CheckPercentage(route.Find("mirror_percent"), true, report);
  CheckPercentage(route.At("mirrorPercentage.value"), true, report);
  CheckDestination(route.Find("mirror"), report);
  for (const Node& mirror : Items(route, "mirrors")) {
    CheckDestination(mirror.Find("destination"), report);
    CheckPercentage(mirror.At("percentage.value"), true, report);
  }
  CheckRedirect(route, report);
  CheckStatus(route.At("directResponse.status"), report);
  CheckRetries(route.Find("retries"), report);
  CheckRewrite(route, report);
  CheckWeights(route, true, report);
}

}  // namespace weft::emit::check
