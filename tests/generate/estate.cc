#include "tests/generate/estate.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

namespace weft::generate {
namespace {

// Text that knows its line, so that planted holes can be named.
class Text {
 public:
  unsigned Line(const std::string& line) {
    text_ += line + "\n";
    return ++lines_;
  }
  [[nodiscard]] const std::string& str() const { return text_; }

 private:
  std::string text_;
  unsigned lines_ = 0;
};

class Writer {
 public:
  explicit Writer(const Size& size) : o_(size), random_(size.seed) {}

  Estate Write() {
    Estate estate;
    estate.policy["mesh.weft"] = Mesh();
    for (unsigned w = 0; w < o_.workspaces; ++w) {
      estate.policy[fmt::format("w{:03}.weft", w)] = Workspace(w);
    }
    for (unsigned c = 0; c < o_.clusters; ++c) {
      estate.inventory[fmt::format("c{}", c)] = Inventory();
    }
    estate.planted = std::move(planted_);
    return estate;
  }

  [[nodiscard]] std::string Inventory() const {
    std::string y;
    for (unsigned w = 0; w < o_.workspaces; ++w) {
      y += fmt::format(
          "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns{:03}\n  labels:\n"
          "    istio-injection: enabled\n---\n",
          w);
    }
    if (o_.gateway_routes > 0) {
      y += "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: edge\n  labels:\n    "
           "istio-injection: "
           "enabled\n---\n" +
           Deployment("edge", "front", "istio: front");
    }
    for (unsigned s = 0; s < o_.services; ++s) {
      const std::string ns = fmt::format("ns{:03}", Owner(s));
      const std::string name = fmt::format("s{:04}", s);
      y += fmt::format(
          "apiVersion: v1\nkind: Service\nmetadata:\n  name: {0}\n  namespace: {1}\nspec:\n  "
          "selector:\n"
          "    app: {0}\n  ports:\n    - name: http\n      port: 8080\n      targetPort: "
          "8080\n---\n",
          name, ns);
      y += Deployment(ns, name, "app: " + name);
    }
    return y;
  }

 private:
  unsigned Below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  [[nodiscard]] unsigned Owner(unsigned service) const { return service % o_.workspaces; }

  std::string Mesh() {
    Text t;
    t.Line("mesh synthetic");
    t.Line("");
    for (unsigned c = 0; c < o_.clusters; ++c) {
      t.Line(fmt::format("cluster c{} {{ region \"r{}\"  network n{}  trust \"c{}.test\" }}", c, c,
                         c, c));
    }
    t.Line("jwt corp { issuer \"https://id.test\"  jwks from \"https://id.test/keys\" }");
    for (unsigned w = 0; w < o_.workspaces; ++w) {
      t.Line(fmt::format("workspace w{:03} {{", w));
      t.Line(fmt::format("  namespaces [\"ns{:03}\"]", w));
      if (o_.workspaces > 1) {
        t.Line(fmt::format("  export to w{:03} {{ services all }}", (w + 1) % o_.workspaces));
      }
      t.Line("  isolate { mtls strict }");
      t.Line("}");
    }
    if (o_.gateway_routes > 0) {
      t.Line("workspace edge { namespaces [\"edge\"] }");
      t.Line("workspace edge");
      t.Line(
          "gateway front in \"edge\" { select { istio = \"front\" }  listen 80 http { hosts "
          "[\"*.test\"] } }");
      GatewayRoutes(t);
    }
    return t.str();
  }

  // One host with many routes: prefixes below tenants, and at least a tenth each of suffixes,
  // templates and expressions. None is hidden by those before it.
  void GatewayRoutes(Text& t) {
    t.Line("route all on gateway front for \"api.test\" {");
    for (unsigned i = 0; i < o_.gateway_routes; ++i) {
      const unsigned tenant = i % std::max(1U, o_.gateway_routes / 20);
      std::string match;
      switch (i % 10) {
        case 0:
          match = fmt::format("path ends \"/file{}.json\"", i);
          break;
        case 1:
          match = fmt::format("path like \"/t{}/*/r{}\"", tenant, i);
          break;
        case 2:
          match = fmt::format("path matches \"/t{}/v[0-9]+/x{}\"", tenant, i);
          break;
        default:
          match = fmt::format("path under \"/t{}/r{}\"", tenant, i);
      }
      t.Line(fmt::format("  when {} -> respond 200", match));
    }
    t.Line("  otherwise -> respond 404");
    t.Line("}");
  }

