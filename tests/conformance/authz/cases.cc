#include "tests/conformance/authz/cases.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "dsl/source.h"

namespace weft::conformance {
namespace {

using emit::check::Provider;
using yaml::Node;

Result<std::vector<Node>> ReadDocuments(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Error{"cannot read " + file.string()};
  std::stringstream text;
  text << in.rdbuf();
  SourceMap sources;
  Diagnostics diagnostics;
  const FileId id = sources.Add(file.string(), text.str(), SourceKind::kYaml);
  std::vector<Node> nodes;
  for (yaml::Document& document : yaml::Parse(sources.Get(id), diagnostics)) {
    nodes.push_back(std::move(document.root));
  }
  if (diagnostics.HasErrors()) {
    return Error{file.string() + ": " + diagnostics.all().front().message};
  }
  return nodes;
}

bool Between(const Node* number, std::int64_t low, std::int64_t high) {
  const auto value = number == nullptr ? std::nullopt : number->AsInt();
  return value && *value >= low && *value <= high;
}

// Whether istiod can use the definition: a service that exists, a port, a status of HTTP, a path.
bool IsUsable(const Node& definition, const Node* services) {
  const std::string service = definition.StringOr("service", "");
  const std::size_t slash = service.find('/');
  const std::string ns = slash == std::string::npos ? "" : service.substr(0, slash);
  const std::string host = slash == std::string::npos ? service : service.substr(slash + 1);
  const bool found =
      services != nullptr &&
      std::any_of(services->items.begin(), services->items.end(), [&](const Node& each) {
        return each.StringOr("host", "") == host &&
               (ns.empty() || each.StringOr("namespace", "") == ns);
      });
  const std::string status = definition.StringOr("statusOnError", "200");
  const bool status_known = status.size() == 3 && status >= "100" && status <= "599";
  const std::string prefix = definition.StringOr("pathPrefix", "/");
  return found && status_known && prefix.starts_with('/') &&
         Between(definition.Find("port"), 1, 65535);
}

void ReadSettings(const Node& settings, Case& read) {
  read.http = settings.StringOr("filter", "http") == "http";
  const std::string domain = settings.StringOr("trustDomain", "");
  if (!domain.empty()) read.context.trust_domains.push_back(domain);
  if (const Node* aliases = settings.Find("trustDomainAliases")) {
    for (const Node& alias : aliases->items) read.context.trust_domains.push_back(alias.text);
  }
  const Node* providers = settings.At("mesh.extensionProviders");
  if (providers == nullptr) return;
  for (const Node& each : providers->items) {
    const Node* http = each.Find("envoyExtAuthzHttp");
    const Node* grpc = each.Find("envoyExtAuthzGrpc");
    const Node* definition = http != nullptr ? http : grpc;
    if (definition == nullptr) continue;
    const std::string name = each.StringOr("name", "");
    Provider provider{.usable = IsUsable(*definition, settings.Find("services")),
                      .tcp = grpc != nullptr};
    // A name given twice is an error of its second bearer, which replaces the first.
    if (read.context.providers.contains(name)) provider.usable = false;
    read.context.providers[name] = provider;
  }
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::stringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

// `td1, []string{"a", "b"}`: the first word, then everything in quotes; in the file quotes are
// doubled and the whole is quoted.
std::vector<std::string> TrustDomains(std::string text) {
  std::erase(text, '"');
  for (char& c : text) {
    if (c == '{' || c == '}' || c == ',') c = ' ';
  }
  std::vector<std::string> domains;
  std::stringstream in(text);
  for (std::string word; in >> word;) {
    if (word != "[]string" && word != "nil") domains.push_back(word);
  }
  return domains;
}

// A provider is usable when the filters ask it; one that only HTTP can ask leaves no filter on TCP.
void GuessProviders(Case& read) {
  const bool asked = std::any_of(read.filters.begin(), read.filters.end(), [](const Node& filter) {
    return filter.StringOr("name", "").ends_with("ext_authz");
  });
  const bool refused = !asked && !read.filters.empty();
  for (const emit::check::IstioObject& policy : read.policies) {
    const Node* name = policy.spec.At("provider.name");
    if (name == nullptr) continue;
    read.context.providers[name->text] = {.usable = !refused, .tcp = asked};
  }
}

Status AddDocuments(const std::filesystem::path& file, Case& read) {
  Result<std::vector<Node>> documents = ReadDocuments(file);
  if (!documents) return Error{documents.error()};
  for (Node& node : documents.value()) {
    if (node.Find("kind") != nullptr) {
      read.policies.push_back(emit::check::PartsOf(node));
    } else {
      read.filters.push_back(std::move(node));
    }
  }
  return Unit{};
}

}  // namespace

Result<Case> ReadCase(const std::filesystem::path& file) {
  Case read{.name = file.stem().string()};
  const Status status = AddDocuments(file, read);
  if (!status) return Error{status.error()};
  if (read.filters.empty() || read.filters.front().Find("filter") == nullptr) {
    return Error{file.string() + ": the first document has no `filter`"};
  }
  ReadSettings(read.filters.front(), read);
  read.filters.erase(read.filters.begin());
  if (read.policies.empty()) return Error{file.string() + ": no policy"};
  return read;
}

Result<std::vector<Case>> ReadCorpus(const std::filesystem::path& directory) {
  std::ifstream in(directory / "cases.tsv");
  if (!in) return Error{"cannot read " + (directory / "cases.tsv").string()};
  std::vector<Case> cases;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<std::string> columns = Split(line, '\t');
    if (columns.size() < 4) continue;
    columns.resize(6);
    Case read{.name = columns[0] + "-" + columns[1], .http = columns[0] == "http"};
    read.context.trust_domains = TrustDomains(columns[4]);
    std::vector<std::string> files = Split(columns[3], ',');
    files.insert(files.begin(), columns[2]);
    for (const std::string& file : files) {
      const Status status = AddDocuments(directory / file, read);
      if (!status) return Error{status.error()};
    }
    GuessProviders(read);
    cases.push_back(std::move(read));
  }
  return cases;
}

}  // namespace weft::conformance
