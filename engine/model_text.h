// A Model as text without provenance: two policies mean the same for an inventory exactly when
// their texts are equal. Ids are written as names, and what has no order is sorted, so that neither
// files nor the order of declarations show.
#pragma once

#include <string>

#include "engine/model.h"

namespace weft::engine {

// One fact per line, sorted; lines of a route table keep the order of its rules. Workloads,
// localities and other facts of the inventory are left out: both sides have the same.
[[nodiscard]] std::string MeaningText(const Model& model);

// The same of one part, in one line or several. Texts of two models may be compared.
[[nodiscard]] std::string MeaningOf(const Model& model, const Condition& condition);
[[nodiscard]] std::string MeaningOf(const Model& model, const RouteRule& rule);
[[nodiscard]] std::string MeaningOf(const Model& model, const RouteModifiers& modifiers);
[[nodiscard]] std::string MeaningOf(const Model& model, const Guard& guard);
[[nodiscard]] std::string MeaningOf(const Model& model, LimitId limit);
[[nodiscard]] std::string MeaningOf(const Model& model, JwtId provider);
[[nodiscard]] std::string MeaningOf(const Model& model, AuthorizerId provider);
[[nodiscard]] std::string MeaningOf(const DestinationPolicy& policy);

}  // namespace weft::engine
