// `test` blocks: from their text to a request, and from an outcome to passed or failed.
#include <algorithm>
#include <charconv>

#include "dsl/overloaded.h"
#include "engine/codes.h"
#include "engine/hosts.h"
#include "engine/lower.h"
#include "engine/lowering.h"
#include "engine/match.h"
#include "engine/path.h"
#include "engine/places.h"

namespace weft::engine {
namespace {

struct Url {
  std::string scheme, host, path = "/", query;
  std::uint16_t port = 0;
};

std::optional<Url> ParseUrl(const std::string& text) {
  Url url;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) return std::nullopt;
  url.scheme = Fold(text.substr(0, scheme));
  std::string rest = text.substr(scheme + 3);
  const std::size_t slash = rest.find_first_of("/?");
  if (slash != std::string::npos) {
    std::string path = rest.substr(slash);
    const std::size_t question = path.find('?');
    if (question != std::string::npos) {
      url.query = path.substr(question + 1);
      path.resize(question);
    }
    if (!path.empty()) url.path = path;
    rest.resize(slash);
  }
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string::npos) {
    const char* end = rest.data() + rest.size();
    const auto [at, error] = std::from_chars(rest.data() + colon + 1, end, url.port);
    if (error != std::errc() || at != end || url.port == 0) return std::nullopt;
    rest.resize(colon);
  }
  url.host = Fold(rest);
  if (url.host.empty()) return std::nullopt;
  return url;
}

std::map<std::string, std::string> ParseQuery(const std::string& text) {
  std::map<std::string, std::string> query;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = text.find('&', begin);
    if (end == std::string::npos) end = text.size();
    const std::string pair = text.substr(begin, end - begin);
    const std::size_t equals = pair.find('=');
    if (!pair.empty()) {
      query[pair.substr(0, equals)] = equals == std::string::npos ? "" : pair.substr(equals + 1);
    }
    begin = end + 1;
  }
  return query;
}

// The name tables of a lowering, taken from the finished model.
void RestoreNames(Lowering& l) {
  const Model& model = l.model;
  const auto id = [](std::size_t i) { return static_cast<std::uint32_t>(i); };
  for (std::size_t i = 0; i < model.workspaces.size(); ++i) {
    l.workspaces[model.workspaces[i].name] = {id(i)};
  }
  for (std::size_t i = 0; i < model.externals.size(); ++i) {
    l.targets.try_emplace({model.externals[i].workspace, model.externals[i].name},
                          ExternalId{id(i)});
  }
  for (std::size_t i = 0; i < model.destinations.size(); ++i) {
    l.targets.try_emplace({model.destinations[i].workspace, model.destinations[i].name},
                          DestinationId{id(i)});
  }
  for (const bool declared : {true, false}) {
    for (std::size_t i = 0; i < model.services.size(); ++i) {
      const Service& service = model.services[i];
      if (service.declared_as.empty() == declared) continue;
      l.targets.try_emplace({service.workspace, service.name}, ServiceId{id(i)});
    }
  }
  for (std::size_t i = 0; i < model.gateways.size(); ++i) {
    l.gateways[model.gateways[i].name].push_back({id(i)});
  }
  IndexProviders(l);
}

class TestLowering {
 public:
  TestLowering(Lowering& l, const dsl::TestDecl& decl)
      : l_(l), decl_(decl), scope_(l.Section(decl.header)) {}

