// Any text as Istio objects: read without a crash, and what is accepted is checked for its meaning
// too: an accepted AuthorizationPolicy decides about a call.
#include <cstddef>
#include <cstdint>
#include <string>

#include "emit/check/authorization.h"
#include "emit/check/objects.h"

// NOLINTNEXTLINE(readability-identifier-naming): the name libFuzzer calls
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weft::SourceMap sources;
  const auto id = sources.Add("fuzz.yaml", std::string(data, data + size), weft::SourceKind::kYaml);
  weft::Diagnostics diagnostics;
  const auto objects = weft::emit::check::ReadIstio(sources.Get(id), diagnostics);
  std::vector<const weft::emit::check::IstioObject*> policies;
  for (const auto& object : objects) {
    if (object.kind == "AuthorizationPolicy") policies.push_back(&object);
  }
  const weft::emit::check::Call call{.http = size % 2 == 0,
                                     .peer = "spiffe://td/ns/foo/sa/a",
                                     .source_ip = "10.0.0.1",
                                     .remote_ip = "10.0.0.2",
                                     .destination_ip = "10.0.0.3",
                                     .port = 80,
                                     .sni = "a.b",
                                     .host = "a.b",
                                     .method = "GET",
                                     .path = "/a/b?c=d",
                                     .headers = {{"x-header", "value"}},
                                     .tokens = {{{"iss", "i"}, {"sub", "s"}, {"aud", {"a", "b"}}}},
                                     .metadata = {}};
  (void)weft::emit::check::Authorize(policies, call, {.trust_domains = {"td"}, .providers = {}});
  return 0;
}
