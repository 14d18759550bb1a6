// The agent as a process: the state machine of relay/core/agent.h with its files, its connection
// and its clock.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dsl/result.h"

namespace weft::relay {

struct AgentOptions {
  std::vector<std::string> servers;         // host:port; tried in turn
  std::vector<std::string> enroll_servers;  // host:port; tried in turn
  std::string cluster;
  std::string state;       // directory
  std::string token_file;  // "" = enrolled before
  std::string ready_file;  // "" = none
  // A directory (of manifests, to keep weft.yaml in), or a cluster by its kubeconfig; to apply to,
  // the istiods that ask as well.
  struct Place {
    bool cluster = false;
    std::string path;     // of the directory or the kubeconfig; "" = the pod's own account
    std::string address;  // host:port to serve istiods at; "" = not that
  };
  Place source;
  Place apply;
  std::string context;                  // of the kubeconfigs; "" = their current one
  std::string health;                   // HealthWatch's URL; "" = nobody watches
  std::chrono::milliseconds settle{0};  // between the steps of a release; 0 = all at once
};

// Runs until SIGTERM or SIGINT. To be called with no other thread running.
[[nodiscard]] Status RunAgent(const AgentOptions& options);

}  // namespace weft::relay
