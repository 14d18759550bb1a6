#include "tests/conformance/sampler/neighbours.h"

#include <algorithm>
#include <set>

#include "dsl/overloaded.h"
#include "engine/path.h"
#include "verifier/atoms.h"

namespace weft::lab {
namespace {

using engine::Condition;
using engine::Model;
using engine::Request;

// The patterns rules use, by dimension.
struct Patterns {
  std::set<Pattern> methods, paths, hosts;
  std::map<std::string, std::set<Pattern>> headers, queries;
  std::map<std::pair<engine::JwtId, std::string>, std::set<Pattern>> claims;
  std::set<engine::JwtId> providers;
  std::set<std::string> addresses;  // one in every block rules name, one in none
};

std::string Joined(const std::vector<std::string>& claim) {
  std::string path;
  for (const std::string& part : claim) path += (path.empty() ? "" : ".") + part;
  return path;
}

void AddBlocks(const std::vector<engine::Cidr>& blocks, std::set<std::string>& addresses) {
  addresses.insert("192.0.2.77");
  for (const engine::Cidr& block : blocks) {
    engine::Ip inside = block.First();
    inside.bytes.back() = static_cast<std::uint8_t>(inside.bytes.back() | 9U);
    if (inside.IsV4() && block.Contains(inside)) addresses.insert(inside.ToString());
  }
}

void Collect(const Condition& condition, Patterns& into) {
  for (const Condition& child : condition.children) Collect(child, into);
  if (!condition.matcher) return;
  const auto add = [](std::set<Pattern>& to, const std::vector<Pattern>& patterns) {
    to.insert(patterns.begin(), patterns.end());
  };
  std::visit(Overloaded{
                 [&](const engine::MethodMatch& m) {
                   for (const std::string& method : m.any_of) into.methods.insert(Exact{method});
                 },
                 [&](const engine::PathMatch& m) { add(into.paths, m.any_of); },
                 [&](const engine::HostMatch& m) { add(into.hosts, m.any_of); },
                 [&](const engine::HeaderMatch& m) { add(into.headers[m.name], m.any_of); },
                 [&](const engine::SourceIpMatch& m) { AddBlocks(m.any_of, into.addresses); },
                 [&](const engine::RemoteIpMatch& m) { AddBlocks(m.any_of, into.addresses); },
                 [&](const engine::QueryMatch& m) { add(into.queries[m.name], m.any_of); },
                 [&](const engine::JwtMatch& m) { into.providers.insert(m.provider); },
                 [&](const engine::ClaimMatch& m) {
                   into.providers.insert(m.provider);
                   add(into.claims[{m.provider, Joined(m.claim)}], m.any_of);
                 },
                 [](const auto&) {},
             },
             *condition.matcher);
}

Patterns CollectAll(const Model& model) {
  Patterns all;
  for (const engine::Table& table : model.tables) {
    for (const std::string& host : table.hosts) {
      all.hosts.insert(host.starts_with("*.") ? Pattern(Suffix{host.substr(1)}) : Exact{host});
    }
    for (const engine::RouteRule& rule : table.rules) Collect(rule.match, all);
  }
  for (const engine::AccessRule& rule : model.access_rules) Collect(rule.when, all);
  for (const engine::Guard& guard : model.guards) {
    for (const engine::Authentication& a : guard.authentication) all.providers.insert(a.provider);
  }
  return all;
}

// Values just outside of a pattern, where a pattern that is slightly wrong differs from it. The
// atoms do not hold them: no rule of the policy tells them from any other value outside.
std::vector<std::string> NearMisses(const Pattern& pattern) {
  const auto shorter = [](const std::string& v) {
    return v.substr(0, v.empty() ? 0 : v.size() - 1);
  };
  const auto later = [](const std::string& v) { return v.substr(v.empty() ? 0 : 1); };
  return std::visit(Overloaded{
                        [&](const Exact& p) {
                          return std::vector{p.value + "x", p.value + "/", shorter(p.value)};
                        },
                        [&](const Under& p) {
                          return std::vector{p.value + "x", p.value + "/", shorter(p.value)};
                        },
                        [&](const Prefix& p) {
                          return std::vector{p.value + "x", shorter(p.value)};
                        },
                        [&](const Suffix& p) {
                          return std::vector{"/x" + later(p.value), p.value + "x"};
                        },
                        [](const auto&) { return std::vector<std::string>(); },
                    },
                    pattern);
}

std::vector<std::string> Values(const std::set<Pattern>& patterns, verifier::Domain domain) {
  std::vector<verifier::Language> languages;
  for (const Pattern& pattern : patterns) languages.push_back({pattern, {}});
  const auto atoms = verifier::BuildAtoms(languages, domain);
  if (!atoms) return {};
  std::vector<std::string> values = atoms->witnesses;
  if (domain != verifier::Domain::kPath && domain != verifier::Domain::kText) return values;
  for (const Pattern& pattern : patterns) {
    for (std::string& value : NearMisses(pattern)) {
      const bool fits = domain == verifier::Domain::kText || value.starts_with('/');
      if (!value.empty() && fits) values.push_back(std::move(value));
    }
  }
  return values;
}

class Collector {
 public:
  Collector(const Model& model, const Request& request) : model_(model), request_(request) {}

