#include "engine/path.h"

#include <vector>

namespace weft::engine {
namespace {

std::string DecodeSlashes(std::string_view path) {
  std::string decoded;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string_view code = path.substr(i, 3);
    if (code == "%2F" || code == "%2f") {
      decoded += '/';
      i += 2;
    } else if (code == "%5C" || code == "%5c") {
      decoded += '\\';
      i += 2;
    } else {
      decoded += path[i];
    }
  }
  return decoded;
}

std::string MergeSlashes(std::string_view path) {
  std::string merged;
  for (const char c : path) {
    if (c != '/' || merged.empty() || merged.back() != '/') merged += c;
  }
  return merged;
}

// RFC 3986 5.2.4 over '/' and '\'.
std::string ResolveDots(std::string_view path) {
  std::vector<std::string> segments;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    std::size_t end = path.find('/', begin);
    if (end == std::string_view::npos) end = path.size();
    const std::string_view segment = path.substr(begin, end - begin);
    const bool last = end == path.size();
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
      if (last) segments.emplace_back();
    } else if (segment == ".") {
      if (last) segments.emplace_back();
    } else {
      segments.emplace_back(segment);
    }
    begin = end + 1;
  }
  std::string resolved;
  for (const std::string& segment : segments) resolved += "/" + segment;
  return resolved.empty() ? "/" : resolved;
}

}  // namespace

std::string NormalizePath(std::string_view path, PathNormalization mode) {
  std::string text(path);
  if (mode == PathNormalization::kNone || text.empty() || text.front() != '/') return text;
  if (mode == PathNormalization::kDecodeAndMergeSlashes) text = DecodeSlashes(text);
  for (char& c : text) {
    if (c == '\\') c = '/';
  }
  if (mode != PathNormalization::kBase) text = MergeSlashes(text);
  return ResolveDots(text);
}

}  // namespace weft::engine
