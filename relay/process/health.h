// How a cluster's traffic does, by whoever watches it: an HTTP endpoint, such as one of the mesh's
// monitoring.
#pragma once

#include <string>

#include "dsl/result.h"

namespace weft::relay {

// For one thread.
class HealthWatch {
 public:
  // `url` is http://host:port/path. Errors: another form.
  [[nodiscard]] static Result<HealthWatch> Make(const std::string& url);
  // Asks once; 3 s at most for each part of it. What is wrong: the status and the first line of an
  // answer that is not 2xx, or that nobody answers, once that was so three times in a row; "" =
  // well.
  [[nodiscard]] std::string Look();

 private:
  HealthWatch(std::string server, std::string target)
      : server_(std::move(server)), target_(std::move(target)) {}
  std::string server_;  // http://host:port
  std::string target_;
  int failures_ = 0;  // in a row
};

}  // namespace weft::relay
