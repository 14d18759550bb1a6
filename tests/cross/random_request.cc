#include "tests/cross/random_request.h"

#include <set>
#include <vector>

#include "dsl/overloaded.h"
#include "verifier/work.h"

namespace weft::cross {
namespace {

using engine::Model;
using engine::Request;
using Strings = std::vector<std::string>;

const std::string& Pick(const Strings& of, Random& random) {
  return of[Below(random, static_cast<unsigned>(of.size()))];
}

std::string RandomPath(Random& random) {
  static const Strings kPaths = {"/",     "/a",    "/a/",  "/a/b",   "/a/b/c", "/ab",     "/b",
                                 "/b/b",  "/b/c",  "/api", "/apix",  "/api/a", "/a/x.js", "/x.js",
                                 "/a//b", "/abab", "/a/c", "/z/z/c", "/a/b/x", "/new",    "/v/a"};
  return Pick(kPaths, random);
}

void AddHttp(const Model& model, Random& random, Request& request) {
  request.method = Pick({"GET", "GET", "HEAD", "POST", "PUT"}, random);
  request.path = RandomPath(random);
  static const Strings kValues = {"1", "abc", "a", "c", "2", "xyz"};
  for (const char* name : {"x-a", "x-b"}) {
    if (Below(random, 2) == 0) request.headers[name] = Pick(kValues, random);
  }
  if (Below(random, 4) == 0) {
    request.headers["origin"] =
        Pick({"https://a.x", "http://c.b.x:8080", "https://h0.x", "https://h1.x", "null"}, random);
  }
  if (Below(random, 8) == 0) {
    request.headers["referer"] = Pick({"https://c.b.x/page", "https://h0.x/a", ""}, random);
  }
  if (Below(random, 3) == 0) request.body_bytes = Below(random, 2) == 0 ? 1024 : 1025;
  if (Below(random, 3) == 0) request.query["q"] = Pick({"1", "ab", "2", "/b", "x.js"}, random);
  // Envoy stops at the first provider whose token is good, so a second token has no meaning there;
  // docs/semantics.md says so.
  for (std::uint32_t i = 0; i < model.jwts.size(); ++i) {
    if (Below(random, 3) != 0 || !request.tokens.empty()) continue;
    engine::Token token{.provider = {i}, .valid = Below(random, 4) != 0, .claims = {}};
    if (Below(random, 2) == 0) token.claims["role"].push_back(Pick({"a", "b"}, random));
    if (Below(random, 4) == 0) token.claims["role"].push_back("c");
    if (Below(random, 2) == 0) token.claims["scope"].push_back(Pick({"s", "t"}, random));
    if (Below(random, 2) == 0) token.claims["i\\.j"].push_back(Pick({"x", "y"}, random));
    if (Below(random, 2) == 0) token.claims["g.h"].push_back(Pick({"x", "xy", "y"}, random));
    request.tokens.push_back(std::move(token));
  }
}

// What authorizers and limiters say.
void AskDeciders(const Model& model, Random& random, Request& request) {
  for (std::uint32_t i = 0; i < model.authorizers.size(); ++i) {
    request.answers[{i}] = static_cast<engine::Answer>(Below(random, 5) < 3 ? 0 : Below(random, 3));
  }
  for (std::uint32_t i = 0; i < model.limits.size(); ++i) {
    if (Below(random, 4) == 0) request.exhausted.insert({i});
  }
  for (std::uint32_t i = 0; i < model.limiters.size(); ++i) {
    if (Below(random, 10) == 0) request.silent.insert({i});
  }
}

void EnterGateway(const Model& model, Random& random, Request& request) {
  request.gateway = {0};
  const engine::Gateway& gateway = model.gateways[0];
  request.cluster = gateway.clusters[Below(random, static_cast<unsigned>(gateway.clusters.size()))];
  request.tls = Below(random, 3) != 0;
  request.port = request.tls ? 443 : 80;
  request.plaintext = true;
  request.host = Pick({"h0.x", "h1.x", "h2.x", "a.h0.x", "b.h1.x", "other", "y.x"}, random);
  if (request.tls) request.sni = request.host;
}

// A workload calls a service or destination, by its sidecar or around it.
void CallService(const Model& model, Random& random, Request& request) {
  std::vector<std::pair<std::string, std::uint16_t>> hosts;
  std::vector<engine::Layer> layers;
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    if (model.services[i].In(request.cluster) == nullptr) continue;
    for (const engine::ServicePort& p : model.services[i].In(request.cluster)->ports) {
      hosts.emplace_back(model.services[i].name + "." + model.services[i].ns, p.number);
      layers.push_back(verifier::LayerOf(p));
    }
  }
  for (const engine::Destination& d : model.destinations) {
    if (request.source.IsNone()) break;
    for (const engine::ServicePort& p : d.ports) {
      hosts.emplace_back(d.hosts.front(), p.number);
      layers.push_back(verifier::LayerOf(p));
    }
  }
  for (const engine::External& e : model.externals) {
    for (const engine::External::Port& p : e.ports) {
      hosts.emplace_back(e.hosts.front(), p.port.number);
      layers.push_back(verifier::LayerOf(p.port));
    }
  }
  const unsigned at = Below(random, static_cast<unsigned>(hosts.size()));
  request.host = hosts[at].first;
  request.port = hosts[at].second;
  request.layer = layers[at];
  // Only a proxy knows the hosts of destinations.
  if (request.host.ends_with(".global") && !request.source.IsNone()) {
    request.plaintext = request.direct = false;
  }
}

}  // namespace

Request RandomRequest(const Model& model, Random& random) {
  Request request;
  if (!model.gateways.empty() && !model.gateways[0].clusters.empty() && Below(random, 3) == 0) {
    EnterGateway(model, random, request);
  } else {
    const unsigned count = static_cast<unsigned>(model.workloads.size());
    if (Below(random, 12) == 0) {
      request.plaintext = true;
      request.cluster = {Below(random, static_cast<unsigned>(model.clusters.size()))};
    } else {
      request.source = {Below(random, count)};
      request.cluster = model[request.source].cluster;
      request.plaintext = Below(random, 10) == 0;
      request.direct = Below(random, 4) == 0;
    }
    CallService(model, random, request);
    if (Below(random, 8) == 0) {
      request.lost_clusters = {{Below(random, static_cast<unsigned>(model.clusters.size()))}};
    }
  }
  if (request.layer == engine::Layer::kHttp) AddHttp(model, random, request);
  AskDeciders(model, random, request);
  request.source_ip = Pick({"10.0.0.1", "10.1.2.3", "192.168.0.1", "203.0.113.9"}, random);
  if (Below(random, 3) == 0) {
    request.remote_ip = Pick({"10.0.0.1", "203.0.113.9", "198.51.100.7"}, random);
  }
  return request;
}

}  // namespace weft::cross
