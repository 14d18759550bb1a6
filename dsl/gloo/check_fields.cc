// Strict reading: what stands in an object against the table of its kind.
#include <algorithm>
#include <optional>

#include "dsl/gloo/codes.h"
#include "dsl/gloo/duration.h"
#include "dsl/gloo/forms.h"
#include "dsl/gloo/object.h"

namespace weft::gloo {
namespace {

std::string_view TypeName(const Field& field) {
  switch (field.scalar) {
    case Scalar::kString:
      return "a string";
    case Scalar::kBool:
      return "true or false";
    case Scalar::kInt:
      return "a whole number";
    case Scalar::kNumber:
      return "a number";
    case Scalar::kDuration:
      return "a duration such as `2s`";
    case Scalar::kEnum:
      return "one word";
    case Scalar::kMessage:
      return "an object";
    case Scalar::kAny:
      return "a value";
  }
  return "a value";
}

std::string_view Found(const yaml::Node& node) {
  switch (node.kind) {
    case yaml::Kind::kNull:
      return "nothing";
    case yaml::Kind::kBool:
      return "a Boolean";
    case yaml::Kind::kInt:
    case yaml::Kind::kFloat:
      return "a number";
    case yaml::Kind::kString:
      return "a string";
    case yaml::Kind::kSequence:
      return "a list";
    case yaml::Kind::kMapping:
      return "an object";
  }
  return "something else";
}

bool IsScalar(const yaml::Node& node) { return !node.IsMapping() && !node.IsSequence(); }

class Checker {
 public:
  Checker(const KindInfo& kind, Diagnostics& diagnostics)
      : kind_(kind), diagnostics_(diagnostics) {}

  void Object(const yaml::Node& node, const Message& message, const Message* parent) {
    for (const yaml::Node::Entry& entry : node.entries) {
      const Field* field = message.Find(entry.key);
      if (field == nullptr) {
        Unknown(entry, message, parent);
      } else if (field->fate == Fate::kRefused) {
        // Saying that something refused is off says nothing.
        if (field->scalar == Scalar::kBool && entry.value.AsBool() == false) continue;
        diagnostics_.Error(codes::kRefusedField, entry.key_span,
                           "`" + entry.key + "` of " + kind_.kind + " is refused: " + field->note);
      } else if (!entry.value.IsNull()) {
        Value(entry, *field, message);
      }
    }
  }

 private:
  void Value(const yaml::Node::Entry& entry, const Field& field, const Message& message) {
    switch (field.shape) {
      case Shape::kOne:
        One(entry.value, entry, field, message);
        return;
      case Shape::kList:
        if (!entry.value.IsSequence()) {
          Wrong(entry, "a list", entry.value);
          return;
        }
        for (const yaml::Node& item : entry.value.items) {
          if (!item.IsNull()) One(item, entry, field, message);
        }
        return;
      case Shape::kMap:
        if (!entry.value.IsMapping()) {
          Wrong(entry, "an object", entry.value);
          return;
        }
        for (const yaml::Node::Entry& item : entry.value.entries) {
          Key(item, field);
          if (!item.value.IsNull()) One(item.value, item, field, message);
        }
        return;
    }
  }

  void One(const yaml::Node& node, const yaml::Node::Entry& entry, const Field& field,
           const Message& message) {
    if (field.scalar == Scalar::kAny) return;
    if (field.scalar == Scalar::kMessage) {
      if (!node.IsMapping()) {
        Wrong(entry, "an object", node);
        return;
      }
      Object(node, TheSchema().messages.at(field.of), &message);
      return;
    }
    if (!Fits(node, field)) {
      Wrong(entry, TypeName(field), node);
    } else if (field.scalar == Scalar::kEnum) {
      Enum(node, entry, field);
    } else if (!node.text.empty()) {
      Refuse(node.span, JudgeForm(field, field.name, node));
    }
  }

  void Key(const yaml::Node::Entry& entry, const Field& field) {
    if (field.key_form.empty()) return;
    Field key{.name = field.name, .form = field.key_form};
    yaml::Node text;
    text.text = entry.key;
    Refuse(entry.key_span, JudgeForm(key, key.name, text));
  }

  void Refuse(Span span, const dsl::Judgement& fault) {
    if (!fault) return;
    diagnostics_.Error(fault->code, span, fault->message).help = fault->help;
  }

