#include "cli/access_log.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

namespace weft::cli {
namespace {

// Fields of the default format, by place.
enum Field : std::size_t {
  kStart,
  kRequest,
  kStatus,
  kFlags,
  kDetails,
  kTermination,
  kFailure,
  kReceived,
  kSent,
  kDuration,
  kServiceTime,
  kForwardedFor,
  kUserAgent,
  kRequestId,
  kAuthority,
  kUpstreamHost,
  kUpstreamCluster,
  kUpstreamLocal,
  kDownstreamLocal,
  kDownstreamRemote,
  kServerName,
  kRouteName,
  kFields
};

// "-" stands for nothing.
std::string Given(std::string_view text) { return text == "-" ? "" : std::string(text); }

// Text in brackets and in quotes is one field.
std::vector<std::string_view> Split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (!line.empty()) {
    if (line.front() == ' ') {
      line.remove_prefix(1);
      continue;
    }
    const char close = line.front() == '"' ? '"' : line.front() == '[' ? ']' : ' ';
    const std::size_t from = close == ' ' ? 0 : 1;
    const std::size_t end = std::min(line.find(close, from), line.size());
    fields.push_back(line.substr(from, end - from));
    line.remove_prefix(std::min(end + (close == ' ' ? 0 : 1), line.size()));
  }
  return fields;
}

std::string WithoutPort(std::string_view address) {
  if (address.starts_with('[')) return std::string(address.substr(1, address.find(']') - 1));
  const std::size_t colon = address.rfind(':');
  return std::string(address.substr(0, colon));
}

Result<std::int64_t> StatusOf(std::string_view text) {
  std::int64_t status = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Error{"`" + std::string(text) + "` stands where the status of the answer is expected"};
  }
  return status;
}

Result<LogEntry> ParseText(const std::string& line) {
  const std::vector<std::string_view> fields = Split(line);
  if (!line.starts_with('[') || fields.size() != kFields) {
    return Error{"expected Istio's default access-log format, " + std::to_string(kFields) +
                 " fields from [START_TIME] on, found " + std::to_string(fields.size())};
  }
  const Result<std::int64_t> status = StatusOf(fields[kStatus]);
  if (!status.ok()) return Error{status.error()};
  LogEntry entry;
  entry.status = status.value();
  const std::string_view request = fields[kRequest];
  const std::size_t first = request.find(' ');
  const std::size_t last = request.rfind(' ');
  if (first == std::string_view::npos || last <= first) {
    return Error{"`" + std::string(request) + "` stands where METHOD PATH PROTOCOL is expected"};
  }
  entry.method = Given(request.substr(0, first));
  entry.path = Given(request.substr(first + 1, last - first - 1));
  entry.flags = Given(fields[kFlags]);
  entry.details = Given(fields[kDetails]);
  entry.user_agent = Given(fields[kUserAgent]);
  entry.authority = Given(fields[kAuthority]);
  entry.upstream = Given(fields[kUpstreamCluster]);
  entry.caller_address = WithoutPort(Given(fields[kDownstreamRemote]));
  entry.server_name = Given(fields[kServerName]);
  return entry;
}

Result<LogEntry> ParseJson(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return Error{"this is no JSON object"};
  if (!json.contains("response_code")) return Error{"the JSON object has no `response_code`"};
  const auto text = [&](const char* key) {
    const auto at = json.find(key);
    if (at == json.end() || at->is_null()) return std::string();
    return Given(at->is_string() ? at->get<std::string>() : at->dump());
  };
  const Result<std::int64_t> status = StatusOf(text("response_code"));
  if (!status.ok()) return Error{status.error()};
  return LogEntry{.method = text("method"),
                  .path = text("path"),
                  .authority = text("authority"),
                  .status = status.value(),
                  .flags = text("response_flags"),
                  .details = text("response_code_details"),
                  .user_agent = text("user_agent"),
                  .caller_address = WithoutPort(text("downstream_remote_address")),
                  .upstream = text("upstream_cluster"),
                  .server_name = text("requested_server_name")};
}

// "web" out of "...ns[web]...".
std::string Bracketed(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word + "[");
  if (at == std::string::npos) return "";
  const std::size_t from = at + word.size() + 1;
  return text.substr(from, text.find(']', from) - from);
}

}  // namespace

Result<LogEntry> ParseLogLine(const std::string& line) {
  return line.starts_with('{') ? ParseJson(line) : ParseText(line);
}

bool RefusedByProxy(const LogEntry& entry) {
  if (entry.details.starts_with("rbac_access_denied") ||
      entry.details.starts_with("jwt_authn_access_denied") ||
      entry.details.starts_with("ext_authz") || entry.details.starts_with("route_not_found") ||
      entry.details.starts_with("csrf")) {
    return true;
  }
  for (const char* flag : {"NR", "UAEX", "RL", "UH", "NC"}) {
    if (("," + entry.flags + ",").find("," + std::string(flag) + ",") != std::string::npos) {
      return true;
    }
  }
  return false;
}

MatchedPolicy PolicyOf(const LogEntry& entry) {
  return {Bracketed(entry.details, "ns"), Bracketed(entry.details, "policy")};
}

std::string TargetOf(const LogEntry& entry) {
  // outbound_.PORT_.SUBSET_.HOST
  const std::string& sni = entry.server_name;
  if (sni.starts_with("outbound_.")) {
    const std::size_t port = std::string_view("outbound_.").size();
    const std::size_t host = sni.rfind("_.");
    return sni.substr(host + 2) + ":" + sni.substr(port, sni.find("_.", port) - port);
  }
  // outbound|PORT|SUBSET|HOST
  const std::string& cluster = entry.upstream;
  const std::size_t bar = cluster.find('|');
  if (cluster.starts_with("outbound|") && entry.authority.empty()) {
    const std::size_t end = cluster.find('|', bar + 1);
    return cluster.substr(cluster.rfind('|') + 1) + ":" + cluster.substr(bar + 1, end - bar - 1);
  }
  if (entry.authority.find(':') == std::string::npos && cluster.starts_with("outbound|") &&
      !entry.authority.empty()) {
    return entry.authority + ":" + cluster.substr(bar + 1, cluster.find('|', bar + 1) - bar - 1);
  }
  return entry.authority;
}

}  // namespace weft::cli
