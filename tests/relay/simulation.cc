#include "tests/relay/simulation.h"

#include <algorithm>
#include <utility>

#include "dsl/overloaded.h"
#include "tests/relay/run.h"

namespace weft::relay::sim {
namespace {

std::string Short(const Digest& digest) { return ToHex(digest).substr(0, 6); }

}  // namespace

std::string Text(const Version& version) {
  return std::to_string(version.term) + "." + std::to_string(version.generation);
}
std::string Text(const Delta& delta) {
  std::string text = Short(delta.parent) + ">" + Short(delta.root);
  for (const ObjectPtr& object : delta.changed) text += " +" + ToText(object->key);
  for (const ObjectKey& key : delta.removed) text += " -" + ToText(key);
  return text;
}
std::string Text(const AgentMessage& message) {
  return std::visit(
      Overloaded{[](const Hello& m) {
                   return "Hello store " + m.store_id + " applied " + Text(m.applied) +
                          " highest " + Text(m.highest) + " root " + Short(m.root);
                 },
                 [](const Holdings& m) { return "Holdings " + Short(m.root); },
                 [](const Contents& m) { return "Contents " + std::to_string(m.objects.size()); },
                 [](const Discovery& m) {
                   return std::string(m.full ? "full " : "") + "Discovery " + Text(m.delta);
                 },
                 [](const Degraded& m) { return "Degraded " + m.reason; },
                 [](const Ack& m) {
                   return "Ack " + Text(m.version) + " phase " +
                          std::to_string(static_cast<int>(m.phase)) + " root " + Short(m.root) +
                          " " + m.reason + " errors " + std::to_string(m.errors.size());
                 },
                 [](const Heartbeat& m) { return "Heartbeat " + m.degraded + m.complaint; },
                 [](const Drift& m) { return "Drift " + std::to_string(m.objects.size()); }},
      message);
}
std::string Text(const ServerMessage& message) {
  return std::visit(
      Overloaded{[](const Welcome& m) { return "Welcome input " + Short(m.input_root); },
                 [](const Offer& m) {
                   return "Offer " + Text(m.version) + " " + Text(m.delta) +
                          (m.permit ? " permit" : "") + (m.adopt.empty() ? "" : " adopt");
                 },
                 [](const Inquire& m) { return "Inquire " + std::to_string(m.wanted.size()); },
                 [](const InputAck& m) { return "InputAck " + Short(m.root); },
                 [](const InputNack& m) { return "InputNack " + m.refused; }},
      message);
}

Report Simulation::Run() {
  for (const std::string& name : world_.clusters()) {
    agents_[name].stepwise = random_.Chance(30);
    After(random_.Between(1, 2000), [this, name] { StartAgent(name); });
  }
  StartServer(0);
  After(Time(0), [this] { TickServers(); });
  After(Time(50), [this] { TickAgents(); });
  After(kCalm, [this] { Disturb(); });
  After(kHealed, [this] { Heal(); });
  After(kHealed + std::chrono::seconds(5), [this] { Tamper(); });
  Time ask{0};
  int calm = 0;
  while (!queue_.empty() && checker_.violation().empty()) {
    std::pop_heap(queue_.begin(), queue_.end());
    const Entry next = std::move(queue_.back());
    queue_.pop_back();
    now_ = next.at;
    next.run();
    if (now_ < kHealed || now_ < ask) continue;
    ask = now_ + std::chrono::seconds(1);
    calm = Converged() ? calm + 1 : 0;
    if (calm == 3) break;
    if (calm == 0) ApproveHolds(100);
    if (now_ > kEnd) TellStatus();
    if (now_ > kEnd) checker_.Fail("I4: clusters do not run what the policy says");
  }
  report_.violation = checker_.violation();
  report_.rollbacks = ring_checker_.rollbacks();
  return report_;
}

Report Simulate(std::uint64_t seed, const Bug& bug, bool verbose) {
  return Simulation(seed, bug, verbose).Run();
}

}  // namespace weft::relay::sim
