// Requests about what a Model names: its hosts, paths, headers, callers, and near misses of them.
#pragma once

#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/request.h"

namespace weft::generate {

class Requests {
 public:
  // The model must outlive this.
  Requests(const engine::Model& model, unsigned seed);

  // The next one; a seed always gives the same sequence. Most are HTTP from a workload to a service
  // on a path some rule looks at, and half of those what one rule allows, as in a mesh at work;
  // some come through gateways, have no identity, or name hosts, ports and paths nobody has.
  [[nodiscard]] engine::Request Next();

 private:
  // What matchers look for, as values that match or nearly do.
  struct Words {
    std::vector<std::string> methods, paths, hosts, snis;
    std::map<std::string, std::vector<std::string>> headers, queries;
    std::map<std::pair<std::uint32_t, std::string>, std::vector<std::string>> claims;
  };
  void Collect(const engine::Condition& condition, Words& words);
  void Collect(const engine::Matcher& matcher, Words& words);
  void AddCaller(engine::Request& request);
  // A workload the rule is for; false when it names none.
  [[nodiscard]] bool AddCallerOf(const engine::AccessRule& rule, engine::Request& request);
  [[nodiscard]] const engine::AccessRule* PickAllowed();
  void AddTarget(engine::Request& request);
  void AddGateway(engine::Request& request);
  void AddHttp(const Words& words, engine::Request& request);
  [[nodiscard]] const Words& WordsFor(const engine::Request& request) const;
  [[nodiscard]] unsigned Below(std::size_t n);
  [[nodiscard]] const std::string& Pick(const std::vector<std::string>& of);

  const engine::Model& model_;
  std::mt19937 random_;
  Words routes_;                                 // of all tables
  std::map<engine::ServiceId, Words> services_;  // of what guards each service
  std::map<engine::ServiceId, std::vector<engine::AccessRuleId>> allowed_;
  std::map<std::pair<std::string, std::string>, std::vector<engine::WorkloadId>> by_account_;
  std::vector<engine::Request> targets_;           // host, port and layer of everything callable
  std::vector<engine::ServiceId> target_service_;  // of each; none
  engine::ServiceId called_;
};

}  // namespace weft::generate
