#include "tests/generate/estate_gloo.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace weft::generate {
namespace {

class GlooWriter {
 public:
  explicit GlooWriter(const Size& size) : o_(size), random_(size.seed) {}

  Estate Write() {
    Estate estate;
    estate.policy["mesh.yaml"] = Mesh();
    for (unsigned w = 0; w < o_.workspaces; ++w) {
      lines_ = 0;
      file_ = fmt::format("w{:03}.yaml", w);
      estate.policy[file_] = Workspace(w);
    }
    for (unsigned c = 0; c < o_.clusters; ++c) {
      estate.inventory[fmt::format("c{}", c)] = InventoryText(o_) + EastWest(c);
    }
    estate.planted = std::move(planted_);
    return estate;
  }

 private:
  unsigned Below(unsigned n) { return static_cast<unsigned>(random_() % n); }

  static std::string Head(const std::string& group, const std::string& kind,
                          const std::string& name, const std::string& ns) {
    return fmt::format(
        "---\napiVersion: {}/v2\nkind: {}\nmetadata:\n  name: {}\n  namespace: {}\nspec:\n", group,
        kind, name, ns);
  }

  // A network for each cluster, with the gateway that others enter it by.
  static std::string EastWest(unsigned cluster) {
    return fmt::format(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: istio-system\n  labels:\n"
        "    topology.istio.io/network: n{0}\n---\n"
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: istio-eastwestgateway\n"
        "  namespace: istio-system\n  labels:\n    istio: eastwestgateway\nspec:\n"
        "  type: LoadBalancer\n  selector:\n    istio: eastwestgateway\n  ports:\n"
        "    - name: tls\n      port: 15443\n      targetPort: 15443\nstatus:\n"
        "  loadBalancer:\n    ingress:\n      - ip: 192.0.2.{1}\n---\n",
        cluster, cluster + 1);
  }

  std::string Mesh() const {
    std::string text = "# applied to cluster: mgmt\n" +
                       Head("admin.gloo.solo.io", "WorkspaceSettings", "global", "gloo-mesh") +
                       "  options:\n    eastWestGateways:\n    - selector:\n        labels:\n"
                       "          istio: eastwestgateway\n";
    for (unsigned c = 0; c < o_.clusters; ++c) {
      text += Head("admin.gloo.solo.io", "KubernetesCluster", fmt::format("c{}", c), "gloo-mesh") +
              "  clusterDomain: cluster.local\n";
    }
    for (unsigned w = 0; w < o_.workspaces; ++w) {
      text += Head("admin.gloo.solo.io", "Workspace", fmt::format("w{:03}", w), "gloo-mesh") +
              fmt::format(
                  "  workloadClusters:\n  - name: '*'\n    namespaces:\n    - name: ns{:03}\n", w);
    }
    return text;
  }

  // Each workspace shares its services with the next one, and is isolated.
  std::string Settings(unsigned w) const {
    const unsigned next = (w + 1) % o_.workspaces;
    const unsigned before = (w + o_.workspaces - 1) % o_.workspaces;
    std::string text = Head("admin.gloo.solo.io", "WorkspaceSettings", fmt::format("w{:03}", w),
                            fmt::format("ns{:03}", w));
    if (o_.workspaces > 1) {
      text += fmt::format(
          "  exportTo:\n  - workspaces:\n    - name: w{:03}\n    resources:\n    - kind: SERVICE\n"
          "  importFrom:\n  - workspaces:\n    - name: w{:03}\n    resources:\n    - kind: "
          "SERVICE\n",
          next, before);
    }
    return text + "  options:\n    serviceIsolation:\n      enabled: true\n";
  }

  std::string Workspace(unsigned w) {
    std::string text;
    Add(text, "# applied to cluster: c0\n" + Settings(w));
    for (unsigned s = w; s < o_.services; s += o_.workspaces) {
      const unsigned objects = o_.rules / o_.services + (s < o_.rules % o_.services ? 1 : 0);
      for (unsigned i = 0; i < objects; ++i) Add(text, Object(w, s, i));
      const unsigned every = std::max(1U, o_.services / std::max(1U, o_.holes));
      if (planted_.size() < o_.holes && s % every == 0 && o_.workspaces > 2) Hole(w, s, text);
    }
    return text;
  }

  void Add(std::string& text, const std::string& more) {
    lines_ += static_cast<unsigned>(std::count(more.begin(), more.end(), '\n'));
    text += more;
  }

  // An AccessPolicy that admits a workspace the service is not exported to.
  void Hole(unsigned w, unsigned s, std::string& text) {
    const unsigned stranger = (w + 2) % o_.workspaces;
    const std::string ns = fmt::format("ns{:03}", w);
    Add(text,
        Head("security.policy.gloo.solo.io", "AccessPolicy", fmt::format("hole-s{:04}", s), ns) +
            ToService(s, ns) + "  config:\n    authzList:\n    - allowedClients:\n");
    planted_.push_back(
        fmt::format("allow-past-export {}:{} w{:03} w{:03}/s{:04}", file_, lines_, stranger, w, s));
    Add(text, fmt::format("      - serviceAccountSelector:\n          namespace: ns{:03}\n"
                          "      allowedPaths: [/hole]\n",
                          stranger));
  }