  template <typename Change>
  void Add(Change change) {
    Request other = request_;
    change(other);
    if (other.layer == engine::Layer::kHttp) {
      other.path = engine::NormalizePath(other.path, model_.normalization);
    }
    found.push_back(std::move(other));
  }

  std::vector<Request> found;

 private:
  const Model& model_;
  const Request& request_;
};

void AddFields(const Palette& palette, Collector& all) {
  for (const std::string& method : palette.methods) {
    all.Add([&](Request& r) { r.method = method; });
  }
  for (const std::string& path : palette.paths) all.Add([&](Request& r) { r.path = path; });
  for (const auto& [name, values] : palette.headers) {
    all.Add([&, &key = name](Request& r) { r.headers.erase(key); });
    for (const std::string& value : values) {
      if (Travels(value)) all.Add([&, &key = name](Request& r) { r.headers[key] = value; });
    }
  }
  for (const auto& [name, values] : palette.queries) {
    all.Add([&, &key = name](Request& r) { r.query.erase(key); });
    for (const std::string& value : values) {
      all.Add([&, &key = name](Request& r) { r.query[key] = value; });
    }
  }
}

void AddTokens(const Palette& palette, Collector& all) {
  all.Add([](Request& r) { r.tokens.clear(); });
  for (const engine::JwtId provider : palette.providers) {
    for (const bool valid : {true, false}) {
      all.Add(
          [&](Request& r) { r.tokens = {{.provider = provider, .valid = valid, .claims = {}}}; });
    }
  }
  for (const auto& [claim, values] : palette.claims) {
    for (const std::string& value : values) {
      all.Add([&, &of = claim](Request& r) {
        r.tokens = {{.provider = of.first, .valid = true, .claims = {{of.second, {value}}}}};
      });
    }
  }
}

}  // namespace

bool Travels(const std::string& value) {
  return value.empty() || (value.front() != ' ' && value.back() != ' ');
}

bool IsGateway(const Model& model, engine::WorkloadId id) {
  const engine::Workload& workload = model[id];
  const engine::Labels& east_west = model[workload.cluster].east_west_selector;
  if (!east_west.empty() && engine::Selects(east_west, workload.labels)) return true;
  return std::any_of(model.gateways.begin(), model.gateways.end(), [&](const auto& gateway) {
    const auto& mine = gateway.workloads;
    return std::find(mine.begin(), mine.end(), id) != mine.end();
  });
}

Palette PaletteOf(const Model& model) {
  const Patterns patterns = CollectAll(model);
  Palette palette{.methods = Values(patterns.methods, verifier::Domain::kMethod),
                  .paths = Values(patterns.paths, verifier::Domain::kPath),
                  .hosts = Values(patterns.hosts, verifier::Domain::kHost),
                  .headers = {},
                  .queries = {},
                  .claims = {},
                  .providers = {patterns.providers.begin(), patterns.providers.end()},
                  .addresses = {patterns.addresses.begin(), patterns.addresses.end()}};
  // No name begins with a dot; a class of names has others.
  for (std::string& host : palette.hosts) {
    if (host.starts_with('.')) host.insert(0, "x");
  }
  for (const auto& [name, of] : patterns.headers) {
    palette.headers[name] = Values(of, verifier::Domain::kText);
  }
  for (const auto& [name, of] : patterns.queries) {
    palette.queries[name] = Values(of, verifier::Domain::kText);
  }
  for (const auto& [name, of] : patterns.claims) {
    palette.claims[name] = Values(of, verifier::Domain::kText);
  }
  return palette;
}

Request SentBy(const Model& model, Request request, const verifier::Candidate& caller) {
  request.source = caller.source;
  request.identity = caller.source.IsNone() ? caller.identity : std::nullopt;
  request.plaintext = !caller.identity.has_value();
  request.direct = request.plaintext || caller.source.IsNone();
  if (caller.source.IsNone()) request.source_ip = Request{}.source_ip;
  if (!caller.source.IsNone()) {
    const engine::Workload& workload = model[caller.source];
    request.cluster = workload.cluster;
    request.direct = request.direct || !workload.sidecar || IsGateway(model, caller.source);
    if (!workload.addresses.empty()) request.source_ip = workload.addresses.front();
  }
  return request;
}

std::vector<Request> Neighbours(const Model& model, const Palette& palette, const Request& request,
                                const std::vector<verifier::Candidate>& callers) {
  Collector all(model, request);
  if (request.layer == engine::Layer::kHttp) {
    AddFields(palette, all);
    AddTokens(palette, all);
    if (!request.gateway.IsNone()) {
      for (const std::string& host : palette.hosts) {
        all.Add([&](Request& r) {
          r.host = host;
          if (r.tls) r.sni = host;
        });
      }
    }
  }
  if (request.source.IsNone()) {
    for (const std::string& address : palette.addresses) {
      all.Add([&](Request& r) { r.source_ip = address; });
    }
  }
  for (const verifier::Candidate& caller : callers) {
    all.Add([&](Request& r) {
      const engine::ClusterId at = r.cluster;
      r = SentBy(model, std::move(r), caller);
      if (caller.source.IsNone()) r.cluster = at;
    });
  }
  return std::move(all.found);
}

}  // namespace weft::lab
