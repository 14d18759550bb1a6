#include "emit/check/route_decisions.h"

#include <algorithm>

#include "emit/check/match_condition.h"
#include "emit/check/route_effect.h"
#include "emit/check/strings.h"

namespace weft::emit::check {
namespace {

using engine::Condition;
using engine::Layer;

const char* ListOf(Layer layer) {
  switch (layer) {
    case Layer::kHttp:
      return "http";
    case Layer::kTls:
      return "tls";
    case Layer::kTcp:
      return "tcp";
  }
  return "";
}

// The routes of the layer, where some of them is for such a client at all: else the host's usual
// route is taken.
const yaml::Node* RoutesFor(const IstioObject& service, const Client& client,
                            const RoutePlaceOf& place) {
  const yaml::Node* routes = service.spec.Find(ListOf(place.layer));
  if (routes == nullptr) return nullptr;
  const bool any =
      std::any_of(routes->items.begin(), routes->items.end(), [&](const yaml::Node& route) {
        const yaml::Node* matches = route.Find("match");
        return matches == nullptr || matches->items.empty() ||
               std::any_of(
                   matches->items.begin(), matches->items.end(),
                   [&](const yaml::Node& match) { return FitsPlace(match, client, place.port); });
      });
  return any ? routes : nullptr;
}

void Finish(RouteEffect effect, RouteDecision& decision) {
  decision.choices.push_back(
      {.when = Condition::True(), .effect = std::move(effect), .object = nullptr, .span = {}});
}

}  // namespace

Routes::Routes(const Mesh& mesh, const ObjectIndex& index, const Registry& registry)
    : mesh_(mesh), index_(index), registry_(registry) {
  for (std::uint32_t c = 0; c < mesh.world.clusters.size(); ++c) {
    Claims& claims = claims_.emplace_back();
    for (const IstioObject* service : OfKind(mesh, {c}, "VirtualService")) {
      const yaml::Node* hosts = service->spec.Find("hosts");
      if (hosts == nullptr) continue;
      std::vector<std::string> gateways;
      if (const yaml::Node* list = service->spec.Find("gateways")) {
        for (const yaml::Node& g : list->items) {
          const bool whole = g.text == "mesh" || g.text.find('/') != std::string::npos;
          gateways.push_back(whole ? g.text : service->ns + "/" + g.text);
        }
      }
      if (gateways.empty()) gateways.emplace_back("mesh");
      for (const std::string& gateway : gateways) {
        for (const yaml::Node& h : hosts->items) claims[gateway].push_back({h.text, service});
      }
    }
    for (auto& [gateway, list] : claims) {
      std::stable_sort(list.begin(), list.end(),
                       [](const Claim& a, const Claim& b) { return a.host < b.host; });
    }
  }
}

// The one whose host fits best. Where several have it, their age decides, which is not known here.
const IstioObject* Routes::ServiceFor(const Client& client, const std::string& host,
                                      RouteDecision& decision) const {
  const Claims& claims = claims_[client.cluster.index()];
  const auto at = claims.find(client.gateway);
  if (at == claims.end()) return nullptr;
  const IstioObject* best = nullptr;
  const auto take = [&](const std::string& pattern) {
    auto claim = std::lower_bound(at->second.begin(), at->second.end(), pattern,
                                  [](const Claim& c, const std::string& h) { return c.host < h; });
    for (; claim != at->second.end() && claim->host == pattern; ++claim) {
      if (!Exported(*claim->object, client.ns)) continue;
      if (best != nullptr && best != claim->object) {
        decision.unsaid.push_back({claim->object, claim->object->span,
                                   "`" + best->name + "` and `" + claim->object->name +
                                       "` are for `" + pattern + "`; their age decides"});
      }
      if (best == nullptr) best = claim->object;
    }
    return best != nullptr;
  };
  if (take(host)) return best;
  // Longer wildcards first.
  for (std::size_t dot = 1; dot < host.size(); ++dot) {
    if (host[dot] == '.' && take("*" + host.substr(dot))) return best;
  }
  (void)take("*");
  return best;
}

void Routes::AddRoutes(const IstioObject& service, const Client& client, const RoutePlaceOf& place,
                       RouteDecision& decision) const {
  const yaml::Node* routes = service.spec.Find(ListOf(place.layer));
  const bool http = place.layer == Layer::kHttp;
  if (routes != nullptr) {
    for (const yaml::Node& route : routes->items) {
      if (route.Find("delegate") != nullptr) {
        decision.unsaid.push_back({&service, route.span, "a delegate"});
        continue;
      }
      const auto effect = [&](const yaml::Node* match) {
        return http ? EffectOf(route, match, registry_, client, place.port)
                    : RawEffectOf(route, registry_, client, place.port);
      };
      const yaml::Node* matches = route.Find("match");
      if (matches == nullptr || matches->items.empty()) {
        decision.choices.push_back({Condition::True(), effect(nullptr), &service, route.span});
        continue;
      }
      for (const yaml::Node& match : matches->items) {
        if (!FitsPlace(match, client, place.port)) continue;
        std::string unsaid;
        auto when = http ? HttpCondition(match, unsaid) : RawCondition(match, unsaid);
        if (!when) {
          decision.unsaid.push_back(
              {&service, match.span, "weft has no words for `" + unsaid + "`"});
          continue;
        }
        decision.choices.push_back({std::move(*when), effect(&match), &service, match.span});
      }
    }
  }
  Finish(Answer("404 "), decision);
  decision.choices.back().object = &service;
  decision.choices.back().span = service.span;
}

RouteDecision Routes::AtSidecar(const Client& client, const RoutePlaceOf& place) const {
  RouteDecision decision;
  const Host* host = registry_.Find(client.cluster, client.ns, place.host);
  if (host == nullptr) {
    const Host* outside = registry_.Named(client.cluster, place.host);
    const bool passes = outside != nullptr && LiesOutside(*outside) && !RegistryOnly(mesh_, client);
    Finish(passes ? ToHost(outside->name, place.port) : Answer("unknown"), decision);
    return decision;
  }
  const IstioObject* service = ServiceFor(client, host->name, decision);
  if (service != nullptr && RoutesFor(*service, client, place) != nullptr) {
    AddRoutes(*service, client, place, decision);
    return decision;
  }
  Finish(ToHost(host->name, place.port), decision);
  return decision;
}

RouteDecision Routes::AtGateway(const Client& client, const std::string& name, bool tls,
                                const RoutePlaceOf& place) const {
  RouteDecision decision;
  const IstioObject* gateway = nullptr;
  for (const IstioObject* object : index_.In(client.cluster, "Gateway", client.ns)) {
    if (object->name == name) gateway = object;
  }
  const yaml::Node* servers = gateway == nullptr ? nullptr : gateway->spec.Find("servers");
  const yaml::Node* best = nullptr;
  const yaml::Node* other = nullptr;
  std::size_t fit = 0;
  if (servers != nullptr) {
    for (const yaml::Node& server : servers->items) {
      const yaml::Node* number = server.At("port.number");
      const yaml::Node* hosts = server.Find("hosts");
      if (number == nullptr || hosts == nullptr || number->AsInt() != place.port ||
          (server.At("tls.mode") != nullptr) != tls) {
        continue;
      }
      for (const yaml::Node& h : hosts->items) {
        const std::size_t here = HostFit(h.text.substr(h.text.find('/') + 1), place.host);
        if (here <= fit) continue;
        fit = here;
        best = &server;
      }
      if (other == nullptr) other = &server;
    }
  }
  const bool by_port = !tls && place.layer == Layer::kHttp;
  const yaml::Node* server = best == nullptr && by_port ? other : best;
  const auto finish = [&](RouteEffect effect, const IstioObject* object, Span span) {
    Finish(std::move(effect), decision);
    decision.choices.back().object = object;
    decision.choices.back().span = span;
  };
  if (server == nullptr) {
    finish(Answer("unknown"), gateway, gateway == nullptr ? Span{} : gateway->span);
    return decision;
  }
  const IstioObject* service = best == nullptr ? nullptr : ServiceFor(client, place.host, decision);
  const yaml::Node* redirect = server->At("tls.httpsRedirect");
  if (service == nullptr) {
    finish(Answer("404 "), gateway, server->span);
  } else if (place.layer == Layer::kHttp && redirect != nullptr && redirect->AsBool() == true) {
    finish(Answer("to https"), gateway, server->span);
  } else {
    AddRoutes(*service, client, place, decision);
  }
  return decision;
}

std::set<std::string> Routes::HostsAt(engine::ClusterId cluster, const std::string& gateway) const {
  std::set<std::string> hosts;
  const Claims& claims = claims_[cluster.index()];
  if (const auto at = claims.find(gateway); at != claims.end()) {
    for (const Claim& claim : at->second) hosts.insert(claim.host);
  }
  const std::size_t slash = gateway.find('/');
  for (const IstioObject* object : index_.In(cluster, "Gateway", gateway.substr(0, slash))) {
    const yaml::Node* servers = object->spec.Find("servers");
    if (object->name != gateway.substr(slash + 1) || servers == nullptr) continue;
    for (const yaml::Node& server : servers->items) {
      const yaml::Node* list = server.Find("hosts");
      if (list == nullptr) continue;
      for (const yaml::Node& h : list->items) hosts.insert(h.text.substr(h.text.find('/') + 1));
    }
  }
  return hosts;
}

bool Routes::IsClaimed(engine::ClusterId cluster, const std::string& host) const {
  const Claims& claims = claims_[cluster.index()];
  const auto at = claims.find("mesh");
  if (at == claims.end()) return false;
  const auto has = [&](const std::string& pattern) {
    const auto claim =
        std::lower_bound(at->second.begin(), at->second.end(), pattern,
                         [](const Claim& c, const std::string& h) { return c.host < h; });
    return claim != at->second.end() && claim->host == pattern;
  };
  if (has(host) || has("*")) return true;
  for (std::size_t dot = 1; dot < host.size(); ++dot) {
    if (host[dot] == '.' && has("*" + host.substr(dot))) return true;
  }
  return false;
}

bool Routes::LooksAtLabels(engine::ClusterId cluster) const {
  for (const IstioObject* service : OfKind(mesh_, cluster, "VirtualService")) {
    for (const char* list : {"http", "tls", "tcp"}) {
      const yaml::Node* routes = service->spec.Find(list);
      if (routes == nullptr) continue;
      for (const yaml::Node& route : routes->items) {
        const yaml::Node* matches = route.Find("match");
        if (matches == nullptr) continue;
        for (const yaml::Node& match : matches->items) {
          if (match.Find("sourceLabels") != nullptr) return true;
        }
      }
    }
  }
  return false;
}

}  // namespace weft::emit::check
