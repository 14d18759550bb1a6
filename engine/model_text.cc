#include "engine/model_text.h"

#include <set>
#include <variant>

#include "dsl/overloaded.h"
#include "engine/match.h"
#include "engine/meaning_writer.h"

namespace weft::engine {

std::string MeaningWriter::Write() {
  Line("mesh" + Fields()
                    .Enum("normalization", m_.normalization)
                    .Text("root", m_.root_namespace)
                    .Num("mtls", m_.mtls ? std::optional(static_cast<int>(*m_.mtls)) : std::nullopt)
                    .text());
  for (const Cluster& c : m_.clusters) ClusterLine(c);
  for (const Workspace& w : m_.workspaces) WorkspaceLine(w);
  for (const Service& s : m_.services) ServiceLines(s);
  for (const External& e : m_.externals) ExternalLine(e);
  for (const Destination& d : m_.destinations) DestinationLine(d);
  for (const Gateway& g : m_.gateways) GatewayLine(g);
  for (const Table& t : m_.tables) TableLines(t);
  for (const Guard& g : m_.guards) GuardLines(g);
  for (const JwtProvider& j : m_.jwts) JwtLine(j);
  for (const Authorizer& a : m_.authorizers) AuthorizerLine(a);
  std::multiset<std::string> unemitted;
  for (const Unemitted& u : m_.unemitted) unemitted.insert(u.what);
  for (const std::string& what : unemitted) Line("unemitted " + what);
  return Lines();
}

std::string MeaningWriter::Lines() {
  std::sort(lines_.begin(), lines_.end());
  return Join(lines_, "\n", false) + "\n";
}

void MeaningWriter::Line(std::string line) { lines_.push_back(std::move(line)); }

std::string MeaningWriter::Workspace_(WorkspaceId id) const {
  return id.IsNone() ? "-" : m_[id].name;
}

std::string MeaningWriter::NameOf(ServiceId id) const { return m_[id].name + "." + m_[id].ns; }

std::string MeaningWriter::NameOf(DestinationId id) const {
  return Workspace_(m_[id].workspace) + "/destination " + m_[id].name;
}

std::string MeaningWriter::NameOf(ExternalId id) const {
  return Workspace_(m_[id].workspace) + "/external " + m_[id].name;
}

std::string MeaningWriter::NameOf(GatewayId id) const {
  return Workspace_(m_[id].workspace) + "/gateway " + m_[id].name;
}

std::string MeaningWriter::NameOf(WorkloadId id) const {
  return "workload " + m_[m_[id].cluster].name + "/" + m_[id].ns + "/" + m_[id].name;
}

std::string MeaningWriter::LabelText(const Labels& labels) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : labels) parts.push_back(key + ":" + value);
  return parts.empty() ? "" : "{" + Join(parts, ",", false) + "}";
}

std::string MeaningWriter::Grants(const std::vector<Grant>& grants) const {
  std::vector<std::string> names;
  for (const Grant& grant : grants) names.push_back(Workspace_(grant.to));
  return names.empty() ? "" : "[" + Join(names, ",", true) + "]";
}

std::string MeaningWriter::Patterns(const std::vector<Pattern>& patterns) {
  std::vector<std::string> parts;
  for (const Pattern& pattern : patterns) parts.push_back(Describe(pattern));
  return "[" + Join(parts, ",", true) + "]";
}

std::string MeaningWriter::Identity(const IdentitySet& set) {
  return set.trust_domain.value_or("*") + "/" + set.ns.value_or("*") + "/" +
         set.account.value_or("*");
}

std::string MeaningWriter::Callers(const std::vector<CallerSet>& sets) {
  std::set<std::string> parts;
  for (const CallerSet& set : sets) {
    for (const Caller& caller : set.any_of) {
      parts.insert(std::visit(Overloaded{
                                  [](const AnyCaller&) { return std::string("anyone"); },
                                  [](const NoIdentity&) { return std::string("nobody known"); },
                                  [](const IdentitySet& s) { return Identity(s); },
                                  [](const IdentityPattern& p) { return Describe(p.pattern); },
                                  [](const OutsideOf& o) {
                                    std::vector<std::string> inner;
                                    for (const IdentitySet& s : o.sets)
                                      inner.push_back(Identity(s));
                                    return "outside(" + Join(inner, ",", true) + ")";
                                  },
                              },
                              caller));
    }
  }
  return "[" + Join({parts.begin(), parts.end()}, ",", false) + "]";
}