  std::string Workspace(unsigned w) {
    Text t;
    t.Line(fmt::format("workspace w{:03}", w));
    for (unsigned s = w; s < o_.services; s += o_.workspaces) Service(w, s, t);
    return t.str();
  }

  void Service(unsigned w, unsigned s, Text& t) {
    t.Line(fmt::format("service s{:04} in \"ns{:03}\" {{ port http 8080 }}", s, w));
    unsigned clauses = o_.rules / o_.services + (s < o_.rules % o_.services ? 1 : 0);
    if (clauses == 0) return;
    t.Line(fmt::format("access s{:04} {{", s));
    for (unsigned i = 0; i < clauses; ++i) {
      // A denial takes a part of what the clause before it allows.
      const bool deny = i % 8 == 7;
      t.Line("  " + (deny ? Denial(i - 1) : Allowance(w, i)));
    }
    if (planted_.size() < o_.holes && s % std::max(1U, o_.services / std::max(1U, o_.holes)) == 0) {
      Hole(w, s, t);
    }
    t.Line("}");
  }

  // An allow from a workspace the service is not exported to.
  void Hole(unsigned w, unsigned s, Text& t) {
    if (o_.workspaces < 3) return;
    const unsigned stranger = (w + 2) % o_.workspaces;
    const unsigned line =
        t.Line(fmt::format("  allow from workspace w{:03} when path = \"/hole\"", stranger));
    planted_.push_back(fmt::format("allow-past-export w{:03}.weft:{} w{:03} w{:03}/s{:04}", w, line,
                                   stranger, w, s));
  }

  std::string Caller(unsigned w) {
    switch (Below(4)) {
      case 0:
        return fmt::format("workspace w{:03}", o_.workspaces > 1 ? (w + 1) % o_.workspaces : w);
      case 1:
        return fmt::format("account \"ns{:03}/a{}\"", w, Below(50));
      default: {
        const unsigned in = (o_.services - w + o_.workspaces - 1) / o_.workspaces;
        return fmt::format("s{:04}", w + o_.workspaces * Below(in));
      }
    }
  }

  std::string Path(unsigned i) {
    const std::string resource = fmt::format("/v{}/res{}", Below(3), i);
    switch (Below(10)) {
      case 0:
        return fmt::format("path like \"{}/*/items\"", resource);
      case 1:
        return fmt::format("path ends \"/x{}.json\"", i);
      case 2:
      case 3:
      case 4:
        return fmt::format("path = \"{}\"", resource);
      default:
        return fmt::format("path under \"{}\"", resource);
    }
  }

  std::string Allowance(unsigned w, unsigned i) {
    std::string text = "allow from " + Caller(w);
    for (unsigned n = Below(3); n > 0; --n) text += ", " + Caller(w);
    text += " when (" + Path(i);
    for (unsigned n = Below(3); n > 0; --n) text += " or " + Path(i);
    text += fmt::format(" or path under \"/base{}\")", i);
    if (Below(3) == 0) text += " and method in [GET, POST]";
    if (Below(10) == 0) text += fmt::format(" and not path under \"/base{}/private\"", i);
    if (Below(10) == 0) text += " and jwt corp claim \"team\" starts \"t\"";
    return text;
  }

  static std::string Denial(unsigned of) {
    return fmt::format("deny when path = \"/base{}/closed\"", of);
  }

  static std::string Deployment(const std::string& ns, const std::string& name,
                                const std::string& label) {
    return fmt::format(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {0}\n  namespace: {1}\nspec:\n"
        "  replicas: 1\n  selector:\n    matchLabels:\n      {2}\n  template:\n    metadata:\n"
        "      labels:\n        {2}\n    spec:\n      serviceAccountName: {0}\n      containers:\n"
        "        - name: {0}\n          image: registry.test/{0}:1\n---\n",
        name, ns, label);
  }

  const Size o_;
  std::mt19937 random_;
  std::vector<std::string> planted_;
};

}  // namespace

Size WithDefaults(Size size) {
  if (size.services == 0) size.services = std::max(1U, size.rules / 10);
  if (size.workspaces == 0) size.workspaces = std::clamp(size.rules / 200, 4U, 50U);
  size.workspaces = std::min(size.workspaces, size.services);
  return size;
}

std::string InventoryText(const Size& size) { return Writer(size).Inventory(); }

Estate Generate(Size size) { return Writer(WithDefaults(size)).Write(); }

}  // namespace weft::generate
