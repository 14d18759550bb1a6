// A request described on the command line.
#pragma once

#include <string>
#include <vector>

#include "dsl/result.h"
#include "engine/request.h"

namespace CLI {
class App;
}

namespace weft::cli {

struct RequestFlags {
  std::string from;  // NS/SA[@CLUSTER]; empty = outside
  bool plaintext = false;
  std::string to;  // HOST[:PORT] or gateway:NAME
  std::string method = "GET";
  std::string path = "/";
  std::vector<std::string> headers;  // K=V
  std::string jwt;                   // {"provider": {"claim": value | [values]}}
  std::string source_ip, remote_ip;
  std::vector<std::string> authorizers;  // NAME=allow|deny|unavailable
  std::vector<std::string> silent;       // names of limiters
  std::string after;                     // 100/s
};

void AddRequestFlags(CLI::App& command, RequestFlags& flags);

// The request, with workloads, gateways and providers of the model. The error says which flag
// cannot be understood and what is known.
[[nodiscard]] Result<engine::Request> MakeRequest(const RequestFlags& flags,
                                                  const engine::Model& model);

// A workload of NS/SA[@CLUSTER]; the identity alone when none is discovered.
[[nodiscard]] Result<engine::Request> RequestFrom(const std::string& caller,
                                                  const engine::Model& model);

// Clusters where some workload runs as NS/SA.
[[nodiscard]] std::vector<engine::ClusterId> ClustersOfCaller(const std::string& caller,
                                                              const engine::Model& model);

// What a reader should know of the caller an answer is for: that none is discovered, or that it is
// one of several. "" when there is nothing to say.
[[nodiscard]] std::string NoteOnCaller(const std::string& caller, const engine::Model& model);

}  // namespace weft::cli