std::string MeaningWriter::Blocks(const std::vector<Cidr>& blocks) {
  std::vector<std::string> parts;
  for (const Cidr& block : blocks) parts.push_back(block.ToString());
  return "[" + Join(parts, ",", true) + "]";
}

std::string MeaningWriter::MatcherText(const Matcher& matcher) const {
  return std::visit(
      Overloaded{
          [](const MethodMatch& m) { return "method" + Values(m.any_of); },
          [](const PathMatch& m) { return "path" + Patterns(m.any_of); },
          [](const HostMatch& m) { return "host" + Patterns(m.any_of); },
          [](const SniMatch& m) { return "sni" + Patterns(m.any_of); },
          [](const HeaderMatch& m) { return "header " + m.name + Patterns(m.any_of); },
          [](const QueryMatch& m) { return "query " + m.name + Patterns(m.any_of); },
          [](const PortMatch& m) { return "port" + Values(m.any_of); },
          [](const CallerMatch& m) { return "from" + Callers(m.any_of); },
          [](const SourceIpMatch& m) { return "source.ip" + Blocks(m.any_of); },
          [](const RemoteIpMatch& m) { return "remote.ip" + Blocks(m.any_of); },
          [](const MtlsMatch&) { return std::string("mtls"); },
          [&](const JwtMatch& m) { return "jwt " + m_[m.provider].name; },
          [&](const ClaimMatch& m) {
            return "claim " + m_[m.provider].name + " " + Join(m.claim, ".", false) +
                   Patterns(m.any_of);
          },
      },
      matcher);
}

std::string MeaningWriter::ConditionText(const Condition& condition) const {
  std::vector<std::string> parts;
  for (const Condition& child : condition.children) parts.push_back(ConditionText(child));
  switch (condition.kind) {
    case Condition::Kind::kTrue:
      return "true";
    case Condition::Kind::kFalse:
      return "false";
    case Condition::Kind::kAnd:
      return "(" + Join(parts, " and ", true) + ")";
    case Condition::Kind::kOr:
      return "(" + Join(parts, " or ", true) + ")";
    case Condition::Kind::kNot:
      return "not " + parts.front();
    case Condition::Kind::kMatcher:
      return MatcherText(*condition.matcher);
  }
  return "";
}

void MeaningWriter::ClusterLine(const Cluster& c) {
  std::vector<std::string> east_west;
  for (const EastWestGateway& g : c.east_west)
    east_west.push_back(g.address + ":" + Number(g.port));
  Line("cluster " + c.name +
       Fields()
           .Text("trust", c.trust_domain)
           .Text("network", c.network)
           .Text("domain", c.domain)
           .Text("locality", c.locality.region + "/" + c.locality.zone)
           .List("east-west", east_west)
           .Text("gateway", LabelText(c.east_west_selector))
           .text());
}

void MeaningWriter::WorkspaceLine(const Workspace& w) {
  std::vector<std::string> namespaces;
  for (const auto& [cluster, ns] : w.namespaces) namespaces.push_back(m_[cluster].name + "/" + ns);
  std::set<std::string> exports;
  for (const auto& [to, span] : w.exports_to) exports.insert(Workspace_(to));
  Line("workspace " + w.name +
       Fields()
           .List("namespaces", namespaces)
           .Flag("isolated", w.isolated)
           .Num("mtls", w.mtls ? std::optional(static_cast<int>(*w.mtls)) : std::nullopt)
           .Flag("trim", w.trim)
           .List("trim-to", w.trim_to)
           .List("exports", {exports.begin(), exports.end()})
           .Flag("imports", w.has_imports)
           .text());
}

