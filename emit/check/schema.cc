#include "emit/check/schema.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "emit/check/fields.h"
#include "emit/check/report.h"
#include "emit/check/words.h"
#include "emit/codes.h"

namespace weft::emit::check {
namespace {

using yaml::Kind;
using yaml::Node;

std::string Plain(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return std::to_string(whole);
}

std::string Inside(const std::string& where, const std::string& field) {
  return where.empty() ? field : where + "." + field;
}

class Checker {
 public:
  explicit Checker(Diagnostics& diagnostics) : diagnostics_(diagnostics), report_(diagnostics) {}

  void Object(const Node& node, const Fields& fields, const std::string& where) {
    if (!node.IsMapping()) return Wrong(node, where, "an object", "object");
    for (const Node::Entry& entry : node.entries) {
      const auto at = fields.named.find(entry.key);
      if (at == fields.named.end()) {
        Unknown(entry, fields, where);
      } else if (!entry.value.IsNull()) {
        Value(entry.value, at->second, Inside(where, entry.key));
      }
    }
    for (const auto& [name, field] : fields.named) {
      const Node* value = node.Find(name);
      if (field.required && (value == nullptr || value->IsNull())) {
        report_.Fault(codes::kMissingField, node.span,
                      "`" + where + "` lacks the field `" + name + "`",
                      Inside(where, name) + ": Required value");
      }
    }
    for (const std::vector<std::string>& group : fields.exclusive) Exclusive(node, group, where);
  }

 private:
  void Wrong(const Node& node, const std::string& where, const std::string& expected,
             const std::string& type) {
    report_.Fault(codes::kBadField, node.span, "`" + where + "` must be " + expected,
                  where + " in body must be of type " + type);
  }

  void Unknown(const Node::Entry& entry, const Fields& fields, const std::string& where) {
    std::vector<std::string> names;
    for (const auto& [name, field] : fields.named) names.push_back(name);
    Diagnostic& d = diagnostics_.Error(
        codes::kUnknownField, entry.key_span,
        (where.empty() ? "the object" : "`" + where + "`") + " has no field `" + entry.key + "`");
    d.notes.push_back("Istio says: unknown field \"" + Inside(where, entry.key) + "\"");
    const std::string near = NearestName(entry.key, names);
    if (near.empty()) return;
    d.help = "did you mean `" + near + "`?";
    d.edit = Edit{.span = entry.key_span, .text = near};
  }

  void Exclusive(const Node& node, const std::vector<std::string>& group,
                 const std::string& where) {
    std::vector<std::string> set;
    for (const std::string& name : group) {
      const Node* value = node.Find(name);
      if (value != nullptr && !value->IsNull()) set.push_back(name);
    }
    if (set.size() < 2) return;
    report_.Fault(codes::kBrokenRule, node.span,
                  "only one of `" + set[0] + "` and `" + set[1] + "` of `" + where + "` can be set",
                  "\"" + where + "\" must validate one and only one schema (oneOf)");
  }

  void Value(const Node& node, const Field& field, const std::string& where) {
    if (field.type == Field::Type::kAny && field.shape == Field::Shape::kOne) return;
    switch (field.shape) {
      case Field::Shape::kOne:
        One(node, field, where);
        return;
      case Field::Shape::kList:
        if (!node.IsSequence()) return Wrong(node, where, "a list", "array");
        Count(node, node.items.size(), field.count, where, "items");
        for (std::size_t i = 0; i < node.items.size(); ++i) {
          One(node.items[i], field, where + "[" + std::to_string(i) + "]");
        }
        return;
      case Field::Shape::kMap:
        if (!node.IsMapping()) return Wrong(node, where, "a map", "object");
        Count(node, node.entries.size(), field.count, where, "properties");
        for (const Node::Entry& entry : node.entries) {
          One(entry.value, field, where + "[" + entry.key + "]");
        }
        return;
    }
  }

  void Count(const Node& node, std::size_t count, const Bounds& bounds, const std::string& where,
             const std::string& what) {
    const auto number = static_cast<double>(count);
    if (bounds.least && number < *bounds.least) {
      report_.Fault(codes::kOutOfRange, node.span,
                    "`" + where + "` needs at least " + Plain(*bounds.least),
                    where + " in body should have at least " + Plain(*bounds.least) + " " + what);
    }
    if (bounds.most && number > *bounds.most) {
      report_.Fault(codes::kOutOfRange, node.span,
                    "`" + where + "` has " + std::to_string(count) + ", and " +
                        Plain(*bounds.most) + " are allowed",
                    where + ": Too many: " + std::to_string(count) + ": must have at most " +
                        Plain(*bounds.most) + " " + what);
    }
  }

