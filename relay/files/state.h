// The agent's state directory: last known good in two generations, its identity.
#pragma once

#include <optional>
#include <string>

#include "dsl/result.h"
#include "relay/core/agent.h"
#include "relay/net/client.h"

namespace weft::relay {

// Text with a checksum; anything that is not whole and unchanged does not parse.
[[nodiscard]] std::string ToText(const AgentRecord& record);
[[nodiscard]] Result<AgentRecord> ParseRecord(const std::string& text);

// Not thread-safe.
class StateDirectory {
 public:
  explicit StateDirectory(std::string path) : path_(std::move(path)) {}

  // The newest generation that is whole; nothing when there never was one. An error when there are
  // some and none is whole: somebody has to look.
  [[nodiscard]] Result<std::optional<AgentRecord>> LoadRecord() const;
  // Writes the generation that is not the newest; the newest stays until this one is on disk.
  [[nodiscard]] Status SaveRecord(const AgentRecord& record);

  [[nodiscard]] std::optional<Credentials> LoadCredentials() const;
  [[nodiscard]] Status SaveCredentials(const Credentials& credentials) const;
  // Digest of the token that was used last, so that a used one is not tried again.
  [[nodiscard]] std::string UsedToken() const;
  [[nodiscard]] Status SaveUsedToken(const std::string& digest) const;

 private:
  std::string path_;
};

}  // namespace weft::relay
