// The space of requests one question is about: its dimensions, their atoms, and conditions as
// formulas over them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/model.h"
#include "engine/request.h"
#include "verifier/atlas.h"
#include "verifier/formula.h"

namespace weft::verifier {

// Who may send the request; one value of the caller dimension.
struct Candidate {
  engine::WorkloadId source;                 // none: not discovered, or outside
  std::optional<engine::Identity> identity;  // what a server sees; none = clear text
  engine::ClusterId cluster;                 // where the caller is
  engine::WorkspaceId workspace;             // none: outside of every workspace
};

// How a condition sees the request: as it was sent, or as a route has changed it.
struct View {
  const engine::RouteRule* rule = nullptr;  // its rewrite and header changes apply
  std::optional<std::uint16_t> port;        // fixed port; else conditions on ports are refused
  const std::optional<engine::Identity>* peer = nullptr;  // fixed peer; else the caller dimension
  const std::string* host = nullptr;                      // fixed host; else that of the request
};

// What a variable of a space stands for.
struct Axis {
  enum class Kind {
    kCaller,    // one of the candidates
    kText,      // the atoms of `field`
    kClaim,     // whether a claim, a list, has a value of the atom `values[0]`: 0 no, 1 yes
    kToken,     // of provider `id`: 0 absent, 1 valid, 2 invalid
    kAnswer,    // of authorizer `id`: an engine::Answer
    kLimit,     // `id` is 0 not exhausted, 1 exhausted
    kLimiter,   // `id` 0 answers, 1 does not
    kSourceIp,  // addresses
    kRemoteIp
  };
  Kind kind = Kind::kCaller;
  Field field;
  std::uint32_t id = 0;
  VarId var;
  bool optional = false;            // kText: value 0 is absence, `values[i]` is value i + 1
  std::vector<std::string> values;  // of each value one
};

// Built in two passes over the same code: the first collects the patterns of each dimension, the
// second makes formulas over the atoms. Use through Solve of verifier/question.h.
class Space {
 public:
  Space(Formulas& formulas, Atlas& atlas) : formulas_(formulas), atlas_(atlas) {}

  void SetCandidates(const std::vector<Candidate>* candidates);
  // Ends the collecting pass. False when a dimension has no finite atoms (see `reason`).
  [[nodiscard]] bool Freeze();
  [[nodiscard]] bool collecting() const { return collecting_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // Something the formulas cannot express was met; a verdict would be unsound.
  void GiveUp(const std::string& reason);
  [[nodiscard]] bool gave_up() const { return gave_up_; }

  [[nodiscard]] FormulaId Encode(const engine::Condition& condition, const View& view);
  [[nodiscard]] FormulaId Callers(const std::vector<engine::CallerSet>& sets, const View& view);
  // The caller dimension's value satisfies the predicate.
  [[nodiscard]] FormulaId CallerIs(const std::function<bool(const Candidate&)>& predicate);
  // Host of the request is admitted by the language; at gateways.
  [[nodiscard]] FormulaId HostIn(const Pattern& pattern);
  [[nodiscard]] FormulaId SniIn(const Pattern& pattern);
  // State of the provider's token: 0 absent, 1 valid, 2 invalid.
  [[nodiscard]] FormulaId TokenIs(engine::JwtId provider, std::uint32_t state);
  // What external services say is free, but for what is assumed here; call it first in both passes.
  void Assume(engine::Assumptions assumed) { assumed_ = std::move(assumed); }
  [[nodiscard]] FormulaId AnswerIs(engine::AuthorizerId provider, engine::Answer answer);
  [[nodiscard]] FormulaId HasRoom(engine::LimitId limit);
  [[nodiscard]] FormulaId Answers(engine::LimiterId limiter);
  // The request names the host it goes to as its origin; otherwise it names none.
  [[nodiscard]] FormulaId FromHere();

  // The request an assignment stands for. Fields no dimension speaks of keep those of `base`.
  [[nodiscard]] engine::Request Witness(const Assignment& assignment, engine::Request base) const;
  [[nodiscard]] const Candidate* CallerOf(const Assignment& assignment) const;
  // The variables conditions can speak of, by VarId; after Freeze.
  [[nodiscard]] std::vector<Axis> Axes() const;

 private:
  struct Dimension {
    std::map<Language, std::size_t> languages;
    std::shared_ptr<const AtomSet> atoms;
    VarId var;               // claims have a variable for each atom instead
    std::vector<VarId> has;  // claims: the list holds a value of the atom
    bool optional = false;   // value 0 = absent, atom i is value i + 1
  };
  struct Blocks {
    std::set<engine::Cidr> cidrs;
    std::vector<engine::Ip> atoms;
    VarId var;
  };

  FormulaId Match(const engine::Matcher& matcher, const View& view);
  FormulaId In(const Field& field, const Language& language);
  FormulaId AnyIn(const Field& field, const std::vector<Pattern>& patterns);
  FormulaId Paths(const std::vector<Pattern>& patterns, const View& view);
  FormulaId Header(const engine::HeaderMatch& match, const View& view);
  FormulaId Address(Blocks& blocks, const std::vector<engine::Cidr>& cidrs);
  bool FreezeDimension(const Field& field, Dimension& dimension);
  void FreezeBlocks(Blocks& blocks);
  [[nodiscard]] FormulaId Unknown() const { return FormulaId{kCollecting}; }

  static constexpr std::uint32_t kCollecting = 1;  // any formula will do while collecting

  Formulas& formulas_;
  Atlas& atlas_;
  const std::vector<Candidate>* candidates_ = nullptr;
  VarId caller_;
  std::map<Field, Dimension> dimensions_;
  std::map<std::uint32_t, VarId> tokens_;
  engine::Assumptions assumed_;
  std::map<engine::AuthorizerId, VarId> answers_;  // an engine::Answer
  std::map<engine::LimitId, VarId> exhausted_;     // 1 = no room
  std::map<engine::LimiterId, VarId> silent_;      // 1 = does not answer
  std::optional<VarId> from_here_;
  std::set<std::uint32_t> providers_;
  Blocks source_ip_, remote_ip_;
  bool collecting_ = true;
  bool gave_up_ = false;
  std::string reason_;
};

}  // namespace weft::verifier
