// Which fields an Istio kind has, and what each may hold.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::emit::check {

struct Fields;

// Bounds, both inclusive; of a number, of a text's length in bytes, or of how many there are.
struct Bounds {
  std::optional<double> least, most;
};

struct Field {
  enum class Type {
    kString,
    kUnsigned,  // 0..2^32-1
    kInteger,   // of 32 bits, signed
    kPort,      // 1..65535
    kNumber,
    kBool,
    kDuration,     // at least a millisecond
    kAnyDuration,  // also none
    kAny,
    kWord,  // one of `words`
    kObject
  };
  enum class Shape { kOne, kList, kMap };

  Type type = Type::kString;
  Shape shape = Shape::kOne;
  bool required = false;
  Bounds bounds;  // of the value, or of each element
  Bounds count;   // kList, kMap
  std::vector<std::string> words;
  std::shared_ptr<const Fields> fields;  // kObject
};

struct Fields {
  std::map<std::string, Field, std::less<>> named;
  std::vector<std::vector<std::string>> exclusive;  // at most one of each group is set
};

// The fields of `spec` of a kind that weft emits; nullptr for any other kind. As the CRDs of Istio
// 1.31 have them (istio/istio manifests/charts/base/files/crd-all.gen.yaml).
[[nodiscard]] const Fields* FieldsOf(std::string_view kind);

// Reads the notation the kinds are written in:
//
//   a        a string               a#    an unsigned integer     a?   a Boolean
//   a#-      an integer             a@    a port                  a%   a number
//   a~       a duration             a~0   a duration, also zero   a*   anything
//   a=X|Y    one of the words       a{…}  an object
//   a[T]     a list of T            a<T>  a map to T              !a   must be there
//   ^a|b     at most one of these
//
// A type may be followed by bounds, as may the whole list or map: `a(1..63)`, `a[(..9)](1..)`.
[[nodiscard]] Fields ReadFields(std::string_view notation);

}  // namespace weft::emit::check
