// The JSON of an API server as events of the reflector, cut down to what policy depends on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "dsl/result.h"
#include "relay/kube/reflector.h"
#include "relay/kube/resources.h"

namespace weft::relay::kube {

// The object without what changes by the minute (versions, managed fields, most of the status) and
// without what is nobody's business outside the cluster (environments, volumes, Secrets' data). The
// inventory made of it is that of the whole object.
[[nodiscard]] nlohmann::ordered_json Trimmed(const nlohmann::ordered_json& object);

// A page of a list. Objects that weft made itself are left out, as are ConfigMaps that are not
// istiod's. Errors: not the JSON of a list, an object without name or version.
[[nodiscard]] Result<Page> ReadPage(const Resource& resource, const std::string& body);

// One line of a watch. A line that cannot be read is a failed watch.
[[nodiscard]] std::variant<Happened, WatchFailed> ReadEvent(const Resource& resource,
                                                            const std::string& line);

// What an API server says is wrong: the message of a Status, or the beginning of the text.
[[nodiscard]] std::string ReadMessage(const std::string& body);

}  // namespace weft::relay::kube
