// The agent as a process: the state machine of relay/core/agent.h with its files, its connection
// and its clock.
#pragma once

#include <chrono>
#include <string>

#include "dsl/result.h"

namespace weft::relay {

struct AgentOptions {
  std::string server;         // host:port
  std::string enroll_server;  // host:port
  std::string cluster;
  std::string state;                    // directory
  std::string token_file;               // "" = enrolled before
  std::string ready_file;               // "" = none
  std::string source;                   // directory of manifests
  std::string apply;                    // directory to keep weft.yaml in
  std::chrono::milliseconds settle{0};  // between the steps of a release; 0 = all at once
};

// Runs until SIGTERM or SIGINT. To be called with no other thread running.
[[nodiscard]] Status RunAgent(const AgentOptions& options);

}  // namespace weft::relay