  std::optional<TestCase> Run() {
    const std::optional<Url> url = ParseUrl(decl_.request.url.value);
    if (!url) {
      Fail(decl_.request.url.span, "`" + decl_.request.url.value + "` is no URL",
           "write `http://HOST[:PORT]/PATH`; schemes are http, https, grpc, tcp and tls");
      return std::nullopt;
    }
    TestCase test{
        .title = decl_.header.name.value, .request = {}, .expects = {}, .span = decl_.header.span};
    Request& request = test.request;
    request.method = decl_.request.method.value;
    request.host = url->host;
    request.query = ParseQuery(url->query);
    request.path = NormalizePath(url->path, l_.model.normalization);
    for (const dsl::LabelTerm& header : decl_.request.headers) {
      request.headers[Fold(header.key.value)] = header.value.value;
    }
    if (decl_.request.through) request.gateway = l_.Gateway(*decl_.request.through, scope_);
    if (!ReadScheme(*url, request) || !ReadSource(request)) return std::nullopt;
    ReadDestination(*url, request);
    request.plaintext = request.plaintext || decl_.request.plaintext;
    if (decl_.request.source_ip) request.source_ip = decl_.request.source_ip->value;
    if (decl_.request.remote_ip) request.remote_ip = decl_.request.remote_ip->value;
    ReadTokens(request);
    ReadServices(request);
    if (decl_.request.body) request.body_bytes = decl_.request.body->value;
    ReadLosses(request);
    for (const dsl::Expectation& e : decl_.expectations) ReadExpectation(e, test);
    if (failed_) return std::nullopt;
    return test;
  }

 private:
  void Fail(Span span, std::string message, std::string help = "") {
    failed_ = true;
    l_.diagnostics.Error(codes::kBadRequest, span, std::move(message)).help = std::move(help);
  }

  bool ReadScheme(const Url& url, Request& request) {
    if (url.scheme == "http" || url.scheme == "grpc") {
      request.port = 80;
    } else if (url.scheme == "https") {
      request.port = 443;
      request.tls = true;
      request.sni = url.host;
    } else if (url.scheme == "tls") {
      request.layer = Layer::kTls;
      request.port = 443;
      request.tls = true;
      request.sni = url.host;
    } else if (url.scheme == "tcp") {
      request.layer = Layer::kTcp;
    } else {
      Fail(decl_.request.url.span, "`" + url.scheme + "` is no scheme of a test",
           "schemes are http, https, grpc, tcp and tls");
      return false;
    }
    if (url.port != 0) request.port = url.port;
    return true;
  }

  void UseWorkload(WorkloadId id, Request& request) {
    request.source = id;
    request.cluster = l_.model[id].cluster;
    if (!l_.model[id].addresses.empty()) request.source_ip = l_.model[id].addresses.front();
  }

  // The first workload that fits, in the asked-for cluster.
  template <typename Fits>
  WorkloadId FirstWorkload(const std::vector<ClusterId>& only, Fits fits) {
    for (std::uint32_t i = 0; i < l_.model.workloads.size(); ++i) {
      const Workload& workload = l_.model.workloads[i];
      const bool here =
          only.empty() || std::find(only.begin(), only.end(), workload.cluster) != only.end();
      if (here && fits(WorkloadId{i}, workload)) return {i};
    }
    return {};
  }

  WorkloadId OfService(ServiceId id, const std::vector<ClusterId>& only) {
    for (const ServiceInstance& instance : l_.model[id].instances) {
      const bool here =
          only.empty() || std::find(only.begin(), only.end(), instance.cluster) != only.end();
      if (here && !instance.workloads.empty()) return instance.workloads.front();
    }
    return {};
  }

  WorkloadId OfGateway(GatewayId id, const std::vector<ClusterId>& only) {
    return FirstWorkload(only, [&](WorkloadId w, const Workload&) {
      const auto& mine = l_.model[id].workloads;
      return std::find(mine.begin(), mine.end(), w) != mine.end();
    });
  }

  WorkloadId OfWorkspace(WorkspaceId id, const std::vector<ClusterId>& only) {
    return FirstWorkload(only, [&](WorkloadId, const Workload& w) { return w.workspace == id; });
  }

  WorkloadId Named(const dsl::QName& name, const std::vector<ClusterId>& only) {
    const std::string& text = name.parts.back().value;
    const bool target = l_.targets.contains({scope_, text});
    if (!target && l_.gateways.contains(text)) {
      const GatewayId id = l_.Gateway(name, scope_);
      return id.IsNone() ? WorkloadId{} : OfGateway(id, only);
    }
    if (!target && l_.workspaces.contains(name.Text())) {
      return OfWorkspace(l_.workspaces[name.Text()], only);
    }
    const ServiceId id = l_.ServiceNamed(name, scope_);
    return id.IsNone() ? WorkloadId{} : OfService(id, only);
  }

