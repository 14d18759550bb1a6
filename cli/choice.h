// Flags that take one of a few words: a wrong one is answered with the nearest, and the list.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cli/output.h"

namespace weft::cli {

[[nodiscard]] inline std::string NoChoice(const std::string& word,
                                          const std::vector<std::string>& known) {
  std::string list;
  for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
  return "there is no `" + word + "`" + DidYouMean(word, known, "; there are " + list);
}

// One of the words.
[[nodiscard]] inline CLI::Validator Choice(std::vector<std::string> known) {
  return CLI::Validator(
      [known = std::move(known)](std::string& word) {
        const bool is_known = std::find(known.begin(), known.end(), word) != known.end();
        return is_known ? std::string() : NoChoice(word, known);
      },
      "");
}

// One of the words, each of which stands for a value of an enumeration.
template <typename Enum>
[[nodiscard]] CLI::Validator Choice(std::vector<std::pair<std::string, Enum>> known) {
  return CLI::Validator(
      [known = std::move(known)](std::string& word) {
        std::vector<std::string> words;
        for (const auto& [name, value] : known) {
          if (name != word) {
            words.push_back(name);
            continue;
          }
          word = std::to_string(static_cast<std::underlying_type_t<Enum>>(value));
          return std::string();
        }
        return NoChoice(word, words);
      },
      "");
}

}  // namespace weft::cli
