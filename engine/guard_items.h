// What a server enforces besides access: mTLS, tokens, external authorization, limits, code.
// Internal to lowering.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/access_blocks.h"

namespace weft::engine {

class GuardItems {
 public:
  // Lowers every `limit` declaration; reports what it cannot resolve.
  explicit GuardItems(Lowering& l);

  // Adds what policies, the server's own block and the `access` blocks ask for.
  void Apply(const Server& server, const ReachedBlocks& reached, Guard& guard);
  // Adds the check of every token that the guard's rules or the routes of a gateway look at: a
  // condition on a token needs its provider authenticated, without being required.
  void AddTokens(const Server& server, Guard& guard) const;

 private:
  void AddLimits(const dsl::LimitDecl& decl);
  [[nodiscard]] std::vector<RankedItem> ItemsFor(const Server& server,
                                                 const ReachedBlocks& reached);
  void AddOwn(const std::string& ns, const std::string& name, std::vector<RankedItem>& items) const;
  void AddLimitsOf(const std::variant<ServiceId, GatewayId, WorkloadId>& target,
                   Guard& guard) const;
  void AddWorkloadPolicies(const Server& server, std::vector<RankedItem>& items);
  void ApplyMtls(const dsl::MtlsItem& item, Span span, const Server& server, Guard& guard);
  [[nodiscard]] LimitId LimitOf(const dsl::Item& item, const dsl::LimitItem& limit,
                                const Server& server);
  void RequireToken(const dsl::AuthenticateItem& item, Span span, const Server& server,
                    Guard& guard);
  void CollectOfLimits(const std::vector<LimitId>& limits, std::vector<JwtId>& wanted) const;

  Lowering& l_;
  std::map<std::pair<std::string, std::string>, const dsl::ServiceDecl*> services_;
  std::map<std::variant<ServiceId, GatewayId, WorkloadId>, std::vector<LimitId>> limits_;
  std::map<std::pair<const dsl::Item*, std::string>, LimitId> limits_of_items_;
  std::map<Span, std::uint32_t> claims_of_items_;  // denials of requests without claims
};

}  // namespace weft::engine