std::string MeaningWriter::Policy(const DestinationPolicy& p) {
  Fields f;
  if (p.connections) {
    const ConnectionPool& c = *p.connections;
    f.Num("max-connections", c.max_connections)
        .Num("max-pending", c.max_pending)
        .Num("max-requests", c.max_requests)
        .Num("per-connection", c.requests_per_connection)
        .Num("max-retries", c.max_retries)
        .Time("connect", c.connect_timeout)
        .Time("idle", c.idle_timeout)
        .Time("keepalive", c.keepalive);
  }
  if (p.outlier) {
    f.Text("eject", Number(p.outlier->errors) + (p.outlier->gateway_errors ? "g" : "") + "/" +
                        Number(p.outlier->interval.count()) + "/" +
                        Number(p.outlier->base_time.count()) + "/" + Number(p.outlier->max_share));
  }
  if (p.balance) {
    f.Enum("balance", p.balance->kind)
        .Text("key", p.balance->key)
        .Time("ttl", p.balance->ttl)
        .Time("warm-up", p.balance->warm_up);
  }
  if (p.tls) f.Text("tls", Tls(*p.tls));
  if (p.failover) {
    std::vector<std::string> steps;
    for (const Failover::Step step : p.failover->order) {
      steps.push_back(Number(static_cast<int>(step)));
    }
    f.List("failover", steps, false);
    std::vector<std::string> mappings;
    for (const Failover::Mapping& mapping : p.failover->mappings) {
      mappings.push_back(mapping.from + ">" + mapping.to +
                         (mapping.weight ? "@" + Number(*mapping.weight) : ""));
    }
    f.List("mappings", mappings, false);
  }
  if (p.health_check) f.Text("health", HealthText(*p.health_check));
  if (p.adapt) {
    const AdaptConcurrency& a = *p.adapt;
    f.Text("adapt", Number(a.update_every.count()) + "/" + Number(a.measure_every.count()))
        .Num("adapt-most", a.at_most)
        .Num("adapt-requests", a.requests)
        .Num("adapt-floor", a.floor)
        .Num("adapt-status", a.status)
        .Num("adapt-percentile", a.percentile)
        .Num("adapt-jitter", a.jitter)
        .Num("adapt-slack", a.slack);
  }
  return f.text();
}

std::string MeaningWriter::HealthText(const HealthCheck& h) {
  std::vector<std::string> headers;
  for (const auto& [name, value] : h.headers) headers.push_back(name + ":" + value);
  std::vector<std::string> statuses;
  for (const auto& [first, last] : h.statuses) {
    statuses.push_back(Number(first) + "-" + Number(last));
  }
  return "{" +
         Fields()
             .Enum("kind", h.kind)
             .Text("method", h.method)
             .Text("path", h.path)
             .Text("service", h.service)
             .Text("host", h.host)
             .List("headers", headers)
             .List("statuses", statuses)
             .Flag("http2", h.http2)
             .Text("send", h.send)
             .List("receive", h.receive, false)
             .Text("expects", h.expects)
             .Text("every", Number(h.every.count()))
             .Text("within", Number(h.within.count()))
             .Text("healthy", Number(h.healthy_after))
             .Text("unhealthy", Number(h.unhealthy_after))
             .text() +
         "}";
}

std::string MeaningWriter::Tls(const ClientTls& t) {
  return "{" +
         Fields()
             .Enum("mode", t.mode)
             .Text("sni", t.sni)
             .Text("ca", t.ca_secret)
             .Text("certificate", t.certificate_secret)
             .List("sans", t.sans)
             .Flag("unverified", t.skip_verify)
             .text() +
         "}";
}

std::string MeaningWriter::Port(const ServicePort& p) {
  return Number(p.number) + ">" + Number(p.target) + ":" + Number(static_cast<int>(p.protocol));
}

std::string MeaningWriter::Ports(const std::vector<ServicePort>& ports) {
  std::vector<std::string> parts;
  for (const ServicePort& port : ports) parts.push_back(Port(port));
  return "[" + Join(parts, ",", true) + "]";
}

void MeaningWriter::ImporterLines(const std::string& name,
                                  const std::map<WorkspaceId, DestinationPolicy>& importers) {
  for (const auto& [workspace, policy] : importers) {
    Line(name + " for " + Workspace_(workspace) + Policy(policy));
  }
}

void MeaningWriter::ServiceLines(const Service& s) {
  const std::string name = "service " + s.name + "." + s.ns;
  Line(name +
       Fields()
           .Text("workspace", Workspace_(s.workspace))
           .Text("labels", LabelText(s.labels))
           .Text("grants", Grants(s.grants))
           .text() +
       Policy(s.policy));
  for (const ServiceInstance& i : s.instances) {
    Line(name + " in " + m_[i.cluster].name + " ports=" + Ports(i.ports));
  }
  for (const Subset& subset : s.subsets) {
    Line(name + " subset " + LabelText(subset.labels) + Policy(subset.policy));
  }
  ImporterLines(name, s.importers);
}

