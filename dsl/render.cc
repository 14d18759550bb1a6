#include "dsl/render.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft {
namespace {

constexpr std::size_t kMaxShown = 160;  // columns of a source line that are shown

struct Glyphs {
  std::string_view bar, corner;
};

std::size_t CodePoints(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

// Characters that would move the cursor, change colours or the order of what is shown: what a
// terminal must not get from a policy. `stand_in` replaces each of them; "" writes its number.
std::string Printable(std::string_view text, std::string_view stand_in) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto at = [&](std::size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U;
    };
    std::uint32_t code = 0;  // of a character that is not shown
    std::size_t length = 1;
    if (byte < 0x20 || byte == 0x7f) {
      code = byte;
    } else if (byte == 0xC2 && at(1) >= 0x80 && at(1) <= 0x9F) {  // C1
      code = at(1);
      length = 2;
    } else if (byte == 0xE2 && at(1) == 0x80 && at(2) >= 0xAA && at(2) <= 0xAE) {
      code = 0x2000U + (at(2) & 0x3FU);
      length = 3;
    } else if (byte == 0xE2 && at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9) {
      code = 0x2040U + (at(2) & 0x3FU);
      length = 3;
    }
    if (code == 0 && byte != 0) {
      out += text[i++];
      continue;
    }
    i += length;
    out += stand_in.empty() ? fmt::format("\\u{{{:X}}}", code) : std::string(stand_in);
  }
  return out;
}

// Tabs as single blanks, so that marks stand below what they mark.
std::string Blanked(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\t', ' ');
  return out;
}

std::string Printable(std::string_view text) { return Printable(text, ""); }

class Renderer {
 public:
  Renderer(const SourceMap& sources, const RenderOptions& options)
      : sources_(sources),
        file_(options.file),
        color_(options.color),
        glyphs_(options.plain ? Glyphs{"|", "-->"} : Glyphs{"│", "┌─"}),
        stand_in_(options.plain ? "?" : "\xEF\xBF\xBD") {}