  static std::string ToService(unsigned s, const std::string& ns) {
    return fmt::format(
        "  applyToDestinations:\n  - selector:\n      name: s{:04}\n      namespace: {}\n", s, ns);
  }
  static std::string ToDestination(unsigned s, const std::string& ns) {
    return fmt::format(
        "  applyToDestinations:\n  - kind: VIRTUAL_DESTINATION\n    selector:\n      name: d{:04}\n"
        "      namespace: {}\n",
        s, ns);
  }
  static std::string ToRoute(unsigned s) {
    return fmt::format("  applyToRoutes:\n  - route:\n      labels:\n        of: s{:04}\n", s);
  }

  std::string Object(unsigned w, unsigned s, unsigned i) {
    const std::string ns = fmt::format("ns{:03}", w);
    const std::string name = fmt::format("s{:04}", s);
    const std::string traffic = "trafficcontrol.policy.gloo.solo.io";
    const std::string resilience = "resilience.policy.gloo.solo.io";
    switch (i) {
      case 1:
        return Head("networking.gloo.solo.io", "VirtualDestination", fmt::format("d{:04}", s), ns) +
               fmt::format(
                   "  hosts:\n  - {}.global\n  services:\n  - name: {}\n    namespace: {}\n"
                   "  ports:\n  - number: 8080\n    protocol: HTTP\n",
                   name, name, ns);
      case 2:
        return Table(s, ns);
      case 3:
        return Head(resilience, "RetryTimeoutPolicy", name, ns) + ToRoute(s) +
               fmt::format(
                   "  config:\n    requestTimeout: {}s\n    retries:\n      attempts: 2\n"
                   "      perTryTimeout: 500ms\n",
                   2 + Below(8));
      case 4:
        return Head(resilience, "FaultInjectionPolicy", name, ns) + ToRoute(s) +
               fmt::format("  config:\n    delay:\n      fixedDelay: {}ms\n      percentage: 1\n",
                           10 + Below(90));
      case 5:
        return Head(resilience, "ConnectionPolicy", name, ns) + ToService(s, ns) +
               fmt::format("  config:\n    tcp:\n      maxConnections: {}\n", 10 + Below(1000));
      case 6:
        return Head(resilience, "FailoverPolicy", name, ns) + ToDestination(s, ns) +
               "  config:\n    localityMappings: []\n";
      case 7:
        return Head(resilience, "OutlierDetectionPolicy", name, ns) + ToDestination(s, ns) +
               "  config:\n    consecutiveErrors: 2\n    interval: 5s\n    baseEjectionTime: 30s\n";
      case 8:
        return Head(traffic, "LoadBalancerPolicy", name, ns) + ToService(s, ns) +
               "  config:\n    simple: LEAST_REQUEST\n";
      case 9:
        return Head(traffic, "HeaderManipulationPolicy", name, ns) + ToRoute(s) +
               fmt::format("  config:\n    appendRequestHeaders:\n      x-hop: {}\n", name);
      default:
        return Access(w, s, i);
    }
  }

  std::string Table(unsigned s, const std::string& ns) {
    std::string text = Head("networking.gloo.solo.io", "RouteTable", fmt::format("t{:04}", s), ns) +
                       fmt::format("  hosts:\n  - s{:04}.{}.svc.cluster.local\n  http:\n", s, ns);
    for (unsigned i = 0; i < 3; ++i) {
      text += fmt::format(
          "  - name: r{}\n    labels:\n      of: s{:04}\n    matchers:\n    - uri:\n"
          "        prefix: /v{}\n    forwardTo:\n      destinations:\n      - ref:\n"
          "          name: s{:04}\n          namespace: {}\n        port:\n          number: "
          "8080\n",
          i, s, i, s, ns);
    }
    return text + fmt::format(
                      "  - name: rest\n    forwardTo:\n      destinations:\n      - ref:\n"
                      "          name: s{:04}\n          namespace: {}\n        port:\n"
                      "          number: 8080\n",
                      s, ns);
  }

  std::string Access(unsigned w, unsigned s, unsigned i) {
    const std::string ns = fmt::format("ns{:03}", w);
    const unsigned next = o_.workspaces > 1 ? (w + 1) % o_.workspaces : w;
    std::string text =
        Head("security.policy.gloo.solo.io", "AccessPolicy",
             i == 0 ? fmt::format("s{:04}", s) : fmt::format("s{:04}-{}", s, i), ns) +
        ToService(s, ns) + "  config:\n    authzList:\n";
    text += fmt::format(
        "    - allowedClients:\n      - serviceAccountSelector:\n          namespace: {0}\n"
        "      allowedPaths: [/v0/res{1}, /v1/res{1}, /v2/res{1}/*, /base{2}/*]\n",
        ns, Below(100), i);
    text += fmt::format(
        "    - allowedClients:\n      - serviceAccountSelector:\n          namespace: ns{:03}\n"
        "      allowedMethods: [GET]\n      allowedPaths: [/open{}/*]\n",
        next, i);
    return text;
  }

  const Size o_;
  std::mt19937 random_;
  std::string file_;
  unsigned lines_ = 0;  // of the file so far
  std::vector<std::string> planted_;
};

}  // namespace

Estate GenerateGloo(Size size) { return GlooWriter(WithDefaults(size)).Write(); }

}  // namespace weft::generate
