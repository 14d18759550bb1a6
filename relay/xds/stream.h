// One istiod that takes its configuration over MCP (state of the world, by Envoy's aggregated
// discovery), without I/O: requests in, answers out. The contract is that of istiod's client
// (pkg/adsc/adsc.go of istio.io/istio):
//  - it asks for a type once for each stream, with a nonce of its own making; the answer is to name
//    the type as it was asked for;
//  - it waits for one answer of every type, an empty one too, before it serves any proxy;
//  - an answer holds all objects of its type: what is missing in it is removed;
//  - it acknowledges by a request with the nonce of the answer, whatever it thinks of the objects.
// So nothing is answered before there is a whole set, and one answer of a type is under way at a
// time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weft::relay::mcp {

// All objects of one kind, encoded.
struct KindSet {
  std::string version;                 // of what follows: the same objects, the same version
  std::vector<std::string> resources;  // istio.mcp.v1alpha1.Resource
};

// All that istiod is to have. Kinds that are not in it have no objects.
struct Content {
  std::string version;                   // of all of it
  std::map<std::string, KindSet> kinds;  // by "VirtualService.networking.istio.io"
};
using ContentPtr = std::shared_ptr<const Content>;

struct Request {
  std::string type_url;  // group/version/Kind
  std::string nonce;     // of the answer it is about
  bool refused = false;  // has error_detail
  std::string error;
};

struct Answer {
  std::string type_url;
  std::string version;
  std::string nonce;
  std::shared_ptr<const KindSet> set;  // never null
};

// "VirtualService.networking.istio.io" for "networking.istio.io/v1/VirtualService", whatever the
// version.
[[nodiscard]] std::string KindOfType(const std::string& type_url);

// Not thread-safe.
class Stream {
 public:
  // `content` is null while there is none.
  explicit Stream(ContentPtr content) : content_(std::move(content)) {}

  [[nodiscard]] std::vector<Answer> On(const Request& request);
  // `content` takes the place of what there was. Types whose objects are the same are not sent.
  [[nodiscard]] std::vector<Answer> Serve(ContentPtr content);

  // Whether all that was asked for is acknowledged as it is in the newest content; false before the
  // first request.
  [[nodiscard]] bool IsUpToDate() const;
  // Why the newest answer was refused, if one was.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

 private:
  struct Type {
    std::string nonce;         // of the answer under way or the last; "" = none was given
    std::string sent;          // version in it
    std::string acknowledged;  // version
    bool under_way = false;
  };

  void Bring(const std::string& type_url, Type& type, std::vector<Answer>& answers);
  [[nodiscard]] std::shared_ptr<const KindSet> SetOf(const std::string& type_url) const;

  ContentPtr content_;
  std::map<std::string, Type> types_;  // asked for, by type URL
  std::uint64_t nonce_ = 0;
  std::string refusal_;
};

}  // namespace weft::relay::mcp
