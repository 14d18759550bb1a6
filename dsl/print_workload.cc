#include <fmt/format.h>

#include "dsl/item_text.h"
#include "dsl/print_parts.h"
#include "dsl/printer.h"

namespace weft::dsl {
namespace {

std::string LabelBlock(std::string_view head, const std::vector<LabelTerm>& terms) {
  std::string text = std::string(head) + " {";
  for (const LabelTerm& term : terms) text += " " + TextOf(term) + "\n";
  return text + "}";
}

std::string Registered(const WorkloadDecl::Registration& place) {
  return "in " + Quoted(place.in_namespace.value) +
         (place.clusters.empty() ? "" : " on " + Names(place.clusters));
}

std::string IdentityText(const WorkloadDecl::Identity& identity) {
  using Kind = WorkloadDecl::Identity::Kind;
  switch (identity.kind) {
    case Kind::kToken:
      return "identity token " + Quoted(identity.spiffe.value);
    case Kind::kAws:
      return LabelBlock("identity aws", identity.terms);
    case Kind::kGcp:
      return LabelBlock("identity gcp", identity.terms);
    case Kind::kAzure:
      return LabelBlock("identity azure", identity.terms);
  }
  return "";
}

std::string ProbeText(const WorkloadDecl::Probe& probe) {
  using Kind = WorkloadDecl::Probe::Kind;
  std::string head = "ready GET";
  if (probe.kind == Kind::kTcp) head = "ready tcp";
  if (probe.kind == Kind::kExec) head = "ready exec " + Strings(probe.command);
  if (probe.path) head += " " + Quoted(probe.path->value);
  if (probe.port) head += fmt::format(" port {}", probe.port->value);
  if (probe.every) head += " every " + TextOf(probe.every->value);
  if (probe.within) head += " within " + TextOf(probe.within->value);
  Block block;
  block.Number("healthy after", probe.healthy_after)
      .Number("unhealthy after", probe.unhealthy_after)
      .Time("delay", probe.delay)
      .Text("host", probe.host)
      .If(probe.https, "https");
  if (!probe.headers.empty()) block.Line(LabelBlock("headers", probe.headers));
  return block.empty() ? head : block.In(head);
}

}  // namespace

void Printer::Workload(const WorkloadDecl& d) {
  Page& page = On(d.header.owner, "workloads");
  Comments(page, d.header.span);
  page.Open("workload " + d.header.name.value + " " + Registered(d.registered.front()));
  for (const PortDecl& port : d.ports) {
    page.Line(PortText(port.protocol, port.number, port.target));
  }
  for (std::size_t i = 1; i < d.registered.size(); ++i) {
    page.Line("registered " + Registered(d.registered[i]));
  }
  for (const WorkloadDecl::Identity& identity : d.identities) page.Line(IdentityText(identity));
  if (d.account) page.Line("account " + Quoted(d.account->value));
  if (!d.addresses.empty()) {
    std::vector<std::string> blocks;
    for (const Str& address : d.addresses) blocks.push_back(address.value);
    page.Line("addresses [" + Joined(blocks, ", ") + "]");
  }
  if (d.ready) page.Line(ProbeText(*d.ready));
  Labels(page, d.header.labels);
  page.Close();
}

void Printer::Raw(const RawDecl& d) {
  Page& page = On(d.header.owner, "raw");
  const std::string& text = d.text.value;
  const bool block =
      text.find('\n') != std::string::npos && text.find("\"\"\"") == std::string::npos;
  page.Line("raw istio" + Clusters(d.clusters) + " " +
            (block ? "\"\"\"" + text + "\"\"\"" : Quoted(text)));
}

}  // namespace weft::dsl
