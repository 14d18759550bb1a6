#include "dsl/printer.h"

#include <fmt/format.h>

#include "dsl/overloaded.h"
#include "dsl/print_parts.h"

namespace weft::dsl {

void Printer::Jwt(const JwtDecl& d) {
  Page& page = On(d.header.owner, "identity");
  Comments(page, d.header.span);
  page.Open("jwt " + d.header.name.value);
  if (!d.issuer.value.empty()) page.Line("issuer " + Quoted(d.issuer.value));
  for (const Str& audience : d.audiences) page.Line("audience " + Quoted(audience.value));
  if (d.jwks_uri) {
    page.Line("jwks from " + Quoted(d.jwks_uri->value) +
              (d.jwks_service ? " through service " + TextOf(*d.jwks_service) : ""));
  }
  if (d.jwks_inline) page.Line("jwks inline " + Quoted(d.jwks_inline->value));
  if (d.jwks_secret) {
    const JwtDecl::Secret& secret = *d.jwks_secret;
    page.Line("jwks secret " + Quoted(secret.name.value) +
              (secret.key ? " key " + Quoted(secret.key->value) : "") +
              (secret.in_namespace ? " in " + Quoted(secret.in_namespace->value) : ""));
  }
  if (d.jwks_ahead) page.Line("fetch keys ahead");
  if (d.jwks_cache) page.Line("cache keys " + TextOf(d.jwks_cache->value));
  if (d.jwks_timeout) page.Line("fetch keys within " + TextOf(d.jwks_timeout->value));
  if (d.leeway) page.Line("leeway " + TextOf(d.leeway->value));
  if (d.payload_to) page.Line("payload to header " + Quoted(d.payload_to->value));
  for (const JwtDecl::Location& from : d.locations) Location(page, from);
  ClaimHeaders(page, d);
  if (d.forward) page.Line("forward token");
  page.Close();
}

void Printer::Location(Page& page, const JwtDecl::Location& from) {
  switch (from.kind) {
    case JwtDecl::Location::Kind::kHeader:
      page.Line("from header " + Quoted(from.name.value) +
                (from.prefix.value.empty() ? "" : " prefix " + Quoted(from.prefix.value)));
      return;
    case JwtDecl::Location::Kind::kQuery:
      page.Line("from query " + Quoted(from.name.value));
      return;
    case JwtDecl::Location::Kind::kCookie:
      page.Line("from cookie " + Quoted(from.name.value));
      return;
  }
}

void Printer::ClaimHeaders(Page& page, const JwtDecl& d) {
  if (d.claims_to_headers.empty()) return;
  page.Open("claims to headers");
  for (const LabelTerm& pair : d.claims_to_headers) {
    const bool appended =
        std::any_of(d.appended_claims.begin(), d.appended_claims.end(),
                    [&](const Str& claim) { return claim.value == pair.key.value; });
    page.Line(Quoted(pair.key.value) + " -> " + (appended ? "add " : "") +
              Quoted(pair.value.value));
  }
  page.Close();
}

void Printer::Authorizer(const AuthorizerDecl& d) {
  Page& page = On(d.header.owner, "identity");
  Comments(page, d.header.span);
  page.Open("authorizer " + d.header.name.value);
  page.Line(Server(d.service, d.in_namespace, d.port));
  if (d.timeout) page.Line("timeout " + TextOf(d.timeout->value));
  page.Line(std::string(d.allow_on_failure ? "on failure allow" : "on failure deny") +
            (d.status_on_error ? fmt::format(" status {}", d.status_on_error->value) : ""));
  if (d.body_limit) {
    page.Line("body up to " + TextOfSize(d.body_limit->value) + (d.partial_body ? " partial" : "") +
              (d.body_as_bytes ? " as bytes" : ""));
  }
  if (d.http) page.Line("http");
  if (d.path_prefix) page.Line("path prefix " + Quoted(d.path_prefix->value));
  if (!d.include_headers.empty()) page.Line("headers " + Strings(d.include_headers));
  if (!d.add_headers.empty()) page.Line("add headers " + LabelBlock(d.add_headers));
  if (!d.upstream_headers.empty()) page.Line("headers upstream " + Strings(d.upstream_headers));
  if (!d.client_headers.empty()) page.Line("headers to client " + Strings(d.client_headers));
  if (d.reroute) page.Line("reroute");
  if (d.stat) page.Line("stat " + Quoted(d.stat->value));
  page.Close();
}

void Printer::Limiter(const LimiterDecl& d) {
  Page& page = On(d.header.owner, "limits");
  Comments(page, d.header.span);
  page.Open("limiter " + d.header.name.value);
  page.Line(Server(d.service, d.in_namespace, d.port));
  if (d.timeout) page.Line("timeout " + TextOf(d.timeout->value));
  page.Line(d.allow_on_error ? "on error allow" : "on error deny");
  if (d.domain) page.Line("domain " + Quoted(d.domain->value));
  page.Close();
}

std::string Printer::Entry(const DescriptorEntry& entry) {
  return Quoted(entry.key.value) + (entry.value ? " = " + Quoted(entry.value->value) : "");
}

void Printer::Descriptor(Page& page, const DescriptorDecl& d) {
  std::vector<std::string> entries;
  for (const DescriptorEntry& entry : d.entries) entries.push_back(Entry(entry));
  std::string line = d.set ? "set [" + Joined(entries, ", ") + "]" : Joined(entries, ", ");
  if (d.rate) line += " " + TextOf(*d.rate);
  if (d.unlimited) line += " unlimited";
  if (d.weight) line += fmt::format(" weight {}", d.weight->value);
  if (d.always) line += " always";
  if (d.shadow) line += " shadow";
  if (d.children.empty()) {
    page.Line(line);
    return;
  }
  page.Open(line);
  for (const DescriptorDecl& child : d.children) Descriptor(page, child);
  page.Close();
}

void Printer::Limits(const LimitsDecl& d) {
  Page& page = On(d.header.owner, "limits");
  Comments(page, d.header.span);
  page.Open("limits " + d.header.name.value +
            (d.limiters.empty() ? "" : " for " + Names(d.limiters)));
  for (const DescriptorDecl& descriptor : d.descriptors) Descriptor(page, descriptor);
  page.Close();
}

void Printer::Counter(const CounterDecl& d) {
  Page& page = On(d.header.owner, "limits");
  Comments(page, d.header.span);
  page.Open("counter " + d.header.name.value);
  for (const SendClause& send : d.sends) page.Line(TextOf(send));
  page.Close();
}

std::string Printer::Clause(const AccessClause& clause) {
  std::string text = clause.dry_run ? "dry run " : "";
  text += clause.effect == AccessClause::Effect::kAllow ? "allow" : "deny";
  if (clause.tcp_only) text += " tcp";
  if (!clause.sources.empty()) {
    text += " from " + Sources(clause.sources);
  } else if (!clause.when) {
    text += clause.effect == AccessClause::Effect::kAllow ? " anyone" : " all";
  }
  if (clause.when) text += " when " + PrintCondition(*clause.when);
  return text;
}

std::string Printer::AccessTarget(const AccessDecl& d) {
  using Kind = AccessDecl::TargetKind;
  switch (d.target_kind) {
    case Kind::kService:
      return TextOf(*d.target);
    case Kind::kGateway:
      return "gateway " + TextOf(*d.target);
    case Kind::kWorkspace:
      return "workspace " + TextOf(*d.target);
    case Kind::kServices:
      return "services " + Selections(*d.selected, d.more);
    case Kind::kWorkloads:
      return "workloads " + Selections(*d.selected, d.more);
    case Kind::kMesh:
      return "all";
  }
  return "";
}

void Printer::Access(const AccessDecl& d) {
  Page& page = On(d.header.owner, "access");
  Comments(page, d.header.span);
  page.Open("access " + AccessTarget(d));
  if (d.override_) page.Line("override");
  if (d.priority) page.Line(fmt::format("priority {}", d.priority->value));
  for (const AccessClause& clause : d.clauses) {
    Comments(page, clause.span);
    page.Line(Clause(clause));
  }
  if (d.default_deny) page.Line("default deny");
  Items(page, d.items);
  page.Close();
}

std::string Printer::PolicyTarget(const PolicyDecl& d) {
  const std::string selections = Selections(d.selection, d.more);
  switch (d.on) {
    case PolicyDecl::On::kTemplate:
      return "";
    case PolicyDecl::On::kRoutes:
      return "routes " + selections;
    case PolicyDecl::On::kRouteTargets:
      return "targets of routes " + selections;
    case PolicyDecl::On::kDestinations:
      return "destinations " + selections;
    case PolicyDecl::On::kServices:
      return "services " + selections;
    case PolicyDecl::On::kExternals:
      return "external services " + selections;
    case PolicyDecl::On::kWorkloads:
      return "workloads " + selections;
    case PolicyDecl::On::kGateway:
      if (d.selection.names.size() != 1 || !d.more.empty()) return "gateways " + selections;
      return "gateway " + TextOf(d.selection.names.front());
  }
  return "";
}

void Printer::Policy(const PolicyDecl& d) {
  if (d.on == PolicyDecl::On::kTemplate) return;
  Page& page = On(d.header.owner, "policies");
  Comments(page, d.header.span);
  std::string head = "policy " + d.header.name.value + " on " + PolicyTarget(d);
  if (d.listener) head += fmt::format(" listener {}", d.listener->value);
  page.Open(head);
  Items(page, d.items);
  page.Close();
}

}  // namespace weft::dsl