  // A caller known by identity only, when no workload of it is discovered.
  bool UseIdentity(Identity identity, Request& request) {
    const WorkloadId id = FirstWorkload({}, [&](WorkloadId, const Workload& w) {
      return w.ns == identity.ns && w.account == identity.account &&
             l_.model[w.cluster].trust_domain == identity.trust_domain;
    });
    if (!id.IsNone()) UseWorkload(id, request);
    request.identity = std::move(identity);
    return true;
  }

  bool UseAccount(const std::string& account, const std::vector<ClusterId>& only,
                  Request& request) {
    const std::size_t slash = account.find('/');
    if (slash == std::string::npos) return false;
    const std::string ns = account.substr(0, slash);
    const std::string name = account.substr(slash + 1);
    const WorkloadId id = FirstWorkload(
        only, [&](WorkloadId, const Workload& w) { return w.ns == ns && w.account == name; });
    if (!id.IsNone()) {
      UseWorkload(id, request);
      return true;
    }
    const ClusterId cluster = only.empty() ? DefaultCluster(request) : only.front();
    request.cluster = cluster;
    request.identity = Identity{l_.model[cluster].trust_domain, ns, name};
    return true;
  }

  // The first of the accounts that a source selects.
  bool UseFirst(const dsl::SourceClause& source, const std::vector<ClusterId>& only,
                Request& request) {
    for (const CallerSet& set : LowerSources(l_, {source}, scope_)) {
      for (const auto& caller : set.any_of) {
        const auto* identity = std::get_if<IdentitySet>(&caller);
        if (identity == nullptr || !identity->ns || !identity->account) continue;
        return UseAccount(*identity->ns + "/" + *identity->account, only, request);
      }
    }
    return false;
  }

  bool UsePattern(const Pattern& pattern, Request& request) {
    const auto* exact = std::get_if<Exact>(&pattern);
    if (exact == nullptr) return false;
    // spiffe://TRUST/ns/NS/sa/ACCOUNT
    const std::string& uri = exact->value;
    const std::size_t ns = uri.find("/ns/");
    const std::size_t sa = uri.find("/sa/");
    if (!uri.starts_with("spiffe://") || ns == std::string::npos || sa == std::string::npos ||
        sa < ns + 4) {
      return false;
    }
    return UseIdentity({uri.substr(9, ns - 9), uri.substr(ns + 4, sa - ns - 4), uri.substr(sa + 4)},
                       request);
  }

  bool ReadSource(Request& request) {
    std::vector<ClusterId> only;
    if (decl_.request.from) only = l_.Clusters(decl_.request.from->clusters);
    if (!request.gateway.IsNone() || !decl_.request.from) request.plaintext = !request.tls;
    if (!only.empty()) request.cluster = only.front();
    bool fine = true;
    WorkloadId workload;
    const auto use = [&](WorkloadId id) {
      workload = id;
      fine = !id.IsNone();
    };
    const std::size_t errors = l_.diagnostics.errors();
    if (decl_.request.from) {
      std::visit(
          Overloaded{
              [&](const dsl::SourceAnyone&) { request.plaintext = true; },
              [&](const dsl::SourceAnyIdentity&) {
                use(FirstWorkload(only, [](WorkloadId, const Workload& w) { return w.sidecar; }));
              },
              [&](const dsl::SourceOutside&) { request.plaintext = request.gateway.IsNone(); },
              [&](const dsl::SourceService& s) {
                const ServiceId id = l_.ServiceNamed(s.name, scope_);
                use(id.IsNone() ? WorkloadId{} : OfService(id, only));
              },
              [&](const dsl::SourceGateway& s) {
                const GatewayId id = l_.Gateway(s.name, scope_);
                use(id.IsNone() ? WorkloadId{} : OfGateway(id, only));
              },
              [&](const dsl::SourceWorkspace& s) {
                const WorkspaceId id = l_.Workspace(s.name);
                if (s.outside) {
                  use(FirstWorkload(
                      only, [&](WorkloadId, const Workload& w) { return w.workspace != id; }));
                } else {
                  use(OfWorkspace(id, only));
                }
              },
              [&](const dsl::SourceNamespace& s) {
                use(FirstWorkload(
                    only, [&](WorkloadId, const Workload& w) { return w.ns == s.name.value; }));
              },
              [&](const dsl::SourceAccount& s) {
                fine = UseAccount(s.account.value, only, request);
              },
              [&](const dsl::SourceAccounts&) {
                fine = UseFirst(*decl_.request.from, only, request);
              },
              [&](const dsl::SourceIdentity& s) { fine = UsePattern(s.pattern, request); },
              [&](const dsl::SourceName& s) { use(Named(s.name, only)); },
          },
          decl_.request.from->value);
    }
    if (!workload.IsNone()) UseWorkload(workload, request);
    if (!fine) {
      failed_ = true;
      if (l_.diagnostics.errors() == errors) {
        Fail(decl_.request.from->span, "no discovered workload is such a caller");
      }
      return false;
    }
    if (request.cluster.IsNone()) request.cluster = DefaultCluster(request);
    return true;
  }

