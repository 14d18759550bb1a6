// Which rule of a site takes a request first, as questions to the solver. A site with few rules is
// one study, in which every rule stands; where there are many, each rule has studies of its own,
// with only those earlier rules that were seen to take something from it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verifier/sites.h"
#include "verifier/work.h"

namespace weft::verifier {

// A request of the kind that was asked for (kSat), none (kUnsat), or why nothing is known.
struct Taken {
  Verdict verdict = Verdict::kUnknown;
  std::optional<engine::Request> request;
  std::string reason;

  [[nodiscard]] bool Sat() const { return verdict == Verdict::kSat; }
};

// The rules of a site by how the paths they match begin. Reads model and site, which must outlive
// it. Thread-safe.
class RuleIndex {
 public:
  RuleIndex(const engine::Model& model, const Site& site);

  // The first rule that takes the request, by the reference evaluator's meaning of conditions; the
  // number of rules when none does.
  [[nodiscard]] std::size_t First(const engine::Request& request) const;
  // Rules after `rule` that may match what it matches, ascending.
  [[nodiscard]] std::vector<std::size_t> MayMeet(std::size_t rule) const;

 private:
  void AddAt(std::string_view beginning, std::vector<std::size_t>& rules) const;

  const engine::Model& model_;
  const Site& site_;
  std::vector<std::vector<std::string>> beginnings_;  // of each rule
  std::map<std::string, std::vector<std::size_t>, std::less<>> rules_;
};

// What the rules of one site decide. Work and site must outlive it. Not thread-safe.
class FirstMatch {
 public:
  virtual ~FirstMatch() = default;
  FirstMatch(const FirstMatch&) = delete;
  FirstMatch& operator=(const FirstMatch&) = delete;

  // Something no rule of the site can be asked about; then the others need not be called.
  [[nodiscard]] virtual std::optional<std::string> Undecidable() const { return std::nullopt; }
  // A request that the rule decides; with `served` one that is served besides.
  [[nodiscard]] virtual Taken Decides(std::size_t rule, bool served) = 0;
  // Earlier rules that take all that `rule` matches, of which it decides nothing: one where one is
  // enough, else no more than needed; none when it matches nothing.
  [[nodiscard]] virtual std::vector<std::size_t> Takers(std::size_t rule) = 0;
  // A request that both rules match.
  [[nodiscard]] virtual Taken Both(std::size_t one, std::size_t other) = 0;
  // Rules after `rule` for which Both may have an answer, ascending.
  [[nodiscard]] virtual std::vector<std::size_t> MayMeet(std::size_t rule) const = 0;

 protected:
  FirstMatch() = default;
};

// For questions about all rules: by Options::rules_together in one study, or each in its own.
[[nodiscard]] std::unique_ptr<FirstMatch> RulesOf(Work& work, const Site& site);
// For questions about a few: each rule in a study of its own.
[[nodiscard]] std::unique_ptr<FirstMatch> EachRuleOf(Work& work, const Site& site);

}  // namespace weft::verifier
