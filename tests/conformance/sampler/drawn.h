// Requests drawn at random, of those the lab can send: any caller, any host it may know, values of
// the palette, changes of them, and values of nobody's.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "engine/model.h"
#include "engine/request.h"
#include "tests/conformance/sampler/neighbours.h"
#include "verifier/space.h"

namespace weft::lab {

class RandomRequests {
 public:
  // Model and palette must outlive this. `strangers` are identities without a workload, and none.
  RandomRequests(const engine::Model& model, const Palette& palette,
                 const std::vector<verifier::Candidate>& strangers, unsigned seed);

  // There is something to ask.
  [[nodiscard]] bool Any() const { return !targets_.empty() || !gateways_.empty(); }
  // The next one; a seed always gives the same sequence. Any() must hold.
  [[nodiscard]] engine::Request Next();

 private:
  struct Target {
    engine::Request base;  // host, port, layer
    engine::ClusterId cluster;
    bool service = false;  // has servers that can be reached past all proxies
  };

  void AddTarget(const std::string& host, const engine::ServicePort& port,
                 engine::ClusterId cluster, bool service);
  void AddServices();
  void AddOthers();
  void AddGateways();
  [[nodiscard]] engine::Request Call();
  [[nodiscard]] engine::Request Enter();
  void AddHttp(engine::Request& request);
  [[nodiscard]] std::string Path();
  [[nodiscard]] std::string Changed(std::string path);
  [[nodiscard]] std::string Word();
  // A value of some pattern, or a word.
  [[nodiscard]] std::string ValueOf(const std::vector<std::string>& values);
  [[nodiscard]] std::size_t Below(std::size_t n) { return random_() % n; }
  template <typename T>
  [[nodiscard]] const T& Pick(const std::vector<T>& of) {
    return of[Below(of.size())];
  }

  const engine::Model& model_;
  const Palette& palette_;
  std::mt19937 random_;
  std::vector<Target> targets_;
  std::vector<engine::Request> gateways_;     // a listener of a gateway in a cluster
  std::vector<verifier::Candidate> callers_;  // workloads that call through their proxy
  std::vector<verifier::Candidate> strangers_;
};

}  // namespace weft::lab
