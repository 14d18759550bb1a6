#include "relay/process/health.h"

#include <utility>

#include "relay/admin/http.h"

namespace weft::relay {
namespace {

constexpr std::chrono::seconds kHealthPatience{3};
constexpr int kInARow = 3;
constexpr std::size_t kMaxLine = 200;

}  // namespace

Result<HealthWatch> HealthWatch::Make(const std::string& url) {
  const std::string scheme = "http://";
  const std::size_t path = url.find('/', scheme.size());
  const std::string server = url.substr(0, path);
  if (!url.starts_with(scheme) || server.find(':', scheme.size()) == std::string::npos) {
    return Error{"`" + url + "` is not http://host:port/path"};
  }
  return HealthWatch(server, path == std::string::npos ? "/" : url.substr(path));
}

std::string HealthWatch::Look() {
  const Result<HttpResponse> response = Ask(server_, {"GET", target_, ""}, kHealthPatience);
  if (response.ok() && response.value().status / 100 == 2) {
    failures_ = 0;
    return "";
  }
  if (failures_ < kInARow) ++failures_;
  if (failures_ < kInARow) return "";
  if (!response.ok()) return "is not well: " + response.error();
  const std::string& body = response.value().body;
  return "is not well: " + std::to_string(response.value().status) + " " +
         body.substr(0, std::min(body.find('\n'), kMaxLine));
}

}  // namespace weft::relay
