#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dsl/declarations.h"
#include "dsl/print.h"

namespace weft::dsl {

// Text of one file, before it is formatted.
class Page {
 public:
  void Line(const std::string& line) {
    if (!line.empty()) text_ += line + "\n";
  }
  void Open(const std::string& head) { text_ += head + " {\n"; }
  void Close() { text_ += "}\n"; }
  void Gap() { text_ += "\n"; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Writes the declarations of a program, each on the page it belongs to.
class Printer {
 public:
  explicit Printer(const PrintOptions& options) : options_(options) {}

  std::map<std::string, std::string> Run(const Program& p) {
    Mesh(p);
    for (const auto& d : p.jwts) Jwt(d);
    for (const auto& d : p.authorizers) Authorizer(d);
    for (const auto& d : p.limiters) Limiter(d);
    for (const auto& d : p.limit_trees) Limits(d);
    for (const auto& d : p.counters) Counter(d);
    for (const auto& d : p.gateways) Gateway(d);
    for (const auto& d : p.services) Service(d);
    for (const auto& d : p.externals) External(d);
    for (const auto& d : p.destinations) Destination(d);
    for (const auto& d : p.routes) Route(d);
    for (const auto& d : p.accesses) Access(d);
    for (const auto& d : p.policies) Policy(d);
    for (const auto& d : p.workloads) Workload(d);
    for (const auto& d : p.raws) Raw(d);
    std::map<std::string, std::string> files;
    for (const auto& [path, page] : pages_) files[path] = Formatted(path, page.text());
    return files;
  }

 private:
  // The page a declaration of the owner stands on; begun with its section.
  Page& On(const std::string& owner, const std::string& subject);

  void Comments(Page& page, Span span);

  static void Labels(Page& page, const std::vector<LabelTerm>& labels);

  static void Items(Page& page, const std::vector<Item>& items);

  static std::string Clusters(const std::vector<Name>& clusters);

  // ---- mesh.weft

  void Mesh(const Program& p);

  static void EastWestOf(Page& page, const EastWest& item);

  void Cluster(Page& page, const ClusterDecl& d);

  static std::string Certificate(const CertificateOptions& options);

  static std::string Days(Millis time);

  static std::string Secret(const TrustDecl::Secret& secret);

  void Trust(Page& page, const TrustDecl& d);

  void Lifecycle(Page& page, const LifecycleDecl& d);

  static std::string Namespaces(const NamespaceClause& clause);

  static void Share(Page& page, const ShareClause& clause, const std::string& word);

  void Workspace(Page& page, const WorkspaceDecl& d);

  // ---- providers

  void Jwt(const JwtDecl& d);

  static void Location(Page& page, const JwtDecl::Location& from);

  static void ClaimHeaders(Page& page, const JwtDecl& d);

  static std::string Server(const QName& service, const std::optional<Str>& ns,
                            const std::optional<Port>& port);

  void Authorizer(const AuthorizerDecl& d);

  void Limiter(const LimiterDecl& d);

  static std::string Entry(const DescriptorEntry& entry);

  static void Descriptor(Page& page, const DescriptorDecl& d);

  void Limits(const LimitsDecl& d);

  void Counter(const CounterDecl& d);

  // ---- gateways

  static std::string Accept(const AcceptClause& accept);

  static std::string Expose(const ExposeClause& expose);

  static std::string_view TlsWord(TlsMode mode);

  static std::string_view VersionWord(TlsVersion version);

  static void ListenerOf(Page& page, const Listener& l);

  void Gateway(const GatewayDecl& d);

  // ---- services, externals, destinations

  static std::string PortText(Protocol protocol, const Port& number,
                              const std::optional<Port>& target);

  void Service(const ServiceDecl& d);

  void External(const ExternalDecl& d);

  void Destination(const DestinationDecl& d);

  static std::string_view ClientWord(ClientMode mode);

  // ---- routes

  static std::string Action(const RouteRule& rule);

  static std::string Match(const RouteRule& rule);

  static std::string Sni(const RouteRule& rule);

  void Rule(Page& page, const RouteRule& rule);

  static std::string RouteHead(const RouteDecl& d);

  void Route(const RouteDecl& d);

  // ---- access and policies

  static std::string Clause(const AccessClause& clause);

  static std::string AccessTarget(const AccessDecl& d);

  void Access(const AccessDecl& d);

  static std::string PolicyTarget(const PolicyDecl& d);

  void Policy(const PolicyDecl& d);

  void Workload(const WorkloadDecl& d);

  void Raw(const RawDecl& d);

  static std::string Formatted(const std::string& path, const std::string& text);

  const PrintOptions& options_;
  std::string mesh_ = "mesh";
  std::map<std::string, Page> pages_;
};

}  // namespace weft::dsl
