// Conditions as short-circuit code: one step per matcher, each with where to go when it holds and
// when it does not. The code is one run of words that has texts and numbers in it, because a
// decision's time is that of the memory it touches.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/compiled/callers.h"
#include "engine/compiled/patterns.h"
#include "engine/compiled/view.h"
#include "engine/condition.h"

namespace weft::engine::compiled {

// Whether a rule looks at a request, or at a connection that is not HTTP. On a connection no
// matcher of HTTP holds, nor does its negation.
enum class Traffic { kRequest, kConnection };

class Conditions {
 public:
  // Where to enter the code of a condition.
  using Entry = std::uint32_t;
  static constexpr Entry kHolds = 0xffffffff;
  static constexpr Entry kFails = 0xfffffffe;

  // `callers` must admit the peer too, when there are any.
  [[nodiscard]] Entry Compile(const std::vector<CallerSet>& callers, const Condition& condition,
                              Traffic traffic);
  // Thread-safe, without allocation but for values that a route's header operations join.
  [[nodiscard]] bool Holds(Entry entry, const View& view) const;

  [[nodiscard]] IdentityNames& names() { return names_; }
  [[nodiscard]] const IdentityNames& names() const { return names_; }
  [[nodiscard]] Regexes& regexes() { return regexes_; }
  // Some condition looks at the whole identity URI.
  [[nodiscard]] bool needs_uri() const { return needs_uri_; }

 private:
  enum class Kind : std::uint8_t {
    kMethod,  // texts
    kPath,    // patterns
    kHost,    // patterns
    kSni,     // patterns
    kManyPaths,
    kManyHosts,
    kManySnis,
    kHeader,
    kQuery,
    kPort,  // numbers
    kKeys,  // identity keys
    kCaller,
    kSourceIp,
    kRemoteIp,
    kMtls,
    kJwt,
    kClaim
  };
  using Word = std::uint32_t;
  // The first words of a step; its operands follow.
  struct Head {
    Kind kind = Kind::kMtls;
    std::uint32_t operand = 0;  // how many operands, or an index into the vector of the kind
    Entry yes = kHolds;
    Entry no = kFails;
  };
  static constexpr std::size_t kHeadWords = 3;

  struct Named {  // of a header, query parameter or claim
    std::string name;
    PatternSet values;
    JwtId provider;
  };
  using Blocks = std::vector<std::pair<Ip, Ip>>;  // disjoint, sorted, both ends included

  [[nodiscard]] Entry Emit(const Condition& condition, Traffic traffic, bool negated, Entry yes,
                           Entry no);
  [[nodiscard]] Entry EmitMatcher(const Matcher& matcher, Entry yes, Entry no);
  [[nodiscard]] Entry EmitPatterns(Kind few, Kind many, const std::vector<Pattern>& patterns,
                                   Entry yes, Entry no);
  [[nodiscard]] Entry EmitCallers(const std::vector<CallerSet>& sets, Entry yes, Entry no);
  [[nodiscard]] Entry Push(Kind kind, std::size_t operand, Entry yes, Entry no,
                           const std::vector<Word>& operands = {});
  [[nodiscard]] std::size_t AddNamed(std::string name, const std::vector<Pattern>& values,
                                     JwtId provider);
  [[nodiscard]] Head HeadAt(Entry entry) const;
  [[nodiscard]] bool Test(const Head& head, const Word* operands, const View& view) const;
  [[nodiscard]] bool AnyPattern(std::size_t count, const Word* at, std::string_view value) const;
  [[nodiscard]] static bool InBlocks(const Blocks& blocks, const std::optional<Ip>& ip);
  [[nodiscard]] static bool ClaimHolds(const Named& claim, const View& view);

  IdentityNames names_;
  Regexes regexes_;
  bool needs_uri_ = false;
  std::vector<Word> code_;
  std::vector<const re2::RE2*> expressions_;  // of the patterns in the code
  std::vector<PatternSet> patterns_;          // the long ones
  std::vector<Named> named_;
  std::vector<CallerTest> callers_;
  std::vector<Blocks> blocks_;
};

// The name under which a token has the claim.
[[nodiscard]] std::string ClaimName(const std::vector<std::string>& claim);

// Whether only HTTP requests have what the matcher looks at.
[[nodiscard]] bool LooksAtHttp(const Matcher& matcher);

}  // namespace weft::engine::compiled