  std::string Render(const Diagnostic& d) {
    std::size_t width = 1;
    if (IsShown(d.span)) width = std::max(width, LineWidth(d.span));
    for (const Label& label : d.related) {
      if (IsShown(label.span)) width = std::max(width, LineWidth(label.span));
    }
    width_ = width;
    out_ = FirstLine(d);
    if (IsShown(d.span)) Snippet(d.span, '^', d.label, SeverityStyle(d.severity));
    for (const Label& label : d.related) {
      if (!IsShown(label.span)) {
        out_ += "  " + Printable(label.message) + "\n";
        continue;
      }
      const LineColumn at = sources_.Locate(label.span.file, label.span.begin);
      out_ += fmt::format("{:{}} {} {}:{}:{}\n", "", width_, glyphs_.corner, FileName(label.span),
                          at.line, at.column);
      Snippet(label.span, '-', label.message, "36");
    }
    for (const std::string& note : d.notes) out_ += "  " + Printable(note) + "\n";
    if (!d.help.empty()) out_ += "  " + Style("1", "help:") + " " + Printable(d.help) + "\n";
    if (d.edit) ShowEdit(*d.edit);
    if (d.clusters.size() > 1) {
      out_ += "  in clusters " + fmt::format("{}", fmt::join(d.clusters, ", ")) + "\n";
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool IsShown(Span span) const {
    return span.IsKnown() && sources_.Contains(span.file);
  }

  [[nodiscard]] std::size_t LineWidth(Span span) const {
    return std::to_string(sources_.Locate(span.file, span.begin).line).size();
  }

  static std::string_view SeverityStyle(Severity severity) {
    switch (severity) {
      case Severity::kError:
        return "1;31";
      case Severity::kWarning:
        return "1;33";
      case Severity::kNote:
        return "1;34";
    }
    return "";
  }

  [[nodiscard]] std::string Style(std::string_view style, std::string_view text) const {
    if (!color_) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", style, text);
  }

  [[nodiscard]] std::string FirstLine(const Diagnostic& d) const {
    std::string place = "weft";
    if (IsShown(d.span)) {
      const LineColumn at = sources_.Locate(d.span.file, d.span.begin);
      place = fmt::format("{}:{}:{}", FileName(d.span), at.line, at.column);
    }
    const std::string head =
        fmt::format("{}[W{:04} {}]:", SeverityName(d.severity), d.number, d.name);
    return fmt::format("{}: {} {}\n", place, Style(SeverityStyle(d.severity), head),
                       Style("1", Printable(d.message)));
  }

  void Snippet(Span span, char mark, const std::string& label, std::string_view style) {
    const LineColumn at = sources_.Locate(span.file, span.begin);
    const std::string_view line = sources_.Line(span.file, at.line);
    const LineColumn last = sources_.Locate(span.file, std::max(span.begin, span.end));
    const std::uint32_t start = LineStart(span);
    const Window window = WindowOf(line, span.begin - start);
    const std::size_t rest = CodePoints(window.text.substr(window.mark));
    const std::size_t length = last.line == at.line && last.column > at.column
                                   ? std::min<std::size_t>(last.column - at.column, rest)
                                   : rest;
    const std::string shown = std::string(window.before) +
                              Printable(Blanked(window.text), stand_in_) +
                              std::string(window.after);
    const std::size_t column =
        CodePoints(window.before) + CodePoints(window.text.substr(0, window.mark)) + 1;
    out_ += fmt::format("{:>{}} {} {}\n", at.line, width_, glyphs_.bar, shown);
    const std::string marks(std::max<std::size_t>(length, 1), mark);
    out_ += fmt::format("{:{}} {} {:{}}{}\n", "", width_, glyphs_.bar, "", column - 1,
                        Style(style, label.empty() ? marks : marks + " " + Printable(label)));
  }

  // The part of a line that is shown.
  struct Window {
    std::string_view text;
    std::size_t mark = 0;  // byte of the text that the mark stands below
    std::string_view before, after;
  };

  // All of a short line; of a long one what stands around the byte `at`.
  static Window WindowOf(std::string_view line, std::size_t at) {
    at = std::min(at, line.size());
    if (line.size() <= kMaxShown) return {line, at, "", ""};
    const auto inside = [&](std::size_t i) {  // a character
      return i < line.size() && (static_cast<unsigned char>(line[i]) & 0xC0U) == 0x80U;
    };
    std::size_t begin = at > 40 ? at - 40 : 0;
    while (begin > 0 && inside(begin)) --begin;
    std::size_t end = std::min(begin + kMaxShown, line.size());
    while (inside(end)) ++end;
    return {line.substr(begin, end - begin), at - begin, begin > 0 ? "..." : "",
            end < line.size() ? "..." : ""};
  }

  void ShowEdit(const Edit& edit) {
    if (!IsShown(edit.span) || edit.text.find('\n') != std::string::npos) return;
    const LineColumn at = sources_.Locate(edit.span.file, edit.span.begin);
    const std::string_view line = sources_.Line(edit.span.file, at.line);
    const std::uint32_t begin = LineStart(edit.span);
    if (edit.span.end - begin > line.size() || line.size() > kMaxShown) return;
    std::string text(line);
    text.replace(edit.span.begin - begin, edit.span.end - edit.span.begin, edit.text);
    out_ += fmt::format("{:>{}} {} {}\n", at.line, width_, Style("32", "+"),
                        Style("32", Printable(Blanked(text), stand_in_)));
  }

  [[nodiscard]] std::uint32_t LineStart(Span span) const {
    const std::string& text = sources_.Get(span.file).text;
    std::uint32_t at = std::min<std::uint32_t>(span.begin, static_cast<std::uint32_t>(text.size()));
    while (at > 0 && text[at - 1] != '\n') --at;
    return at;
  }

  [[nodiscard]] std::string FileName(Span span) const {
    const Source& source = sources_.Get(span.file);
    return Printable(file_ ? file_(source) : source.name);
  }

  const SourceMap& sources_;
  std::function<std::string(const Source&)> file_;
  bool color_;
  Glyphs glyphs_;
  std::string_view stand_in_;  // for a character that is not shown, in a line of source
  std::size_t width_ = 1;
  std::string out_;
};

}  // namespace

std::string RenderHuman(const Diagnostic& diagnostic, const SourceMap& sources,
                        const RenderOptions& options) {
  return Renderer(sources, options).Render(diagnostic);
}

std::string CountText(std::size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string CountLine(std::size_t errors, std::size_t warnings) {
  if (errors == 0 && warnings == 0) return "";
  if (warnings == 0) return CountText(errors, "error");
  if (errors == 0) return CountText(warnings, "warning");
  return CountText(errors, "error") + ", " + CountText(warnings, "warning");
}

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "";
}

}  // namespace weft
