#include "relay/kube/access.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <utility>
#include <vector>

#include "dsl/source.h"
#include "dsl/yaml.h"
#include "relay/files/files.h"

namespace weft::relay::kube {
namespace {

namespace fs = std::filesystem;

Result<std::string> FromBase64(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  if (text.empty() || text.size() % 4 != 0) return Error{"it is not base64"};
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return Error{"it is not base64"};
  const auto padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(size - padding));
  return bytes;
}

// The part of the entry called `name` in the list `list`.
const yaml::Node* Named(const yaml::Node& root, const char* list, const std::string& name,
                        const char* part) {
  const yaml::Node* items = root.Find(list);
  if (items == nullptr) return nullptr;
  for (const yaml::Node& item : items->items) {
    if (item.StringOr("name", "") == name) return item.Find(part);
  }
  return nullptr;
}

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), folder_(fs::path(path).parent_path()) {}

  Result<Access> Read(const yaml::Node& root, std::string context) {
    if (context.empty()) context = root.StringOr("current-context", "");
    if (context.empty()) return Fail("it has no current-context: name one with --context");
    const yaml::Node* of = Named(root, "contexts", context, "context");
    if (of == nullptr) return Fail("it has no context `" + context + "`");
    const yaml::Node* cluster = Named(root, "clusters", of->StringOr("cluster", ""), "cluster");
    if (cluster == nullptr) return Fail("context `" + context + "` names no cluster of it");
    const yaml::Node* user = Named(root, "users", of->StringOr("user", ""), "user");
    if (user == nullptr) return Fail("context `" + context + "` names no user of it");
    Status read = ReadCluster(*cluster);
    if (read.ok()) read = ReadUser(*user);
    if (!read.ok()) return Fail(read.error());
    return std::move(access_);
  }

  [[nodiscard]] Error Fail(const std::string& why) const {
    return Error{"kubeconfig `" + path_ + "`: " + why};
  }

 private:
  Status ReadCluster(const yaml::Node& cluster) {
    access_.server = cluster.StringOr("server", "");
    while (access_.server.ends_with('/')) access_.server.pop_back();
    if (!access_.server.starts_with("https://")) {
      return Error{"its server is `" + access_.server + "`; weft speaks https only"};
    }
    const yaml::Node* insecure = cluster.Find("insecure-skip-tls-verify");
    if (insecure != nullptr && insecure->AsBool().value_or(true)) {
      return Error{
          "insecure-skip-tls-verify would let anyone be the API server; give it "
          "certificate-authority-data"};
    }
    access_.server_name = cluster.StringOr("tls-server-name", "");
    access_.proxy = cluster.StringOr("proxy-url", "");
    return ReadPart(cluster, "certificate-authority", access_.ca);
  }

  Status ReadUser(const yaml::Node& user) {
    for (const char* unknown : {"exec", "auth-provider", "username", "password", "as"}) {
      if (user.Find(unknown) == nullptr) continue;
      return Error{std::string("its user signs in by `") + unknown +
                   "`, which weft does not: give it a token, a tokenFile or a client certificate"};
    }
    for (const auto& [name, part] : std::initializer_list<std::pair<const char*, Access::Part*>>{
             {"client-certificate", &access_.certificate}, {"client-key", &access_.key}}) {
      const Status read = ReadPart(user, name, *part);
      if (!read.ok()) return read;
    }
    if (access_.certificate.empty() != access_.key.empty()) {
      return Error{"its user has a client certificate without its key, or a key alone"};
    }
    access_.token.text = user.StringOr("token", "");
    if (const yaml::Node* file = user.Find("tokenFile")) access_.token.file = PathOf(file->text);
    return Unit{};
  }

  // `name`-data goes before the file `name`.
  Status ReadPart(const yaml::Node& node, const std::string& name, Access::Part& part) const {
    if (const yaml::Node* data = node.Find(name + "-data")) {
      Result<std::string> text = FromBase64(data->text);
      if (!text.ok()) return Error{name + "-data: " + text.error()};
      part.text = std::move(text).value();
    } else if (const yaml::Node* file = node.Find(name)) {
      part.file = PathOf(file->text);
    }
    return Unit{};
  }
  [[nodiscard]] std::string PathOf(const std::string& path) const {
    return path.empty() ? "" : (folder_ / path).string();
  }

  std::string path_;
  fs::path folder_;
  Access access_;
};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Result<Access> ReadKubeconfig(const std::string& path, const std::string& context) {
  Result<std::string> text = ReadWhole(path);
  if (!text.ok()) return Error{text.error()};
  const Source source{FileId{0}, path, std::move(text).value(), SourceKind::kYaml};
  Diagnostics diagnostics;
  const std::vector<yaml::Document> documents = yaml::Parse(source, diagnostics);
  Reader reader(path);
  if (diagnostics.HasErrors()) return reader.Fail(diagnostics.all().front().message);
  if (documents.size() != 1 || !documents.front().root.IsMapping()) {
    return reader.Fail("it is not one YAML mapping");
  }
  return reader.Read(documents.front().root, context);
}

Result<Access> InCluster(const std::string& account) {
  const std::string host = Environment("KUBERNETES_SERVICE_HOST");
  const std::string port = Environment("KUBERNETES_SERVICE_PORT");
  if (host.empty() || port.empty()) {
    return Error{"this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"};
  }
  const bool v6 = host.find(':') != std::string::npos;
  Access access{.server = "https://" + (v6 ? "[" + host + "]" : host) + ":" + port};
  access.ca.file = account + "/ca.crt";
  access.token.file = account + "/token";
  for (const std::string& file : {access.ca.file, access.token.file}) {
    std::error_code error;
    if (!fs::exists(file, error)) return Error{"the pod's service account lacks `" + file + "`"};
  }
  return access;
}

Result<Access> FindAccess(const std::string& kubeconfig, const std::string& context) {
  if (!kubeconfig.empty()) return ReadKubeconfig(kubeconfig, context);
  if (!Environment("KUBERNETES_SERVICE_HOST").empty()) return InCluster();
  const std::string named = Environment("KUBECONFIG");
  return ReadKubeconfig(named.empty() ? Environment("HOME") + "/.kube/config" : named, context);
}

}  // namespace weft::relay::kube
