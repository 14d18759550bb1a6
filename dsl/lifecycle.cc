// `istio on [east] { … }`, `gateways on [east] { … }` and `raw istio """…"""`.
#include <utility>

#include "dsl/readers.h"

namespace weft::dsl {

void ReadLifecycle(Cursor& c, Header header, bool gateways, Program& program) {
  LifecycleDecl life{.header = std::move(header), .gateways = gateways};
  if (c.AcceptWord("on")) life.clusters = c.ExpectNames("a cluster");
  life.header.span = Join(life.header.span, c.LastSpan());
  c.ReadBlock(
      gateways ? "`gateways`" : "`istio`",
      {"version", "revision", "gateway", "default", "active", "trust", "skip", "settings", "label"},
      [&](std::string_view) {
        if (c.AcceptWord("version")) {
          life.version = c.ExpectString("a version");
        } else if (c.AcceptWord("revision")) {
          life.revision = c.ExpectName("a revision");
        } else if (gateways && c.AcceptWords({"gateway", "revision"})) {
          life.gateway_revision = c.ExpectName("a revision");
        } else if (!gateways && c.AcceptWord("default")) {
          life.is_default = true;
        } else if (gateways && c.AcceptWord("active")) {
          life.active = true;
        } else if (c.AcceptWord("trust")) {
          life.trust = c.ExpectString("a trust domain");
        } else if (c.AcceptWords({"skip", "upgrade", "check"})) {
          life.skip_upgrade_check = true;
        } else if (c.AcceptWord("settings")) {
          life.settings = c.ExpectString("settings of the installation");
        } else if (c.AcceptWord("label")) {
          life.header.labels.push_back(ReadLabel(c));
        } else {
          return false;
        }
        return true;
      },
      {"version", "revision", "gateway revision", "default", "active", "trust",
       "skip upgrade check", "settings"});
  if (life.revision) life.header.name = *life.revision;
  program.lifecycles.push_back(std::move(life));
}

void ReadRaw(Cursor& c, Header header, Program& program) {
  RawDecl raw{.header = std::move(header)};
  c.ExpectWord("istio");
  if (c.AcceptWord("on")) raw.clusters = c.ExpectNames("a cluster");
  raw.text = c.ExpectString("Istio objects as YAML");
  if (!c.failed()) program.raws.push_back(std::move(raw));
}

}  // namespace weft::dsl
