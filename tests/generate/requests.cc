#include "tests/generate/requests.h"

#include <set>

#include "dsl/overloaded.h"

namespace weft::generate {
namespace {

using engine::Layer;
using engine::Request;

// A value the pattern matches; an expression is only guessed at.
std::string Instance(const Pattern& pattern) {
  return std::visit(Overloaded{
                        [](const Exact& p) { return p.value; },
                        [](const Under& p) { return p.value == "/" ? "/x" : p.value + "/x"; },
                        [](const Prefix& p) { return p.value + "x"; },
                        [](const Suffix& p) { return "/x" + p.value; },
                        [](const Template& p) {
                          std::string text;
                          for (const char c : p.value) {
                            if (c == '*' && text.ends_with('x')) continue;
                            text += c == '*' ? 'x' : c;
                          }
                          return text;
                        },
                        [](const Regex& p) {
                          std::string text;
                          for (const char c : p.value) {
                            if (c != '+' && c != '*' && c != ']') text += c == '[' ? '1' : c;
                          }
                          const std::size_t range = text.find("0-9");
                          if (range != std::string::npos) text.erase(range, 3);
                          return text;
                        },
                        [](const Present&) { return std::string("1"); },
                    },
                    pattern);
}

void AddInstances(const std::vector<Pattern>& patterns, std::vector<std::string>& to) {
  for (const Pattern& pattern : patterns) to.push_back(Instance(pattern));
}

Layer LayerOf(const engine::ServicePort& port) {
  if (port.IsHttp()) return Layer::kHttp;
  const bool tls =
      port.protocol == engine::PortProtocol::kHttps || port.protocol == engine::PortProtocol::kTls;
  return tls ? Layer::kTls : Layer::kTcp;
}

Request Call(const std::string& host, const engine::ServicePort& port) {
  Request request;
  request.host = host.starts_with("*.") ? "any" + host.substr(1) : host;
  request.sni = request.host;
  request.port = port.number;
  request.layer = LayerOf(port);
  return request;
}

}  // namespace

Requests::Requests(const engine::Model& model, unsigned seed) : model_(model), random_(seed) {
  for (const engine::Table& table : model.tables) {
    for (const engine::RouteRule& rule : table.rules) Collect(rule.match, routes_);
    for (const std::string& host : table.hosts) {
      routes_.hosts.push_back(host.starts_with("*") ? "any" + host.substr(1) : host);
    }
  }
  for (const engine::Guard& guard : model.guards) {
    const auto* service = std::get_if<engine::ServiceId>(&guard.target);
    if (service == nullptr || services_.contains(*service)) continue;
    Words& words = services_[*service];
    for (const engine::AccessRuleId id : guard.deny) Collect(model[id].when, words);
    for (const engine::AccessRuleId id : guard.allow) Collect(model[id].when, words);
    allowed_[*service] = guard.allow;
  }
  for (std::uint32_t i = 0; i < model.workloads.size(); ++i) {
    by_account_[{model.workloads[i].ns, model.workloads[i].account}].push_back({i});
  }
  const auto add = [&](const std::string& host, const engine::ServicePort& port,
                       engine::ServiceId service) {
    targets_.push_back(Call(host, port));
    target_service_.push_back(service);
  };
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    const engine::Service& service = model.services[i];
    if (service.instances.empty()) continue;
    for (const engine::ServicePort& port : service.instances.front().ports) {
      add(service.name + "." + service.ns, port, {i});
    }
  }
  for (const engine::Destination& destination : model.destinations) {
    for (const engine::ServicePort& port : destination.ports) {
      for (const std::string& host : destination.hosts) add(host, port, {});
    }
  }
  for (const engine::External& external : model.externals) {
    for (const engine::External::Port& port : external.ports) {
      for (const std::string& host : external.hosts) add(host, port.port, {});
    }
  }
}

unsigned Requests::Below(std::size_t n) { return static_cast<unsigned>(random_() % n); }

const std::string& Requests::Pick(const std::vector<std::string>& of) {
  return of[Below(of.size())];
}

void Requests::Collect(const engine::Condition& condition, Words& words) {
  if (condition.matcher) Collect(*condition.matcher, words);
  for (const engine::Condition& child : condition.children) Collect(child, words);
}

void Requests::Collect(const engine::Matcher& matcher, Words& words) {
  std::visit(
      Overloaded{
          [&](const engine::MethodMatch& m) {
            words.methods.insert(words.methods.end(), m.any_of.begin(), m.any_of.end());
          },
          [&](const engine::PathMatch& m) { AddInstances(m.any_of, words.paths); },
          [&](const engine::HostMatch& m) { AddInstances(m.any_of, words.hosts); },
          [&](const engine::SniMatch& m) { AddInstances(m.any_of, words.snis); },
          [&](const engine::HeaderMatch& m) { AddInstances(m.any_of, words.headers[m.name]); },
          [&](const engine::QueryMatch& m) { AddInstances(m.any_of, words.queries[m.name]); },
          [&](const engine::ClaimMatch& m) {
            std::string name;
            for (const std::string& step : m.claim) name += (name.empty() ? "" : ".") + step;
            AddInstances(m.any_of, words.claims[{m.provider.value, name}]);
          },
          [](const auto&) {},
      },
      matcher);
}