void MeaningWriter::ExternalLine(const External& e) {
  std::vector<std::string> ports;
  for (const External::Port& port : e.ports) {
    ports.push_back(Port(port.port) + (port.tls ? Tls(*port.tls) : "") + (port.via ? " via" : ""));
  }
  std::vector<std::string> endpoints;
  for (const ExternalEndpoint& endpoint : e.endpoints) {
    endpoints.push_back(endpoint.address + ":" + Number(endpoint.port.value_or(0)) + "@" +
                        endpoint.locality.region + "/" + endpoint.locality.zone);
  }
  Line(Workspace_(e.workspace) + "/external " + e.name +
       Fields()
           .List("hosts", e.hosts)
           .List("addresses", e.addresses)
           .List("ports", ports)
           .List("endpoints", endpoints)
           .Text("via", e.via.IsNone() ? "" : NameOf(e.via) + "#" + Number(e.via_listener))
           .Text("grants", Grants(e.grants))
           .Text("labels", LabelText(e.labels))
           .text() +
       Policy(e.policy));
  ImporterLines(Workspace_(e.workspace) + "/external " + e.name, e.importers);
}

void MeaningWriter::DestinationLine(const Destination& d) {
  std::vector<std::string> backings;
  for (const Backing& backing : d.backings) {
    backings.push_back(NameOf(backing.service) + "@" + m_[backing.cluster].name);
  }
  for (const ExternalId external : d.externals) backings.push_back(NameOf(external));
  Line(Workspace_(d.workspace) + "/destination " + d.name +
       Fields()
           .List("hosts", d.hosts)
           .List("backings", backings)
           .Text("ports", Ports(d.ports))
           .Flag("terminate-tls", d.terminate_tls)
           .Text("grants", Grants(d.grants))
           .Text("labels", LabelText(d.labels))
           .text() +
       Policy(d.policy));
  ImporterLines(Workspace_(d.workspace) + "/destination " + d.name, d.importers);
}

void MeaningWriter::GatewayLine(const Gateway& g) {
  const std::string name = Workspace_(g.workspace) + "/gateway " + g.name;
  std::vector<std::string> clusters;
  for (const ClusterId cluster : g.clusters) clusters.push_back(m_[cluster].name);
  Line(name + Fields()
                  .Text("ns", g.ns)
                  .Text("select", LabelText(g.selector))
                  .List("clusters", clusters)
                  .text());
  for (const Listener& l : g.listeners) {
    Fields f;
    f.Enum("protocol", l.protocol).List("hosts", l.hosts);
    if (l.tls) f.Enum("tls", *l.tls);
    f.Text("certificate", l.certificate).Text("ca", l.ca).List("sans", l.sans);
    if (l.min_version) f.Enum("min", *l.min_version);
    if (l.max_version) f.Enum("max", *l.max_version);
    Line(name + " listen " + Number(l.port) + f.Flag("redirect", l.redirect_https).text());
  }
  for (const Accept& accept : g.accepts) {
    std::vector<std::string> from;
    for (const WorkspaceId id : accept.from) from.push_back(Workspace_(id));
    Line(name + " accept" +
         Fields().List("from", from).Flag("all", accept.all).List("hosts", accept.hosts).text());
  }
}

std::string MeaningText(const Model& model) { return MeaningWriter(model).Write(); }

std::string MeaningOf(const Model& model, const Condition& condition) {
  return MeaningWriter(model).ConditionText(condition);
}

std::string MeaningOf(const Model& model, const RouteRule& rule) {
  return MeaningWriter(model).RouteText(rule);
}

std::string MeaningOf(const Model& model, const RouteModifiers& modifiers) {
  return MeaningWriter(model).Modifiers(modifiers);
}

std::string MeaningOf(const Model& model, const Guard& guard) {
  MeaningWriter writer(model);
  writer.GuardLines(guard);
  return writer.Lines();
}

std::string MeaningOf(const Model& model, LimitId limit) {
  return MeaningWriter(model).LimitText(limit);
}

std::string MeaningOf(const Model& model, JwtId provider) {
  MeaningWriter writer(model);
  writer.JwtLine(model[provider]);
  return writer.Lines();
}

std::string MeaningOf(const Model& model, AuthorizerId provider) {
  MeaningWriter writer(model);
  writer.AuthorizerLine(model[provider]);
  return writer.Lines();
}

std::string MeaningOf(const DestinationPolicy& policy) { return MeaningWriter::Policy(policy); }

}  // namespace weft::engine