  [[nodiscard]] ClusterId DefaultCluster(const Request& request) const {
    if (!request.gateway.IsNone() && !l_.model[request.gateway].clusters.empty()) {
      return l_.model[request.gateway].clusters.front();
    }
    return ClusterId{0};
  }

  // A host that names something in sight of the test means that thing.
  void ReadDestination(const Url& url, Request& request) {
    if (!request.gateway.IsNone()) return;
    const TargetRef* named = nullptr;
    for (const WorkspaceId scope : {scope_, WorkspaceId{}}) {
      const auto at = l_.targets.find({scope, url.host});
      if (named == nullptr && at != l_.targets.end()) named = &at->second;
    }
    if (named != nullptr) {
      const std::vector<std::string> hosts = HostsOf(l_.model, *named);
      if (!hosts.empty() && !hosts.front().starts_with('*')) request.host = hosts.front();
    }
    if (const auto* service = named ? std::get_if<ServiceId>(named) : nullptr) {
      const Service& found = l_.model[*service];
      request.host = found.name + "." + found.ns;
      // From outside, the request goes where the service runs.
      if (request.source.IsNone() && !request.identity && !found.instances.empty() &&
          found.In(request.cluster) == nullptr) {
        request.cluster = found.instances.front().cluster;
      }
      const ServiceInstance* instance = found.In(request.cluster);
      if (url.port == 0 && instance != nullptr && instance->ports.size() == 1) {
        request.port = instance->ports.front().number;
      }
    }
    if (const auto* destination = named ? std::get_if<DestinationId>(named) : nullptr) {
      const auto& ports = l_.model[*destination].ports;
      if (url.port == 0 && ports.size() == 1) request.port = ports.front().number;
    }
  }

  void ReadTokens(Request& request) {
    for (const dsl::TestRequest::Token& token : decl_.request.tokens) {
      const JwtId id = l_.Jwt(token.provider, scope_);
      if (id.IsNone()) {
        failed_ = true;
        continue;
      }
      Token lowered{.provider = id, .valid = !token.invalid, .claims = {}};
      for (const auto& [claim, values] : token.claims) {
        for (const dsl::Str& value : values) lowered.claims[claim.value].push_back(value.value);
      }
      request.tokens.push_back(std::move(lowered));
    }
  }

  // What authorizers and limiters say.
  void ReadServices(Request& request) {
    for (const dsl::StatedAnswer& stated : decl_.request.answers) {
      const AuthorizerId id = l_.Authorizer(stated.authorizer, scope_);
      if (id.IsNone()) failed_ = true;
      request.answers[id] = static_cast<Answer>(stated.kind);
    }
    for (const dsl::Name& name : decl_.request.silent) {
      const LimiterId id = l_.Limiter(name, scope_);
      if (id.IsNone()) failed_ = true;
      request.silent.insert(id);
    }
    if (const auto& after = decl_.request.after) {
      request.exhausted = ExhaustedAfter(l_.model, after->requests.value, after->window);
    }
  }

