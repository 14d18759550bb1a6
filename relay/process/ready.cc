#include "relay/process/ready.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "relay/files/files.h"

namespace weft::relay {

std::string WithPort(const std::string& address, int port) {
  return address.substr(0, address.rfind(':') + 1) + std::to_string(port);
}

Status WriteReady(const ServeOptions& options, const std::string& admin_url) {
  if (options.ready_file.empty()) return Unit{};
  const nlohmann::ordered_json ready = {{"pid", ::getpid()},
                                        {"listen", options.listen},
                                        {"enroll", options.enroll_listen},
                                        {"admin", admin_url}};
  return WriteDurably(options.ready_file, ready.dump() + "\n", 0644);
}

}  // namespace weft::relay
