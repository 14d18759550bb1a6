#include "dsl/arguments.h"

#include "dsl/codes.h"
#include "dsl/overloaded.h"

namespace weft::dsl {
namespace {

bool HasType(const Value& value, Parameter::Type type) {
  switch (type) {
    case Parameter::Type::kDuration:
      return std::holds_alternative<Duration>(value);
    case Parameter::Type::kPercent:
      return std::holds_alternative<Percent>(value);
    case Parameter::Type::kNumber:
      return std::holds_alternative<Number>(value);
    case Parameter::Type::kString:
      return std::holds_alternative<Str>(value);
    case Parameter::Type::kStrings:
      return std::holds_alternative<std::vector<Str>>(value);
    case Parameter::Type::kService:
      return std::holds_alternative<QName>(value);
    case Parameter::Type::kName: {
      const auto* name = std::get_if<QName>(&value);
      return name != nullptr && name->parts.size() == 1 && !name->IsQuoted();
    }
  }
  return false;
}

std::string_view TypeName(Parameter::Type type) {
  switch (type) {
    case Parameter::Type::kDuration:
      return "a duration";
    case Parameter::Type::kPercent:
      return "a percentage";
    case Parameter::Type::kNumber:
      return "a number";
    case Parameter::Type::kString:
      return "a string";
    case Parameter::Type::kStrings:
      return "a list of strings";
    case Parameter::Type::kService:
      return "a service";
    case Parameter::Type::kName:
      return "a name";
  }
  return "";
}

// The nearest parameter, as help; all of them when none is near.
std::string HelpWithName(const PolicyDecl& policy, const std::string& name) {
  std::vector<std::string> names;
  std::string list;
  for (const Parameter& p : policy.parameters) {
    names.push_back(p.name.value);
    list += (list.empty() ? "`" : ", `") + p.name.value + "`";
  }
  const std::string near = NearestName(name, names);
  if (!near.empty()) return "did you mean `" + near + "`?";
  return list.empty() ? "it has none" : "its parameters are " + list;
}

std::string Found(const Value& value) {
  return std::visit(Overloaded{
                        [](const Duration&) { return std::string("a duration"); },
                        [](const Percent&) { return std::string("a percentage"); },
                        [](const Number& n) {
                          return "the number `" + std::to_string(n.value) + "` without a unit";
                        },
                        [](const Str& s) { return "the string \"" + s.value + "\""; },
                        [](const std::vector<Str>&) { return std::string("a list of strings"); },
                        [](const QName& n) { return "the name `" + n.Text() + "`"; },
                    },
                    value);
}

void ReportType(const TemplateUse::Argument& argument, const Parameter& parameter,
                Diagnostics& diagnostics) {
  Diagnostic& d = diagnostics.Error(codes::kBadArgument, argument.span,
                                    "parameter `" + parameter.name.value + "` takes " +
                                        std::string(TypeName(parameter.type)) + ", found " +
                                        Found(argument.value));
  d.related.push_back({parameter.name.span, "declared here"});
  const auto* number = std::get_if<Number>(&argument.value);
  if (number == nullptr) return;
  const std::string text = std::to_string(number->value);
  if (parameter.type == Parameter::Type::kDuration) {
    d.help = "write `" + text + "s` for seconds or `" + text + "ms` for milliseconds";
    d.edit = Edit{number->span, text + "s"};
  } else if (parameter.type == Parameter::Type::kPercent) {
    d.help = "write `" + text + "%`";
    d.edit = Edit{number->span, text + "%"};
  }
}

// Fills in the defaults; false when a parameter has none and no argument.
bool AddDefaults(const PolicyDecl& policy, const TemplateUse& use, bool fine,
                 ParameterBindings& bindings, Diagnostics& diagnostics) {
  for (const Parameter& parameter : policy.parameters) {
    if (bindings.contains(parameter.name.value)) continue;
    if (parameter.fallback) {
      bindings[parameter.name.value] = *parameter.fallback;
    } else if (fine) {
      diagnostics.Error(codes::kBadArgument, use.name.span,
                        "argument `" + parameter.name.value + "` is missing");
      fine = false;
    }
  }
  return fine;
}

}  // namespace

bool BindArguments(const PolicyDecl& policy, const TemplateUse& use, ParameterBindings& bindings,
                   Diagnostics& diagnostics) {
  std::size_t position = 0;
  bool fine = true;
  for (const TemplateUse::Argument& argument : use.arguments) {
    const Parameter* parameter = nullptr;
    if (argument.name) {
      for (const Parameter& p : policy.parameters) {
        if (p.name.value == argument.name->value) parameter = &p;
      }
    } else if (position < policy.parameters.size()) {
      parameter = &policy.parameters[position++];
    }
    const std::string name = "`" + policy.header.name.value + "`";
    if (parameter != nullptr && HasType(argument.value, parameter->type)) {
      bindings[parameter->name.value] = argument.value;
      continue;
    }
    fine = false;
    if (parameter != nullptr) {
      ReportType(argument, *parameter, diagnostics);
    } else if (argument.name) {
      diagnostics
          .Error(codes::kBadArgument, argument.span,
                 name + " has no parameter `" + argument.name->value + "`")
          .help = HelpWithName(policy, argument.name->value);
    } else {
      diagnostics.Error(codes::kBadArgument, argument.span,
                        name + " takes " + std::to_string(policy.parameters.size()) + " arguments");
    }
  }
  return AddDefaults(policy, use, fine, bindings, diagnostics);
}

}  // namespace weft::dsl
