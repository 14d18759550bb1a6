#include "dsl/printer.h"

#include <fmt/format.h>

#include "dsl/overloaded.h"
#include "dsl/print_parts.h"

namespace weft::dsl {

std::string Printer::Server(const QName& service, const std::optional<Str>& ns,
                            const std::optional<Port>& port) {
  std::string text = "service " + TextOf(service);
  if (ns) text += " in " + Quoted(ns->value);
  if (port) text += fmt::format(" port {}", port->value);
  return text;
}

std::string Printer::Accept(const AcceptClause& accept) {
  std::string text = "accept routes from ";
  text += accept.all ? "all" : Names(accept.workspaces);
  if (!accept.labels.empty()) text += " where " + LabelTerms(accept.labels);
  if (!accept.hosts.empty()) text += " for hosts " + Strings(accept.hosts);
  return text;
}

std::string Printer::Expose(const ExposeClause& expose) {
  return "expose external services " + PrintSelection(expose.externals) +
         (expose.hosts.empty() ? "" : " for hosts " + Strings(expose.hosts));
}

std::string_view Printer::TlsWord(TlsMode mode) {
  switch (mode) {
    case TlsMode::kSimple:
      return "simple";
    case TlsMode::kMutual:
      return "mutual";
    case TlsMode::kPassthrough:
      return "passthrough";
    case TlsMode::kAutoPassthrough:
      return "auto-passthrough";
    case TlsMode::kIstioMutual:
      return "istio-mutual";
  }
  return "";
}

std::string_view Printer::VersionWord(TlsVersion version) {
  switch (version) {
    case TlsVersion::kTls10:
      return "1.0";
    case TlsVersion::kTls11:
      return "1.1";
    case TlsVersion::kTls12:
      return "1.2";
    case TlsVersion::kTls13:
      return "1.3";
  }
  return "";
}

void Printer::ListenerOf(Page& page, const Listener& l) {
  page.Open(fmt::format("listen {} {}", l.port.value, TextOf(l.protocol)));
  if (l.name) page.Line("name " + Quoted(l.name->value));
  if (!l.hosts.empty()) page.Line("hosts " + Strings(l.hosts));
  if (l.tls) page.Line("tls " + std::string(TlsWord(l.tls->value)));
  if (l.certificate) page.Line("certificate secret " + Quoted(l.certificate->value));
  if (l.certificate_file && l.key_file) {
    page.Line("certificate file " + Quoted(l.certificate_file->value) + " key " +
              Quoted(l.key_file->value));
  }
  if (l.ca) page.Line("ca secret " + Quoted(l.ca->value));
  if (l.ca_file) page.Line("ca file " + Quoted(l.ca_file->value));
  if (!l.sans.empty()) page.Line("sans " + Strings(l.sans));
  if (l.min_version) page.Line(fmt::format("min tls {}", VersionWord(l.min_version->value)));
  if (l.max_version) page.Line(fmt::format("max tls {}", VersionWord(l.max_version->value)));
  if (!l.ciphers.empty()) page.Line("ciphers " + Strings(l.ciphers));
  if (!l.curves.empty()) page.Line("curves " + Strings(l.curves));
  if (l.redirect_https) page.Line("redirect https");
  for (const AcceptClause& accept : l.accepts) page.Line(Accept(accept));
  for (const ExposeClause& expose : l.exposes) page.Line(Expose(expose));
  page.Close();
}

void Printer::Gateway(const GatewayDecl& d) {
  Page& page = On(d.header.owner, "gateways");
  Comments(page, d.header.span);
  page.Open("gateway " + d.header.name.value +
            (d.in_namespace ? " in " + Quoted(d.in_namespace->value) : "") + Clusters(d.clusters));
  Labels(page, d.header.labels);
  page.Line("select " + LabelBlock(d.select));
  for (const Listener& listener : d.listeners) ListenerOf(page, listener);
  for (const AcceptClause& accept : d.accepts) page.Line(Accept(accept));
  for (const ExposeClause& expose : d.exposes) page.Line(Expose(expose));
  Items(page, d.items);
  page.Close();
}

std::string Printer::PortText(Protocol protocol, const Port& number,
                              const std::optional<Port>& target) {
  return fmt::format("port {} {}", TextOf(protocol), number.value) +
         (target ? fmt::format(" target {}", target->value) : "");
}

void Printer::Service(const ServiceDecl& d) {
  Page& page = On(d.header.owner, "services");
  Comments(page, d.header.span);
  page.Open("service " + d.header.name.value + " in " + Quoted(d.in_namespace.value) +
            Clusters(d.clusters));
  Labels(page, d.header.labels);
  for (const PortDecl& port : d.ports) page.Line(PortText(port.protocol, port.number, port.target));
  for (const SubsetDecl& subset : d.subsets) {
    page.Line("subset " + subset.name.value + " " + LabelBlock(subset.labels));
  }
  Items(page, d.items);
  page.Close();
}

void Printer::External(const ExternalDecl& d) {
  Page& page = On(d.header.owner, "externals");
  Comments(page, d.header.span);
  page.Open("external " + d.header.name.value);
  Labels(page, d.header.labels);
  if (!d.hosts.empty()) page.Line("hosts " + Strings(d.hosts));
  std::vector<std::string> addresses;
  for (const Str& address : d.addresses) addresses.push_back(address.value);
  if (!addresses.empty()) page.Line("addresses [" + Joined(addresses, ", ") + "]");
  for (const ExternalPort& port : d.ports) {
    page.Line(PortText(port.protocol, port.number, port.target));
    if (port.tls) page.Line(PrintItem({.value = *port.tls}));
  }
  for (const ExternalEndpoint& endpoint : d.endpoints) {
    page.Line("endpoint " + Quoted(endpoint.address.value) +
              (endpoint.port ? fmt::format(" port {}", endpoint.port->value) : "") +
              (endpoint.region ? " in region " + Quoted(endpoint.region->value) : "") +
              (endpoint.zone ? " in zone " + Quoted(endpoint.zone->value) : ""));
  }
  if (!d.sans.empty()) page.Line("sans " + Strings(d.sans));
  if (d.via) {
    page.Line("via " + TextOf(*d.via) +
              (d.via_port ? fmt::format(" port {}", d.via_port->value) : ""));
  }
  Items(page, d.items);
  page.Close();
}

void Printer::Destination(const DestinationDecl& d) {
  Page& page = On(d.header.owner, "destinations");
  Comments(page, d.header.span);
  page.Open("destination " + d.header.name.value + " at " +
            (d.hosts.size() == 1 ? Quoted(d.hosts.front().value) : Strings(d.hosts)));
  Labels(page, d.header.labels);
  for (const BackingClause& backing : d.backs) {
    page.Line(backing.services ? "backs services " + PrintSelection(*backing.services)
                               : "backs " + TextOf(backing.service) + Clusters(backing.clusters));
  }
  for (const QName& external : d.externals) page.Line("backs external " + TextOf(external));
  for (const PortDecl& port : d.ports) page.Line(PortText(port.protocol, port.number, port.target));
  if (d.client) page.Line("client " + std::string(ClientWord(d.client->value)));
  Items(page, d.items);
  page.Close();
}

std::string_view Printer::ClientWord(ClientMode mode) {
  switch (mode) {
    case ClientMode::kAuto:
      return "auto";
    case ClientMode::kSniRouting:
      return "sni routing";
    case ClientMode::kTlsTermination:
      return "tls termination";
  }
  return "";
}

std::string Printer::Action(const RouteRule& rule) {
  return std::visit(Overloaded{
                        [](const ForwardAction& a) {
                          std::vector<std::string> targets;
                          for (const Target& target : a.to) targets.push_back(TextOf(target));
                          return Joined(targets, ", ");
                        },
                        [](const RedirectAction& a) {
                          std::string text = "redirect";
                          if (a.https) text += " to https";
                          if (a.host) text += " host " + Quoted(a.host->value);
                          if (a.path) text += " path " + Quoted(a.path->value);
                          if (a.port) text += fmt::format(" port {}", a.port->value);
                          if (a.code) text += fmt::format(" code {}", a.code->value);
                          return text;
                        },
                        [](const RespondAction& a) {
                          return fmt::format("respond {}", a.status.value) +
                                 (a.body ? " " + Quoted(a.body->value) : "");
                        },
                        [](const DelegateAction& a) {
                          std::string text = "delegate to tables " + PrintSelection(a.tables);
                          for (const Selection& more : a.more)
                            text += " or tables " + PrintSelection(more);
                          if (a.by_specificity) text += " by specificity";
                          if (a.by_weight) text += " by weight";
                          return text;
                        },
                    },
                    rule.action);
}

std::string Printer::Match(const RouteRule& rule) {
  std::string text;
  const auto add = [&](std::string part) {
    if (!part.empty()) text += (text.empty() ? "" : " ") + std::move(part);
  };
  if (rule.name) add("rule " + rule.name->value + ":");
  for (const LabelTerm& label : rule.labels) add("label " + TextOf(label));
  if (rule.layer == RouteRule::Layer::kTcp) add("tcp");
  if (rule.layer == RouteRule::Layer::kTls) add("tls sni " + Sni(rule));
  if (rule.port) add(fmt::format("port {}", rule.port->value));
  if (rule.when) add("when " + PrintCondition(*rule.when));
  return text;
}

std::string Printer::Sni(const RouteRule& rule) {
  std::vector<std::string> hosts;
  for (const auto& pattern : rule.sni) {
    hosts.push_back(std::visit(Overloaded{
                                   [](const Exact& p) { return Quoted(p.value); },
                                   [](const Suffix& p) { return Quoted("*" + p.value); },
                                   [](const auto&) { return Quoted("*"); },
                               },
                               pattern.value));
  }
  return hosts.empty() ? Quoted("*") : ListOf(hosts);
}

void Printer::Rule(Page& page, const RouteRule& rule) {
  Comments(page, rule.span);
  const std::string match = Match(rule);
  const std::string head = match + (match.empty() ? "-> " : " -> ") + Action(rule);
  if (rule.items.empty()) {
    page.Line(head);
    return;
  }
  page.Open(head);
  Items(page, rule.items);
  page.Close();
}

std::string Printer::RouteHead(const RouteDecl& d) {
  if (d.is_table) return "table " + d.header.name.value;
  std::vector<std::string> places;
  for (const QName& gateway : d.gateways) places.push_back(TextOf(gateway));
  if (d.workloads) {
    places.push_back("workloads " + PrintSelection(*d.workloads));
  } else if (d.on_sidecars) {
    places.emplace_back("sidecars");
  }
  std::string head = "route " + d.header.name.value + " on " + Joined(places, " and ") + " for ";
  return head + (d.hosts.size() == 1 ? Quoted(d.hosts.front().value) : Strings(d.hosts));
}

void Printer::Route(const RouteDecl& d) {
  Page& page = On(d.header.owner, "routes");
  Comments(page, d.header.span);
  page.Open(RouteHead(d));
  Labels(page, d.header.labels);
  if (d.weight) page.Line(fmt::format("weight {}", d.weight->value));
  if (d.on_invalid) {
    page.Line(d.on_invalid->value == OnInvalid::kFreeze ? "on invalid freeze"
                                                        : "on invalid replace");
  }
  for (const RouteRule& rule : d.rules) Rule(page, rule);
  Items(page, d.items);
  page.Close();
}

}  // namespace weft::dsl