  [[nodiscard]] static bool Fits(const yaml::Node& node, const Field& field) {
    switch (field.scalar) {
      case Scalar::kString:
      case Scalar::kEnum:
        return node.IsString();
      case Scalar::kBool:
        return node.AsBool().has_value();
      case Scalar::kInt:
        return node.AsInt().has_value();
      case Scalar::kNumber:
        return node.kind == yaml::Kind::kInt || node.kind == yaml::Kind::kFloat;
      case Scalar::kDuration:
        return node.IsString() && ParseGoDuration(node.text).has_value();
      case Scalar::kMessage:
      case Scalar::kAny:
        return true;
    }
    return false;
  }

  void Wrong(const yaml::Node::Entry& entry, std::string_view wanted, const yaml::Node& found) {
    Diagnostic& d = diagnostics_.Error(codes::kWrongType, found.span,
                                       "`" + entry.key + "` takes " + std::string(wanted) +
                                           ", here is " + std::string(Found(found)));
    if (wanted == "a string" && IsScalar(found)) {
      d.help = "write it in quotes: `\"" + found.text + "\"`";
      d.edit = Edit{found.span, "\"" + found.text + "\""};
    } else if (wanted == "an object" && entry.key == "serviceIsolation") {
      d.help = "write `serviceIsolation: {enabled: " + found.text + "}`";
    } else if (wanted.starts_with("a duration")) {
      d.help = "a number and its unit, `ms`, `s`, `m` or `h`";
    }
  }

  void Enum(const yaml::Node& node, const yaml::Node::Entry& entry, const Field& field) {
    if (std::find(field.values.begin(), field.values.end(), node.text) != field.values.end()) {
      return;
    }
    Diagnostic& d = diagnostics_.Error(codes::kUnknownValue, node.span,
                                       "`" + node.text + "` is no value of `" + entry.key + "`");
    const std::string near = NearestName(node.text, field.values);
    if (!near.empty()) {
      d.help = "did you mean `" + near + "`?";
      d.edit = Edit{node.span, near};
      return;
    }
    for (const std::string& value : field.values) d.help += (d.help.empty() ? "" : ", ") + value;
    d.help = "the values are " + d.help;
  }

  void Unknown(const yaml::Node::Entry& entry, const Message& message, const Message* parent) {
    const bool in_spec = parent == nullptr;
    Diagnostic& d = diagnostics_.Error(
        codes::kUnknownField, entry.key_span,
        "`" + entry.key + "` is no field of " + (in_spec ? kind_.kind : message.name));
    std::vector<std::string> names;
    for (const Field& field : message.fields) names.push_back(field.name);
    const std::string near = NearestName(entry.key, names);
    if (!near.empty()) {
      d.help = "did you mean `" + near + "`?";
      d.edit = Edit{entry.key_span, near};
    } else if (parent != nullptr && parent->Find(entry.key) != nullptr) {
      d.help = "it belongs one level higher, beside the field that holds this";
    } else if (const std::string below = FieldWith(message, entry.key); !below.empty()) {
      d.help = "it belongs one level deeper, below `" + below + "`";
    } else if (message.Find("labels") != nullptr && IsScalar(entry.value)) {
      d.help =
          "labels stand below `labels`: `labels: {" + entry.key + ": " + entry.value.text + "}`";
    } else if (entry.key.starts_with("applyTo") && !kind_.empty.empty()) {
      d.help = "without a selector the policy applies to: " + kind_.empty;
    } else {
      d.help = "the fields here are " + Join(names);
    }
  }

  static std::string FieldWith(const Message& message, const std::string& key) {
    for (const Field& field : message.fields) {
      if (field.scalar != Scalar::kMessage) continue;
      if (TheSchema().messages.at(field.of).Find(key) != nullptr) return field.name;
    }
    return "";
  }

  static std::string Join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  }

  const KindInfo& kind_;
  Diagnostics& diagnostics_;
};

}  // namespace

void CheckAgainst(const yaml::Node& node, const Message& message, const KindInfo& kind,
                  Diagnostics& diagnostics) {
  Checker(kind, diagnostics).Object(node, message, nullptr);
}

}  // namespace weft::gloo
