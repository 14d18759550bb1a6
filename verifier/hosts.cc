// Hosts: nobody answers for what belongs to another, and no two things answer to one host.
#include <algorithm>
#include <map>
#include <set>

#include "engine/hosts.h"
#include "verifier/codes.h"
#include "verifier/sites.h"
#include "verifier/work.h"

namespace weft::verifier {
namespace {

constexpr const char* kProperty = "hosts";

// A table for sidecars whose host names something of another workspace that is not shared.
void ProveNoHijack(Work& work) {
  std::set<std::pair<const engine::Table*, engine::TargetRef>> reported;
  for (const Site& site : SidecarSites(work.model)) {
    for (const engine::Table* table : site.tables) {
      const auto [owner, granted] = std::visit(
          [&](auto id) {
            const auto& object = work.model[id];
            const bool shared =
                std::any_of(object.grants.begin(), object.grants.end(),
                            [&](const engine::Grant& g) { return g.to == table->workspace; });
            return std::pair(object.workspace, shared);
          },
          *site.target);
      if (owner.IsNone() || owner == table->workspace || granted) continue;
      if (!reported.insert({table, *site.target}).second) continue;
      Diagnostic& d =
          work.Violation(kProperty, work.Workspace(table->workspace), codes::kHostHijack,
                         Severity::kError, table->span,
                         "workspace `" + work.Workspace(table->workspace) + "` redirects `" +
                             work.TargetName(*site.target) + "`, which belongs to `" +
                             work.Workspace(owner) + "` and is not shared");
      d.related.push_back({work.model[owner].span, "the owner"});
      d.help = "remove the route, or let the owner export it";
      const bool allowed = engine::Evaluate(work.model, site.base).AllowedSomewhere();
      work.Witness(site.base, site.target, allowed, allowed);
    }
  }
}

struct Claim {
  std::string what;
  Span span;
};

// Hosts of destinations and externals against one another and against Kubernetes names.
void ProveUnique(Work& work) {
  std::map<std::string, std::vector<Claim>> claims;
  for (const engine::Destination& d : work.model.destinations) {
    for (const std::string& host : d.hosts) {
      claims[host].push_back({"destination `" + d.name + "`", d.span});
    }
  }
  for (const engine::External& e : work.model.externals) {
    std::set<std::string> hosts(e.hosts.begin(), e.hosts.end());
    for (const std::string& host : hosts) {
      claims[host].push_back({"external service `" + e.name + "`", e.span});
    }
  }
  for (const auto& [host, owners] : claims) {
    for (std::size_t i = 1; i < owners.size(); ++i) {
      Diagnostic& d = work.Violation(
          kProperty, host, codes::kHostCollision, Severity::kError, owners[i].span,
          owners[0].what + " and " + owners[i].what + " both answer to `" + host + "`");
      d.related.push_back({owners[0].span, "the other one"});
      d.help = "give one of them another host";
    }
    for (std::uint32_t c = 0; c < work.model.clusters.size(); ++c) {
      const engine::Cluster& cluster = work.model.clusters[c];
      const std::string suffix = ".svc." + cluster.domain;
      if (!host.ends_with(suffix)) continue;
      const auto target = engine::ResolveHost(work.model, host, "", {c});
      const std::string stem = host.substr(0, host.size() - suffix.size());
      const std::size_t dot = stem.find('.');
      if (!target || dot == std::string::npos) continue;
      const engine::ServiceId service =
          work.model.FindService(stem.substr(dot + 1), stem.substr(0, dot));
      if (service.IsNone() || work.model[service].In({c}) == nullptr) continue;
      Diagnostic& d =
          work.Violation(kProperty, host, codes::kHostCollision, Severity::kError, owners[0].span,
                         owners[0].what + " takes the name of a Kubernetes service");
      d.related.push_back({work.model[service].span, "the service"});
      d.clusters = {cluster.name};
      break;
    }
  }
}

// Two gateways on one proxy that claim one port and host.
void ProveListeners(Work& work) {
  for (std::size_t a = 0; a < work.model.gateways.size(); ++a) {
    for (std::size_t b = a + 1; b < work.model.gateways.size(); ++b) {
      const engine::Gateway& first = work.model.gateways[a];
      const engine::Gateway& second = work.model.gateways[b];
      const bool shared =
          std::any_of(first.workloads.begin(), first.workloads.end(), [&](engine::WorkloadId id) {
            return std::find(second.workloads.begin(), second.workloads.end(), id) !=
                   second.workloads.end();
          });
      if (!shared) continue;
      for (const engine::Listener& one : first.listeners) {
        for (const engine::Listener& other : second.listeners) {
          if (one.port != other.port) continue;
          const bool overlap =
              one.hosts.empty() || other.hosts.empty() ||
              std::any_of(one.hosts.begin(), one.hosts.end(), [&](const std::string& h) {
                return std::find(other.hosts.begin(), other.hosts.end(), h) != other.hosts.end();
              });
          if (!overlap) continue;
          Diagnostic& d = work.Violation(kProperty, second.name, codes::kHostCollision,
                                         Severity::kError, other.span,
                                         "gateways `" + first.name + "` and `" + second.name +
                                             "` claim the same hosts on port " +
                                             std::to_string(one.port) + " of the same proxies");
          d.related.push_back({one.span, "the other listener"});
        }
      }
    }
  }
}

}  // namespace

void ProveHosts(Work& work) {
  work.Conclude(kProperty, "mesh", PropertyVerdict::kProved);
  ProveNoHijack(work);
  ProveUnique(work);
  ProveListeners(work);
}

}  // namespace weft::verifier