void Requests::AddCaller(Request& request) {
  request.cluster = {Below(model_.clusters.size())};
  if (model_.workloads.empty() || Below(20) == 0) {
    request.plaintext = true;
    return;
  }
  // Half of the callers are of the workspace they call, as most calls are.
  const engine::WorkspaceId owner =
      called_.IsNone() ? engine::WorkspaceId{} : model_[called_].workspace;
  const bool near = Below(2) == 0;
  for (int tries = 0; tries < 200; ++tries) {
    request.source = {Below(model_.workloads.size())};
    if (!near || model_[request.source].workspace == owner) break;
  }
  request.cluster = model_[request.source].cluster;
  request.plaintext = Below(30) == 0;
  request.direct = Below(10) == 0;
}

bool Requests::AddCallerOf(const engine::AccessRule& rule, Request& request) {
  for (const engine::CallerSet& set : rule.callers) {
    if (set.any_of.empty()) continue;
    const auto* one = std::get_if<engine::IdentitySet>(&set.any_of[Below(set.any_of.size())]);
    if (one == nullptr || !one->ns || !one->account) continue;
    const auto at = by_account_.find({*one->ns, *one->account});
    if (at == by_account_.end()) continue;
    request.source = at->second[Below(at->second.size())];
    request.cluster = model_[request.source].cluster;
    return true;
  }
  return false;
}

const engine::AccessRule* Requests::PickAllowed() {
  const auto at = allowed_.find(called_);
  if (at == allowed_.end() || at->second.empty() || Below(2) != 0) return nullptr;
  return &model_[at->second[Below(at->second.size())]];
}

void Requests::AddTarget(Request& request) {
  called_ = {};
  if (targets_.empty() || Below(20) == 0) {
    request.host = "nobody.nowhere";
    return;
  }
  const unsigned at = Below(targets_.size());
  request = targets_[at];
  called_ = target_service_[at];
  if (Below(4) == 0 && !called_.IsNone()) request.host += ".svc.cluster.local";
  if (Below(50) == 0) request.port = 1;
}

void Requests::AddGateway(Request& request) {
  request.gateway = {Below(model_.gateways.size())};
  const engine::Gateway& gateway = model_[request.gateway];
  request.cluster = {Below(model_.clusters.size())};
  if (!gateway.clusters.empty()) {
    request.cluster = gateway.clusters[Below(gateway.clusters.size())];
  }
  request.plaintext = true;
  request.host = routes_.hosts.empty() || Below(10) == 0 ? "nobody.test" : Pick(routes_.hosts);
  if (gateway.listeners.empty()) return;
  const engine::Listener& listener = gateway.listeners[Below(gateway.listeners.size())];
  request.port = listener.port;
  request.tls = listener.tls.has_value();
  if (request.tls) request.sni = request.host;
}

void Requests::AddHttp(const Words& words, Request& request) {
  request.method = words.methods.empty() || Below(3) == 0 ? "GET" : Pick(words.methods);
  request.path = words.paths.empty() || Below(8) == 0 ? "/nobody/knows" : Pick(words.paths);
  if (Below(10) == 0) request.path += "x";
  for (const auto& [name, values] : words.headers) {
    if (Below(2) == 0) request.headers[name] = Pick(values);
  }
  for (const auto& [name, values] : words.queries) {
    if (Below(2) == 0) request.query[name] = Pick(values);
  }
  for (const auto& [claim, values] : words.claims) {
    if (Below(2) == 0) continue;
    if (request.tokens.empty()) {
      request.tokens.push_back({.provider = {claim.first}, .valid = Below(8) != 0, .claims = {}});
    }
    if (request.tokens.front().provider.value != claim.first) continue;
    request.tokens.front().claims[claim.second].push_back(Pick(values));
  }
}

const Requests::Words& Requests::WordsFor(const Request& request) const {
  const auto guarded = services_.find(called_);
  return !request.gateway.IsNone() || guarded == services_.end() ? routes_ : guarded->second;
}

Request Requests::Next() {
  Request request;
  const engine::AccessRule* allowed = nullptr;
  called_ = {};
  if (!model_.gateways.empty() && Below(4) == 0) {
    AddGateway(request);
  } else {
    AddTarget(request);
    allowed = PickAllowed();
    if (allowed == nullptr || !AddCallerOf(*allowed, request)) AddCaller(request);
  }
  if (request.layer == Layer::kHttp) {
    Words of_rule;
    if (allowed != nullptr) Collect(allowed->when, of_rule);
    AddHttp(allowed != nullptr ? of_rule : WordsFor(request), request);
  }
  request.source_ip = Below(2) == 0 ? "10.0.0.1" : "203.0.113.9";
  return request;
}

}  // namespace weft::generate
