#include "relay/process/log.h"

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace weft::relay {

void Log(Level level, const std::string& what,
         std::initializer_list<std::pair<const char*, std::string>> fields) {
  using Json = nlohmann::ordered_json;
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
  Json line = {{"time", time},
               {"level", level == Level::kInfo      ? "info"
                         : level == Level::kWarning ? "warning"
                                                    : "error"},
               {"what", what}};
  for (const auto& [key, value] : fields) line[key] = value;
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);  // one write a line: lines do not mix
}

}  // namespace weft::relay