  void CheckPlace(LossKind kind, const dsl::Str& name) {
    const std::vector<std::string> known = NamesOf(l_.model, kind);
    if (std::find(known.begin(), known.end(), name.value) != known.end()) return;
    failed_ = true;
    Diagnostic& d =
        l_.diagnostics.Error(codes::kUnknownPlace, name.span,
                             "nothing is in a " + LossWord(kind) + " `" + name.value + "`");
    const std::string near = NearestName(name.value, known);
    if (!near.empty()) {
      d.help = "did you mean `" + near + "`?";
      d.edit = Edit{name.span, '"' + near + '"'};
    } else if (!known.empty()) {
      for (const std::string& one : known) d.help += (d.help.empty() ? "`" : ", `") + one + "`";
      d.help = "known are " + d.help;
    } else {
      d.help = "no cluster says its " + LossWord(kind) + ": `cluster NAME { " + LossWord(kind) +
               " \"" + name.value + "\" }`";
    }
  }

  void ReadLosses(Request& request) {
    for (const dsl::TestDecl::Loss& loss : decl_.losses) {
      switch (loss.kind) {
        case dsl::TestDecl::Loss::Kind::kCluster: {
          const ClusterId id = l_.Cluster(loss.name);
          if (id.IsNone()) failed_ = true;
          request.lost_clusters.insert(id);
          break;
        }
        case dsl::TestDecl::Loss::Kind::kRegion:
          CheckPlace(LossKind::kRegion, loss.name);
          request.lost_regions.insert(loss.name.value);
          break;
        case dsl::TestDecl::Loss::Kind::kZone:
          CheckPlace(LossKind::kZone, loss.name);
          request.lost_zones.insert(loss.name.value);
          break;
      }
    }
  }

  void ReadExpectation(const dsl::Expectation& decl, TestCase& test) {
    TestCase::Expect expect{.kind = static_cast<TestCase::Expect::Kind>(decl.kind),
                            .stage = {},
                            .target = {},
                            .subset = "",
                            .cluster = {},
                            .span = decl.span};
    if (decl.stage) {
      expect.stage = ParseStage(decl.stage->value);
      if (!expect.stage) {
        Fail(decl.stage->span, "`" + decl.stage->value + "` is no stage",
             "stages are hidden, no-route, mtls, authentication, external-authorization, denied, "
             "not-allowed, rate-limited, foreign-origin, body-too-large, fault and unavailable");
      }
    }
    if (decl.target) {
      const auto target = l_.Target(*decl.target, scope_);
      if (!target) {
        failed_ = true;
        return;
      }
      expect.target = target->target;
      expect.subset = target->subset;
    }
    if (decl.cluster) {
      expect.cluster = l_.Cluster(*decl.cluster);
      if (expect.cluster.IsNone()) failed_ = true;
    }
    if (decl.status) expect.status = static_cast<int>(decl.status->value);
    if (decl.location) expect.location = decl.location->value;
    if (decl.duration) expect.duration = decl.duration->value;
    test.expects.push_back(std::move(expect));
  }

  static std::optional<Stage> ParseStage(const std::string& text) {
    for (int i = 0; i <= static_cast<int>(Stage::kUnavailable); ++i) {
      const auto stage = static_cast<Stage>(i);
      if (StageName(stage) == text) return stage;
    }
    return std::nullopt;
  }

  Lowering& l_;
  const dsl::TestDecl& decl_;
  WorkspaceId scope_;
  bool failed_ = false;
};

}  // namespace

std::vector<TestCase> LowerTests(const dsl::Program& program, const Model& model,
                                 Diagnostics& diagnostics) {
  const Inventory none;
  Model names = model;
  Lowering l{.program = program, .inventory = none, .diagnostics = diagnostics, .model = names};
  RestoreNames(l);
  std::vector<TestCase> tests;
  if (model.clusters.empty()) return tests;
  for (const dsl::TestDecl& decl : program.tests) {
    if (auto test = TestLowering(l, decl).Run()) tests.push_back(std::move(*test));
  }
  return tests;
}

}  // namespace weft::engine
