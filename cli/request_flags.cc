#include "cli/request_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/output.h"
#include "dsl/literals.h"
#include "engine/hosts.h"
#include "engine/ip.h"
#include "engine/match.h"
#include "engine/path.h"

namespace weft::cli {
namespace {

using engine::Model;
using engine::Request;

Result<engine::ClusterId> ClusterNamed(const std::string& name, const Model& model) {
  const engine::ClusterId id = model.FindCluster(name);
  if (!id.IsNone()) return id;
  std::vector<std::string> known;
  for (const engine::Cluster& c : model.clusters) known.push_back(c.name);
  return Error{"there is no cluster `" + name + "`" + DidYouMean(name, known)};
}

Result<engine::GatewayId> GatewayNamed(const std::string& name, const Model& model) {
  std::vector<std::string> known;
  const std::size_t dot = name.find('.');  // as policies write it: WORKSPACE.NAME
  for (std::uint32_t i = 0; i < model.gateways.size(); ++i) {
    const engine::Gateway& gateway = model.gateways[i];
    const std::string owner = gateway.workspace.IsNone() ? "" : model[gateway.workspace].name + ".";
    if (name == gateway.name || (dot != std::string::npos && name == owner + gateway.name)) {
      return engine::GatewayId{i};
    }
    known.push_back(dot == std::string::npos ? gateway.name : owner + gateway.name);
  }
  return Error{"there is no gateway `" + name + "`" + DidYouMean(name, known)};
}

// HOST[:PORT]
Status ReadHost(const std::string& to, Request& request, bool& has_port) {
  const std::size_t colon = to.rfind(':');
  request.host = engine::Fold(to.substr(0, colon));
  has_port = colon != std::string::npos;
  if (!has_port) return Unit{};
  const char* end = to.data() + to.size();
  const auto [at, error] = std::from_chars(to.data() + colon + 1, end, request.port);
  if (error != std::errc() || at != end || request.port == 0) {
    return Error{"`" + to + "` has no port between 1 and 65535"};
  }
  return Unit{};
}

// A bare service name that only one namespace has means that service.
void FindService(const Model& model, bool has_port, Request& request) {
  const std::string ns = request.source.IsNone() ? "" : model[request.source].ns;
  const engine::Service* only = nullptr;
  int count = 0;
  if (!engine::ResolveHost(model, request.host, ns, request.cluster)) {
    for (const engine::Service& service : model.services) {
      if (service.name != request.host) continue;
      ++count;
      only = &service;
    }
    if (count == 1) request.host = only->name + "." + only->ns;
  }
  const auto target = engine::ResolveHost(model, request.host, ns, request.cluster);
  if (has_port || !target) return;
  if (const auto* id = std::get_if<engine::ServiceId>(&*target)) {
    const auto& ports = model[*id].In(request.cluster)->ports;
    if (ports.size() == 1) request.port = ports.front().number;
  }
  if (const auto* id = std::get_if<engine::DestinationId>(&*target)) {
    const auto& ports = model[*id].ports;
    if (ports.size() == 1) request.port = ports.front().number;
  }
}

// The listener's hosts and protocol say how a request to a gateway looks.
void EnterGateway(const Model& model, engine::GatewayId id, const std::vector<std::string>& headers,
                  Request& request) {
  request.gateway = id;
  request.plaintext = true;
  const engine::Gateway& gateway = model[id];
  if (request.cluster.IsNone() && !gateway.clusters.empty()) {
    request.cluster = gateway.clusters.front();
  }
  for (const std::string& header : headers) {
    const std::size_t equals = header.find('=');
    if (engine::Fold(header.substr(0, equals)) == "host" && equals != std::string::npos) {
      request.host = engine::Fold(header.substr(equals + 1));
    }
  }
  const engine::Listener* chosen = nullptr;
  for (const engine::Listener& listener : gateway.listeners) {
    if (listener.redirect_https) continue;
    if (chosen == nullptr || (listener.tls && !chosen->tls)) chosen = &listener;
  }
  if (chosen == nullptr) return;
  request.port = chosen->port;
  request.tls = chosen->tls.has_value();
  if (request.host.empty()) {
    for (const engine::Table& table : model.tables) {
      const auto& bound = table.gateways;
      if (std::find(bound.begin(), bound.end(), id) == bound.end() || table.hosts.empty()) continue;
      request.host = table.hosts.front();
      if (request.host.starts_with("*.")) request.host = "x" + request.host.substr(1);
      break;
    }
  }
  if (request.tls) request.sni = request.host;
}

// Objects in the payload are nested claims. A name with dots is taken for the way to one, as in the
// language, unless a backslash stands before the dot.
void AddClaims(const nlohmann::json& claims, const std::string& path, engine::Token& token) {
  for (const auto& [name, value] : claims.items()) {
    const std::string claim = path.empty() ? name : path + "." + name;
    if (value.is_object()) {
      AddClaims(value, claim, token);
      continue;
    }
    for (const auto& one : value.is_array() ? value : nlohmann::json::array({value})) {
      token.claims[claim].push_back(one.is_string() ? one.get<std::string>() : one.dump());
    }
  }
}

Status ReadTokens(const std::string& text, const Model& model, Request& request) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object())
    return Error{"--jwt is no JSON object such as {\"corp\":{\"role\":\"x\"}}"};
  for (const auto& [name, claims] : json.items()) {
    engine::Token token;
    for (std::uint32_t i = 0; i < model.jwts.size(); ++i) {
      if (model.jwts[i].name == name) token.provider = {i};
    }
    if (token.provider.IsNone()) {
      std::vector<std::string> known;
      for (const engine::JwtProvider& p : model.jwts) known.push_back(p.name);
      return Error{"there is no jwt provider `" + name + "`" + DidYouMean(name, known)};
    }
    if (claims.is_boolean() && !claims.get<bool>()) token.valid = false;
    if (claims.is_object()) AddClaims(claims, "", token);
    request.tokens.push_back(std::move(token));
  }
  return Unit{};
}

