#include <set>
#include <variant>

#include "dsl/overloaded.h"
#include "engine/meaning_writer.h"

namespace weft::engine {

std::string MeaningWriter::ForwardText(const Forward& f) const {
  std::string subset;
  if (!f.subset.empty()) {
    const auto* service = std::get_if<ServiceId>(&f.target);
    if (service != nullptr) {
      for (const Subset& s : m_[*service].subsets) {
        if (s.name == f.subset) subset = LabelText(s.labels);
      }
    }
  }
  return Number(f.weight) + "% " + NameOfAny(f.target) + subset + ":" + Number(f.port) +
         (f.host.empty() ? "" : " as " + f.host);
}

std::string MeaningWriter::ActionText(const Action& action) const {
  return std::visit(
      Overloaded{
          [&](const std::vector<Forward>& forwards) {
            std::vector<std::string> parts;
            for (const Forward& f : forwards) parts.push_back(ForwardText(f));
            return "-> " + Join(parts, ", ", true);
          },
          [](const Redirect& r) {
            return "redirect" + Fields()
                                    .Flag("https", r.https)
                                    .Text("host", r.host)
                                    .Text("path", r.path)
                                    .Num("port", r.port)
                                    .Text("code", Number(r.code))
                                    .text();
          },
          [](const Respond& r) { return "respond " + Number(r.status) + " " + r.body; },
      },
      action);
}

std::string MeaningWriter::LimitText(LimitId id) const {
  const Limit& l = m_[id];
  std::vector<std::string> per;
  for (const LimitKey& key : l.per) per.push_back(Number(static_cast<int>(key.kind)) + key.name);
  return Number(l.requests) + "/" + Number(l.unit.count()) +
         Fields()
             .List("per", per, false)
             .Num("burst", l.burst)
             .Text("by", l.limiter.IsNone() ? "" : m_[l.limiter].name)
             .Flag("first", l.before_authorization)
             .Flag("open", l.allow_on_error)
             .Text("when", ConditionText(l.when))
             .text();
}

std::string MeaningWriter::Modifiers(const RouteModifiers& m) const {
  Fields f;
  f.Time("timeout", m.timeout);
  if (m.retries) {
    f.Text("retries", Number(m.retries->attempts))
        .Time("per-try", m.retries->per_try)
        .List("on", m.retries->on);
  }
  if (m.delay) f.Text("delay", Number(m.delay->delay.count()) + "@" + Number(m.delay->share));
  if (m.abort) f.Text("abort", Number(m.abort->status) + "@" + Number(m.abort->share));
  std::vector<std::string> parts;
  for (const Mirror& mirror : m.mirrors) {
    parts.push_back(ForwardText(mirror.to) + "@" + Number(mirror.share));
  }
  f.List("mirrors", parts);
  parts.clear();
  for (const HeaderOp& op : m.headers) {
    parts.push_back(Number(static_cast<int>(op.side)) + Number(static_cast<int>(op.kind)) +
                    op.name + ":" + op.value);
  }
  f.List("headers", parts);
  if (m.rewrite) {
    f.Text("rewrite", m.rewrite->path.value_or("-") + "|" + m.rewrite->host.value_or("-") + "|" +
                          m.rewrite->regex.value_or("-"));
  }
  if (m.cors) {
    f.Text("cors", Patterns(m.cors->origins))
        .List("cors-methods", m.cors->methods)
        .List("cors-headers", m.cors->headers)
        .List("cors-expose", m.cors->expose)
        .Time("cors-age", m.cors->max_age)
        .Num("cors-credentials", m.cors->credentials);
  }
  parts.clear();
  for (const LimitId id : m.limits) parts.push_back(LimitText(id));
  f.List("limits", parts).Flag("without-authorization", m.without_authorization);
  if (m.authentication) {
    parts.clear();
    for (const JwtId id : m.authentication->providers) parts.push_back(m_[id].name);
    f.List("authenticate", parts)
        .Flag("optional-token", m.authentication->optional)
        .Flag("tolerant", m.authentication->tolerant)
        .Flag("tokens-first", m.authentication->before_authorization)
        .Text("require", ConditionText(m.authentication->require));
  }
  parts.clear();
  for (const ExternalAuthorization& asked : m.authorization) parts.push_back(AskedText(asked));
  f.List("authorize", parts);
  if (m.csrf) {
    f.Text("csrf",
           Number(m.csrf->share) + (m.csrf->shadow ? "% shadow" : "%") + Patterns(m.csrf->origins));
  }
  if (m.body_limit) f.Text("body", Number(m.body_limit->bytes));
  parts.clear();
  for (const LuaCode& code : m.code) parts.push_back((code.before ? "first " : "") + code.text);
  return f.List("code", parts, false).text();
}

std::string MeaningWriter::AskedText(const ExternalAuthorization& asked) const {
  return m_[asked.provider].name + " " + asked.config + LabelText(asked.context) + " " +
         ConditionText(asked.when) + (asked.settings.empty() ? "" : " settings " + asked.settings);
}

std::string MeaningWriter::RouteText(const RouteRule& rule) const {
  return Number(static_cast<int>(rule.layer)) + " " + rule.name + " " + ConditionText(rule.match) +
         " " + ActionText(rule.action) + Modifiers(rule.modifiers);
}

void MeaningWriter::TableLines(const Table& t) {
  const std::string name = Workspace_(t.workspace) + "/table " + t.name;
  std::vector<std::string> gateways;
  for (const GatewayId id : t.gateways) gateways.push_back(NameOf(id));
  std::vector<std::string> sidecars;
  for (const WorkspaceId id : t.sidecars_of) sidecars.push_back(Workspace_(id));
  Line(name + Fields()
                  .List("hosts", t.hosts)
                  .List("gateways", gateways)
                  .Flag("sidecars", t.on_sidecars)
                  .Text("workloads", t.workloads ? LabelText(*t.workloads) : "")
                  .List("sidecars-of", sidecars)
                  .Text("grants", Grants(t.grants))
                  .Enum("on-invalid", t.on_invalid)
                  .Text("weight", Number(t.weight))
                  .Text("labels", LabelText(t.labels))
                  .Flag("root", t.root)
                  .text());
  for (std::size_t i = 0; i < t.rules.size(); ++i) {
    const RouteRule& rule = t.rules[i];
    constexpr std::size_t kFirst = 100000;  // so that numbers sort as text
    Line(name + " rule " + Number(kFirst + i) + " " + RouteText(rule));
  }
}

std::string MeaningWriter::RuleText(AccessRuleId id) const {
  const AccessRule& rule = m_[id];
  return std::string(rule.effect == AccessRule::Effect::kAllow ? "allow" : "deny") +
         Fields()
             .Text("from", rule.callers.empty() ? "anyone" : Callers(rule.callers))
             .Text("when", ConditionText(rule.when))
             .Flag("dry-run", rule.dry_run)
             .Flag("tcp", rule.tcp_only)
             .text();
}

void MeaningWriter::GuardLines(const Guard& g) {
  const std::string name = "guard " + NameOfAny(g.target) + " in " + m_[g.cluster].name;
  Fields f;
  f.Enum("mtls", g.mtls).Flag("closed", g.closed);
  for (const auto& [port, mode] : g.port_mtls) f.Enum("mtls:" + Number(port), mode);
  Line(name + f.text());
  std::set<std::string> rules;
  for (const AccessRuleId id : g.allow) rules.insert(RuleText(id));
  for (const AccessRuleId id : g.deny) rules.insert(RuleText(id));
  for (const std::string& rule : rules) Line(name + " " + rule);
  for (const Authentication& a : g.authentication) {
    Line(name + " authenticate " + m_[a.provider].name + (a.optional ? " optional" : "") +
         (a.before_authorization ? " first" : ""));
  }
  for (const ExternalAuthorization& a : g.authorization) {
    Line(name + " authorize " + AskedText(a));
  }
  for (const LimitId id : g.limits) Line(name + " limit " + LimitText(id));
  for (const LuaCode& code : g.code) {
    Line(name + " code " + (code.before ? "first " : "") + code.text);
  }
}

void MeaningWriter::JwtLine(const JwtProvider& j) {
  std::vector<std::string> locations;
  for (const JwtProvider::Location& l : j.locations) {
    locations.push_back(Number(static_cast<int>(l.kind)) + l.name + ":" + l.prefix);
  }
  Line("jwt " + j.name +
       Fields()
           .Text("issuer", j.issuer)
           .List("audiences", j.audiences)
           .Text("jwks", j.jwks_uri + j.jwks_inline)
           .List("from", locations, false)
           .Text("claims", LabelText(j.claims_to_headers))
           .Flag("forward", j.forward)
           .Text("via", j.jwks_via ? NameOfAny(*j.jwks_via) + ":" + Number(j.jwks_port) : "")
           .Time("cache", j.jwks_cache)
           .Time("fetch", j.jwks_timeout)
           .Flag("ahead", j.jwks_ahead)
           .Time("leeway", j.leeway)
           .Text("payload", j.payload_to)
           .text());
}

void MeaningWriter::AuthorizerLine(const Authorizer& a) {
  Line("authorizer " + a.name +
       Fields()
           .Text("service", a.service.IsNone() ? a.host : NameOf(a.service))
           .Text("port", Number(a.port))
           .Text("timeout", Number(a.timeout.count()))
           .Flag("open", a.allow_on_failure)
           .Num("body", a.body_limit)
           .Flag("http", a.http)
           .Text("prefix", a.path_prefix)
           .List("headers", a.include_headers)
           .text());
}

}  // namespace weft::engine
