#include "dsl/gloo/schema.h"

#include <array>
#include <utility>

#include "dsl/check.h"
#include "dsl/gloo/forms.h"
#include "dsl/gloo/tables.h"

namespace weft::gloo {
namespace {

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// Takes the first word off `text`.
std::string_view Word(std::string_view& text) {
  text = Trim(text);
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text = Trim(text.substr(end));
  return word;
}

struct Split {
  std::string_view left;
  Fate fate = Fate::kUsed;
  std::string_view note;
};

// The part before the mark, and what stands behind it.
Split SplitAtMark(std::string_view line) {
  constexpr std::array<std::pair<std::string_view, Fate>, 3> kMarks = {
      {{" -> ", Fate::kUsed}, {" !! ", Fate::kRefused}, {" ~~ ", Fate::kIdle}}};
  std::size_t best = std::string_view::npos;
  Split split{line, Fate::kUsed, {}};
  for (const auto& [mark, fate] : kMarks) {
    const std::size_t at = line.find(mark);
    if (at >= best) continue;
    best = at;
    split = {Trim(line.substr(0, at)), fate, Trim(line.substr(at + mark.size()))};
  }
  return split;
}

std::vector<std::string> SplitValues(std::string_view text) {
  std::vector<std::string> values;
  while (true) {
    const std::size_t bar = text.find('|');
    values.emplace_back(text.substr(0, bar));
    if (bar == std::string_view::npos) return values;
    text.remove_prefix(bar + 1);
  }
}

Scalar ScalarOf(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, Scalar>, 7> kWords = {
      {{"string", Scalar::kString},
       {"bool", Scalar::kBool},
       {"int", Scalar::kInt},
       {"number", Scalar::kNumber},
       {"duration", Scalar::kDuration},
       {"any", Scalar::kAny},
       {"enum", Scalar::kEnum}}};
  for (const auto& [name, scalar] : kWords) {
    if (name == word) return scalar;
  }
  return Scalar::kMessage;
}

Field ParseField(std::string_view line) {
  Split split = SplitAtMark(line);
  Field field;
  field.name = std::string(Word(split.left));
  field.fate = split.fate;
  field.note = std::string(split.note);
  std::string_view word = Word(split.left);
  if (word == "list") field.shape = Shape::kList;
  if (word == "map" || word.starts_with("map:")) field.shape = Shape::kMap;
  if (word.starts_with("map:")) field.key_form = std::string(word.substr(4));
  if (field.shape != Shape::kOne) word = Word(split.left);
  const std::size_t colon = std::min(word.find(':'), word.size());
  field.scalar = ScalarOf(word.substr(0, colon));
  if (colon < word.size()) field.form = std::string(word.substr(colon + 1));
  Check(field.form.empty() || IsForm(field.scalar, field.form),
        "the Gloo table names a form that does not fit the type");
  Check(field.key_form.empty() || IsForm(Scalar::kString, field.key_form),
        "the Gloo table names a form of keys that does not exist");
  if (field.scalar == Scalar::kEnum) field.values = SplitValues(Word(split.left));
  if (field.scalar == Scalar::kMessage) field.of = std::string(word);
  return field;
}

KindInfo ParseKind(std::string_view line) {
  Split split = SplitAtMark(line);
  KindInfo kind;
  kind.refused = Word(split.left) == "refused";
  const std::string_view api = Word(split.left);
  const std::size_t slash = api.find('/');
  kind.group = std::string(api.substr(0, slash));
  kind.version = std::string(api.substr(slash + 1));
  kind.kind = std::string(Word(split.left));
  kind.empty = std::string(split.left);
  kind.note = std::string(split.note);
  if (!kind.refused) kind.message = kind.kind;
  return kind;
}

void ParseTable(std::string_view table, Schema& schema) {
  Message* message = nullptr;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size());
    const std::string_view line = table.substr(0, end);
    table.remove_prefix(std::min(end + 1, table.size()));
    if (Trim(line).empty()) continue;
    if (line.starts_with(' ')) {
      Check(message != nullptr, "a field of the Gloo table stands outside of a message");
      message->fields.push_back(ParseField(line));
      continue;
    }
    std::string name;
    if (line.starts_with("message ")) {
      name = std::string(Trim(line.substr(8)));
    } else {
      schema.kinds.push_back(ParseKind(line));
      name = schema.kinds.back().message;
    }
    message = name.empty() ? nullptr : &schema.messages[name];
    if (message != nullptr) message->name = name;
  }
}

Schema ParseTables() {
  Schema schema;
  for (const std::string_view table : {kAdminTable, kNetworkingTable, kSecurityTable, kTrafficTable,
                                       kResilienceTable, kRefusedTable, kCommonTable}) {
    ParseTable(table, schema);
  }
  for (const auto& [name, message] : schema.messages) {
    for (const Field& field : message.fields) {
      Check(field.scalar != Scalar::kMessage || schema.messages.contains(field.of),
            "the Gloo table names a message it does not have");
    }
  }
  return schema;
}

}  // namespace

const Field* Message::Find(std::string_view wanted) const {
  for (const Field& field : fields) {
    if (field.name == wanted) return &field;
  }
  return nullptr;
}

const KindInfo* Schema::Find(std::string_view group, std::string_view version,
                             std::string_view kind) const {
  for (const KindInfo& info : kinds) {
    const bool versions = info.version == version || info.version == "*";
    const bool named = info.kind == kind || info.kind == "*";
    if (info.group == group && versions && named) return &info;
  }
  return nullptr;
}

const KindInfo* Schema::FindByKind(std::string_view kind) const {
  const KindInfo* found = nullptr;
  for (const KindInfo& info : kinds) {
    if (info.kind == kind && (found == nullptr || found->refused)) found = &info;
  }
  return found;
}

const Schema& TheSchema() {
  static const Schema schema = ParseTables();
  return schema;
}

}  // namespace weft::gloo