// The path and its query.
Status ReadPath(const std::string& text, const Model& model, Request& request) {
  if (!text.starts_with('/')) {
    return Error{"--path `" + text + "` does not begin with `/`"};
  }
  const std::size_t question = text.find('?');
  request.path = engine::NormalizePath(text.substr(0, question), model.normalization);
  if (question == std::string::npos) return Unit{};
  const std::string query = text.substr(question + 1);
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string pair = query.substr(begin, end - begin);
    const std::size_t equals = pair.find('=');
    request.query[pair.substr(0, equals)] =
        equals == std::string::npos ? "" : pair.substr(equals + 1);
    begin = end + 1;
  }
  return Unit{};
}

Status ReadAddress(const std::string& flag, const std::string& text, std::string& address) {
  if (text.empty()) return Unit{};
  if (!engine::Ip::Parse(text)) return Error{flag + " `" + text + "` is no IP address"};
  address = text;
  return Unit{};
}

// Index of the named thing in the list, or an error that offers the nearest name.
template <typename T>
Result<std::uint32_t> Named(const std::vector<T>& list, const std::string& name,
                            const std::string& kind) {
  std::vector<std::string> known;
  for (std::uint32_t i = 0; i < list.size(); ++i) {
    if (list[i].name == name) return i;
    known.push_back(list[i].name);
  }
  return Error{"there is no " + kind + " `" + name + "`" + DidYouMean(name, known)};
}

Status ReadAnswer(const std::string& text, const Model& model, Request& request) {
  const std::size_t equals = text.find('=');
  const std::string says = equals == std::string::npos ? "" : text.substr(equals + 1);
  const auto id = Named(model.authorizers, text.substr(0, equals), "authorizer");
  if (!id.ok()) return Error{id.error()};
  engine::Answer answer = engine::Answer::kAllow;
  if (says == "deny") {
    answer = engine::Answer::kDeny;
  } else if (says == "unavailable") {
    answer = engine::Answer::kUnavailable;
  } else if (says != "allow") {
    return Error{"--authorizer `" + text + "` is not NAME=allow, NAME=deny or NAME=unavailable"};
  }
  request.answers[engine::AuthorizerId{id.value()}] = answer;
  return Unit{};
}

// What authorizers and limiters say.
Status ReadServices(const RequestFlags& flags, const Model& model, Request& request) {
  for (const std::string& text : flags.authorizers) {
    if (Status status = ReadAnswer(text, model, request); !status.ok()) return status;
  }
  for (const std::string& name : flags.silent) {
    const auto id = Named(model.limiters, name, "limiter");
    if (!id.ok()) return Error{id.error()};
    request.silent.insert(engine::LimiterId{id.value()});
  }
  if (flags.after.empty()) return Unit{};
  const auto rate = dsl::ParseRate(flags.after);
  if (!rate) return Error{"--after `" + flags.after + "` is no rate such as 100/s"};
  request.exhausted = engine::ExhaustedAfter(model, rate->count, rate->unit);
  return Unit{};
}

}  // namespace

void AddRequestFlags(CLI::App& command, RequestFlags& flags) {
  command.add_option("--from", flags.from, "caller NAMESPACE/ACCOUNT[@CLUSTER]; default: outside");
  command.add_flag("--plaintext", flags.plaintext, "the caller shows no mTLS identity");
  command.add_option("--to", flags.to, "HOST[:PORT] or gateway:NAME");
  command.add_option("--method", flags.method, "HTTP method");
  command.add_option("--path", flags.path, "path, with query if any");
  command.add_option("--header", flags.headers, "NAME=VALUE, repeatable");
  command.add_option("--jwt", flags.jwt, R"(tokens: {"provider":{"claim":"value"}})");
  command.add_option("--authorizer", flags.authorizers,
                     "what an authorizer says: NAME=allow|deny|unavailable, repeatable");
  command.add_option("--after", flags.after, "requests like it before, such as 100/s or 20/min");
  command.add_option("--silent", flags.silent, "a limiter that does not answer, repeatable");
  command.add_option("--source-ip", flags.source_ip, "address of the TCP peer");
  command.add_option("--remote-ip", flags.remote_ip, "address of the original client");
}

