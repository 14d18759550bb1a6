// What the proxies of each cluster know by name, looked up fast: as HostNamed and FindHost of
// client.h, for proofs that ask about every name.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "emit/check/client.h"
#include "emit/check/decisions.h"

namespace weft::emit::check {

class Registry {
 public:
  Registry(const Mesh& mesh, const ObjectIndex& index);

  // A host by its full name; nullptr = not in the registry.
  [[nodiscard]] const Host* Named(engine::ClusterId cluster, const std::string& name) const;
  // What `host` names for a client in `ns`; nullptr = nothing it knows.
  [[nodiscard]] const Host* Find(engine::ClusterId cluster, const std::string& ns,
                                 const std::string& host) const;

 private:
  struct Known {
    std::map<std::string, Host> exact;
    std::vector<std::pair<std::string, const IstioObject*>> wild;  // of ServiceEntries
  };

  const Mesh& mesh_;
  const ObjectIndex& index_;
  mutable std::vector<Known> clusters_;  // hosts of wildcards are added as they are asked for
};

}  // namespace weft::emit::check
