// Kubernetes manifests and the relay's objects: what is emitted, what is delivered as a file, what
// is discovered in a directory.
#pragma once

#include <string>
#include <string_view>

#include "dsl/result.h"
#include "emit/object.h"
#include "relay/core/messages.h"
#include "relay/core/object.h"

namespace weft::relay {

// An emitted object; its annotations stay outside the digest.
[[nodiscard]] ObjectPtr FromEmitted(const emit::Object& object);

// All objects as one file of YAML documents, each annotated with the release that is applied
// (`weft.dev/generation`).
[[nodiscard]] std::string ToManifest(const Snapshot& objects, const Version& version);

// The objects of such a file: those with weft's managed-by label, without annotations. Their root
// is that of the set the file was made from.
[[nodiscard]] Result<SnapshotPtr> FromManifest(const std::string& text);

// What is wrong with an object an agent is to apply, "" when nothing is: content that is not the
// JSON of the object its key names, a kind weft does not emit, a field its kind does not have.
[[nodiscard]] std::string WrongWith(const Object& object);

// Whether the JSON text is nested deeper than 64, so that readers that recurse must not see it.
[[nodiscard]] bool IsNestedTooDeep(const std::string& json);

// Whether discovery reports the object: of a kind that policy depends on, and not weft's own by its
// label app.kubernetes.io/managed-by.
[[nodiscard]] bool IsReported(const ObjectKey& key, std::string_view managed_by);

// What is wrong with a discovered object, "" when nothing is.
[[nodiscard]] std::string WrongWithDiscovered(const Object& object);

// The discovered objects in a directory of manifests: *.yaml, *.yml and *.json below it, hidden
// entries aside. Only kinds that policy depends on; secrets by name alone; nothing weft made
// itself. An error, never a smaller set, when the directory or a file cannot be read, a document is
// broken, or there is nothing.
[[nodiscard]] Result<SnapshotPtr> DiscoverDirectory(const std::string& directory);

// The manifests of discovered objects as one text for engine::ReadInventory.
[[nodiscard]] std::string InventoryText(const Snapshot& objects);

}  // namespace weft::relay