Result<Request> RequestFrom(const std::string& caller, const Model& model) {
  Request request;
  const std::size_t at = caller.find('@');
  const std::string who = caller.substr(0, at);
  const std::size_t slash = who.find('/');
  if (slash == std::string::npos) {
    return Error{"`" + caller + "` is no caller; write NAMESPACE/ACCOUNT[@CLUSTER]"};
  }
  if (at != std::string::npos) {
    const Result<engine::ClusterId> cluster = ClusterNamed(caller.substr(at + 1), model);
    if (!cluster.ok()) return Error{cluster.error()};
    request.cluster = cluster.value();
  }
  const std::string ns = who.substr(0, slash);
  const std::string account = who.substr(slash + 1);
  for (std::uint32_t i = 0; i < model.workloads.size(); ++i) {
    const engine::Workload& w = model.workloads[i];
    const bool here = request.cluster.IsNone() || w.cluster == request.cluster;
    if (!here || w.ns != ns || w.account != account) continue;
    request.source = {i};
    request.cluster = w.cluster;
    if (!w.addresses.empty()) request.source_ip = w.addresses.front();
    return request;
  }
  if (request.cluster.IsNone()) {
    if (model.clusters.empty()) return Error{"the policy has no cluster"};
    request.cluster = {0};
  }
  request.identity = engine::Identity{model[request.cluster].trust_domain, ns, account};
  return request;
}

std::vector<engine::ClusterId> ClustersOfCaller(const std::string& caller, const Model& model) {
  std::set<engine::ClusterId> clusters;
  for (const engine::Workload& w : model.workloads) {
    if (w.ns + "/" + w.account == caller) clusters.insert(w.cluster);
  }
  return {clusters.begin(), clusters.end()};
}

std::string NoteOnCaller(const std::string& caller, const Model& model) {
  const std::string who = caller.substr(0, caller.find('@'));
  const std::vector<engine::ClusterId> clusters = ClustersOfCaller(who, model);
  if (clusters.empty()) {
    std::vector<std::string> known;
    for (const engine::Workload& w : model.workloads) known.push_back(w.ns + "/" + w.account);
    return "no workload runs as `" + who + "`" + DidYouMean(who, known, ";") +
           " the answer is for one that would";
  }
  if (caller.find('@') != std::string::npos || clusters.size() < 2) return "";
  return "`" + who + "` runs in " + std::to_string(clusters.size()) +
         " clusters; the answer is for " + who + "@" + model[clusters.front()].name;
}

Result<Request> MakeRequest(const RequestFlags& flags, const Model& model) {
  Request request;
  if (model.clusters.empty()) return Error{"the policy has no cluster"};
  if (!flags.from.empty()) {
    Result<Request> from = RequestFrom(flags.from, model);
    if (!from.ok()) return from;
    request = std::move(from).value();
  } else {
    request.plaintext = true;
  }
  request.method = flags.method;
  if (Status status = ReadPath(flags.path, model, request); !status.ok()) {
    return Error{status.error()};
  }
  for (const std::string& header : flags.headers) {
    const std::size_t equals = header.find('=');
    if (equals == std::string::npos) return Error{"--header `" + header + "` is not NAME=VALUE"};
    const std::string name = engine::Fold(header.substr(0, equals));
    if (name != "host") request.headers[name] = header.substr(equals + 1);
  }
  if (flags.to.starts_with("gateway:")) {
    const Result<engine::GatewayId> gateway = GatewayNamed(flags.to.substr(8), model);
    if (!gateway.ok()) return Error{gateway.error()};
    EnterGateway(model, gateway.value(), flags.headers, request);
  } else {
    bool has_port = false;
    if (Status status = ReadHost(flags.to, request, has_port); !status.ok()) {
      return Error{status.error()};
    }
    if (request.cluster.IsNone()) request.cluster = {0};
    FindService(model, has_port, request);
  }
  if (request.cluster.IsNone()) request.cluster = {0};
  if (Status status = ReadAddress("--source-ip", flags.source_ip, request.source_ip);
      !status.ok()) {
    return Error{status.error()};
  }
  if (Status status = ReadAddress("--remote-ip", flags.remote_ip, request.remote_ip);
      !status.ok()) {
    return Error{status.error()};
  }
  request.plaintext = request.plaintext || flags.plaintext;
  if (!flags.jwt.empty()) {
    if (Status status = ReadTokens(flags.jwt, model, request); !status.ok()) {
      return Error{status.error()};
    }
  }
  if (Status status = ReadServices(flags, model, request); !status.ok()) {
    return Error{status.error()};
  }
  return request;
}

}  // namespace weft::cli
