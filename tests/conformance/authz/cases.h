// Cases of AuthorizationPolicies with the Envoy filters they become.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "dsl/result.h"
#include "dsl/yaml.h"
#include "emit/check/authorization.h"

namespace weft::conformance {

struct Case {
  std::string name;
  bool http = true;
  emit::check::AuthorizationContext context;
  std::vector<emit::check::IstioObject> policies;
  std::vector<yaml::Node> filters;
};

// One file in the format of cases/istio-authz/README.md.
[[nodiscard]] Result<Case> ReadCase(const std::filesystem::path& file);

// The layout of Istio's tests: `cases.tsv` with the columns kind, case, input, expected files
// (comma separated), trust domains as Go arguments, mesh; files beside it. The mesh is only a name
// there, so which providers there are is read off the filters.
[[nodiscard]] Result<std::vector<Case>> ReadCorpus(const std::filesystem::path& directory);

}  // namespace weft::conformance
