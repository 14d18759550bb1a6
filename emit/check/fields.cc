#include "emit/check/fields.h"

#include <cctype>
#include <cstdlib>

#include "dsl/check.h"

namespace weft::emit::check {
namespace {

class Notation {
 public:
  explicit Notation(std::string_view text) : text_(text) {}

  Fields Read() {
    Fields fields;
    while (true) {
      while (Take(' ')) {
      }
      if (Peek() == '\0' || Peek() == '}') return fields;
      if (Take('^')) {
        fields.exclusive.push_back(Words());
        continue;
      }
      const bool required = Take('!');
      const std::string name = Word();
      Check(!name.empty(), "a field without a name in the notation of Istio kinds");
      Field field = ReadType();
      field.required = required;
      fields.named[name] = std::move(field);
    }
  }

 private:
  [[nodiscard]] char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }

  std::string Word() {
    const std::size_t begin = at_;
    while (std::isalnum(static_cast<unsigned char>(Peek())) != 0 || Peek() == '_') ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::vector<std::string> Words() {
    std::vector<std::string> words{Word()};
    while (Take('|')) words.push_back(Word());
    return words;
  }

  Field ReadType() {
    const char open = Peek();
    if (open != '[' && open != '<') return ReadScalar();
    ++at_;
    Field field = ReadScalar();
    Check(Take(open == '[' ? ']' : '>'), "an open bracket in the notation of Istio kinds");
    field.shape = open == '[' ? Field::Shape::kList : Field::Shape::kMap;
    field.count = ReadBounds();
    return field;
  }

  Field ReadScalar() {
    Field field;
    if (Take('#')) {
      field.type = Take('-') ? Field::Type::kInteger : Field::Type::kUnsigned;
    } else if (Take('@')) {
      field.type = Field::Type::kPort;
    } else if (Take('%')) {
      field.type = Field::Type::kNumber;
    } else if (Take('?')) {
      field.type = Field::Type::kBool;
    } else if (Take('~')) {
      field.type = Take('0') ? Field::Type::kAnyDuration : Field::Type::kDuration;
    } else if (Take('*')) {
      field.type = Field::Type::kAny;
    } else if (Take('=')) {
      field.type = Field::Type::kWord;
      field.words = Words();
    } else if (Take('{')) {
      field.type = Field::Type::kObject;
      field.fields = std::make_shared<const Fields>(Read());
      Check(Take('}'), "an open brace in the notation of Istio kinds");
    }
    field.bounds = ReadBounds();
    return field;
  }

  Bounds ReadBounds() {
    Bounds bounds;
    if (!Take('(')) return bounds;
    const std::size_t dots = text_.find("..", at_), end = text_.find(')', at_);
    Check(end != std::string_view::npos && dots < end, "bounds in the notation of Istio kinds");
    const std::string least(text_.substr(at_, dots - at_));
    const std::string most(text_.substr(dots + 2, end - dots - 2));
    if (!least.empty()) bounds.least = std::atof(least.c_str());
    if (!most.empty()) bounds.most = std::atof(most.c_str());
    at_ = end + 1;
    return bounds;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Fields ReadFields(std::string_view notation) { return Notation(notation).Read(); }

}  // namespace weft::emit::check
