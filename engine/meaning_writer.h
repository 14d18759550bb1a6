#pragma once

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/model.h"

namespace weft::engine {

template <typename T>
std::string Number(const T& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

inline std::string Join(std::vector<std::string> parts, std::string_view separator, bool sorted) {
  if (sorted) std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : std::string(separator)) + part;
  return text;
}

// Fields of one fact: ` name=value`, absent ones left out.
class Fields {
 public:
  Fields& Text(std::string_view name, const std::string& value) {
    if (!value.empty()) text_ += " " + std::string(name) + "=" + value;
    return *this;
  }
  template <typename T>
  Fields& Num(std::string_view name, const std::optional<T>& value) {
    if (value) Text(name, Number(*value));
    return *this;
  }
  Fields& Time(std::string_view name, const std::optional<Millis>& value) {
    if (value) Text(name, Number(value->count()) + "ms");
    return *this;
  }
  Fields& Flag(std::string_view name, bool value) {
    if (value) text_ += " " + std::string(name);
    return *this;
  }
  template <typename E>
  Fields& Enum(std::string_view name, E value) {
    return Text(name, Number(static_cast<int>(value)));
  }
  Fields& List(std::string_view name, const std::vector<std::string>& values, bool sorted = true) {
    if (!values.empty()) Text(name, "[" + Join(values, ",", sorted) + "]");
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// Writes a model as lines that say what it means.
class MeaningWriter {
 public:
  explicit MeaningWriter(const Model& model) : m_(model) {}

  std::string Write();

  [[nodiscard]] std::string ConditionText(const Condition& condition) const;
  std::string RouteText(const RouteRule& rule) const;
  std::string Modifiers(const RouteModifiers& m) const;
  std::string LimitText(LimitId id) const;
  static std::string Policy(const DestinationPolicy& p);
  void GuardLines(const Guard& g);
  void JwtLine(const JwtProvider& j);
  void AuthorizerLine(const Authorizer& a);
  // The lines written so far, sorted.
  std::string Lines();

 private:
  void Line(std::string line);

  // ---- names

  std::string Workspace_(WorkspaceId id) const;
  std::string NameOf(ServiceId id) const;
  std::string NameOf(DestinationId id) const;
  std::string NameOf(ExternalId id) const;
  std::string NameOf(GatewayId id) const;
  std::string NameOf(WorkloadId id) const;
  template <typename V>
  std::string NameOfAny(const V& ref) const {
    return std::visit([&](auto id) { return NameOf(id); }, ref);
  }
  static std::string LabelText(const Labels& labels);
  std::string Grants(const std::vector<Grant>& grants) const;

  // ---- conditions

  static std::string Patterns(const std::vector<Pattern>& patterns);

  static std::string Identity(const IdentitySet& set);

  static std::string Callers(const std::vector<CallerSet>& sets);

  static std::string Blocks(const std::vector<Cidr>& blocks);

  template <typename T>
  static std::string Values(const std::vector<T>& values) {
    std::vector<std::string> parts;
    for (const T& value : values) parts.push_back(Number(value));
    return "[" + Join(parts, ",", true) + "]";
  }

  [[nodiscard]] std::string MatcherText(const Matcher& matcher) const;

  std::string AskedText(const ExternalAuthorization& asked) const;

  // ---- facts

  void ClusterLine(const Cluster& c);

  void WorkspaceLine(const Workspace& w);

  static std::string Tls(const ClientTls& t);

  static std::string HealthText(const HealthCheck& h);

  static std::string Port(const ServicePort& p);

  static std::string Ports(const std::vector<ServicePort>& ports);

  void ServiceLines(const Service& s);

  void ExternalLine(const External& e);

  void DestinationLine(const Destination& d);

  void GatewayLine(const Gateway& g);

  void ImporterLines(const std::string& name,
                     const std::map<WorkspaceId, DestinationPolicy>& importers);
  std::string ForwardText(const Forward& f) const;

  std::string ActionText(const Action& action) const;

  void TableLines(const Table& t);

  std::string RuleText(AccessRuleId id) const;

  const Model& m_;
  std::vector<std::string> lines_;
};

}  // namespace weft::engine