  void One(const Node& node, const Field& field, const std::string& where) {
    switch (field.type) {
      case Field::Type::kObject:
        return Object(node, *field.fields, where);
      case Field::Type::kUnsigned:
        return Integer(node, field, where, 0, 4294967295.0);
      case Field::Type::kInteger:
        return Integer(node, field, where, -2147483648.0, 2147483647.0);
      case Field::Type::kPort:
        return Port(node, where);
      case Field::Type::kNumber:
        if (node.kind != Kind::kInt && node.kind != Kind::kFloat) {
          return Wrong(node, where, "a number", "number");
        }
        return Range(node, std::strtod(node.text.c_str(), nullptr), field.bounds, where);
      case Field::Type::kBool:
        if (!node.AsBool()) Wrong(node, where, "`true` or `false`", "boolean");
        return;
      case Field::Type::kDuration:
      case Field::Type::kAnyDuration:
        return Duration(node, field.type == Field::Type::kDuration, where);
      case Field::Type::kWord:
        return Word(node, field, where);
      case Field::Type::kString:
        return Text(node, field, where);
      case Field::Type::kAny:
        return;
    }
  }

  void Integer(const Node& node, const Field& field, const std::string& where, double least,
               double most) {
    const auto value = node.AsInt();
    if (!value) return Wrong(node, where, "an integer", "integer");
    Range(node, static_cast<double>(*value),
          {.least = field.bounds.least ? field.bounds.least : least,
           .most = field.bounds.most ? field.bounds.most : most},
          where);
  }

  void Port(const Node& node, const std::string& where) {
    const auto value = node.AsInt();
    if (!value) return Wrong(node, where, "a port", "integer");
    if (*value < 1 || *value > 65535) {
      report_.Fault(codes::kOutOfRange, node.span, "`" + where + "` must be a port, 1 to 65535",
                    where + ": Invalid value: port must be between 1-65535");
    }
  }

  void Range(const Node& node, double value, const Bounds& bounds, const std::string& where) {
    const std::string invalid =
        where + ": Invalid value: " + node.text + ": " + where + " in body ";
    if (bounds.least && value < *bounds.least) {
      report_.Fault(codes::kOutOfRange, node.span,
                    "`" + where + "` must be at least " + Plain(*bounds.least),
                    invalid + "should be greater than or equal to " + Plain(*bounds.least));
    }
    if (bounds.most && value > *bounds.most) {
      report_.Fault(codes::kOutOfRange, node.span,
                    "`" + where + "` must be at most " + Plain(*bounds.most),
                    invalid + "should be less than or equal to " + Plain(*bounds.most));
    }
  }

  void Duration(const Node& node, bool at_least_one, const std::string& where) {
    using std::chrono::milliseconds;
    const auto value = node.IsString() ? ParseDuration(node.text) : std::nullopt;
    if (!value) {
      report_.Fault(codes::kBadField, node.span, "`" + where + "` must be a duration, as in `1s`",
                    where + " in body must be of type string, and a valid duration");
    } else if (at_least_one && (*value < milliseconds(1) ||
                                *value % milliseconds(1) != std::chrono::nanoseconds(0))) {
      report_.Fault(codes::kOutOfRange, node.span, "`" + where + "` must be in whole milliseconds",
                    where + ": Invalid value: must be a valid duration greater than 1ms");
    }
  }

  void Word(const Node& node, const Field& field, const std::string& where) {
    if (node.IsString() &&
        std::find(field.words.begin(), field.words.end(), node.text) != field.words.end()) {
      return;
    }
    std::string words, quoted;
    for (const std::string& word : field.words) {
      words += (words.empty() ? "`" : ", `") + word + "`";
      quoted += (quoted.empty() ? "\"" : ", \"") + word + "\"";
    }
    Diagnostic& d = report_.Fault(
        codes::kBadWord, node.span, "`" + where + "` must be one of " + words,
        where + ": Unsupported value: \"" + node.text + "\": supported values: " + quoted);
    const std::string near = NearestName(node.text, field.words);
    if (near.empty()) return;
    d.help = "did you mean `" + near + "`?";
    d.edit = Edit{.span = node.span, .text = near};
  }

  void Text(const Node& node, const Field& field, const std::string& where) {
    if (!node.IsString()) return Wrong(node, where, "a string", "string");
    const auto size = static_cast<double>(node.text.size());
    if (field.bounds.least && size < *field.bounds.least) {
      report_.Fault(
          codes::kOutOfRange, node.span, "`" + where + "` must not be empty",
          where + " in body should be at least " + Plain(*field.bounds.least) + " chars long");
    }
    if (field.bounds.most && size > *field.bounds.most) {
      report_.Fault(
          codes::kOutOfRange, node.span,
          "`" + where + "` has more than " + Plain(*field.bounds.most) + " bytes",
          where + ": Too long: may not be more than " + Plain(*field.bounds.most) + " bytes");
    }
  }

  Diagnostics& diagnostics_;
  Report report_;
};

}  // namespace

void CheckFields(const Node& node, const Fields& fields, const std::string& where,
                 Diagnostics& diagnostics) {
  Checker(diagnostics).Object(node, fields, where);
}

bool CheckSpec(std::string_view kind, const Node& spec, Diagnostics& diagnostics) {
  const Fields* fields = FieldsOf(kind);
  if (fields == nullptr) return false;
  CheckFields(spec, *fields, "spec", diagnostics);
  return true;
}

}  // namespace weft::emit::check
