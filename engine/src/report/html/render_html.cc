// The page is a frame (page.html) with gaps: {{title}}, {{style}}, {{data}}, … Everything of the run goes through
// exactly two doors: `escaped` for text in HTML and `script_json` for the data, which page.js puts into the document as
// text, never as markup. So whatever a plan or a server calls its things, it stays a name.

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "lgen/embedded.h"
#include "lgen/report.h"
#include "lgen/text.h"
#include "page_data.h"

namespace lgen {

extern const EmbeddedFile kHtmlFiles[];
extern const std::size_t kHtmlFiles_count;

namespace {

constexpr std::size_t kMostText = 40'000;  // for those without scripts

std::string_view file(std::string_view name) {
  const auto* const end = kHtmlFiles + kHtmlFiles_count;
  const auto* const found =
      std::find_if(kHtmlFiles, end, [&](const EmbeddedFile& f) { return f.name.ends_with(name); });
  if (found == end) throw std::logic_error("not compiled in: " + std::string(name));
  return found->text;
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// JSON in which nothing can end the script element it stands in.
std::string script_json(const html::Json& data) {
  const std::string plain = data.dump(-1, ' ', false, html::Json::error_handler_t::replace);
  std::string out;
  out.reserve(plain.size());
  for (const char c : plain) {
    switch (c) {
      case '<':
        out += "\\u003c";
        break;
      case '>':
        out += "\\u003e";
        break;
      case '&':
        out += "\\u0026";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string title_of(const RunInfo& run) { return printable(run.plan_name.empty() ? run.plan : run.plan_name); }

/// The whole lines at the start of `text`, `most` bytes at most: a run with thousands of checks has more of them
/// than a page should.
std::string_view beginning(std::string_view text, std::size_t most) {
  return text.size() <= most ? text : text.substr(0, text.rfind('\n', most) + 1);
}

/// What `gap` of the frame is filled with.
std::string filling(std::string_view gap, const Summary& summary, bool live) {
  if (gap == "connect") return live ? "; connect-src 'self'" : "";
  if (gap == "live") return live ? fmt::format("<script>\n{}</script>\n", file("live.js")) : "";
  if (gap == "title") return escaped(title_of(summary.run));
  if (gap == "data") return script_json(html::page_data(summary));
  if (gap == "text") return escaped(beginning(render_console(summary, {false, 100}), kMostText));
  return std::string(file(gap));
}

std::string page_of(const Summary& summary, bool live) {
  std::string_view frame = file("page.html");
  std::string out;
  for (std::size_t at = frame.find("{{"); at != std::string_view::npos; at = frame.find("{{")) {
    const std::size_t end = frame.find("}}", at);
    out += frame.substr(0, at);
    out += filling(frame.substr(at + 2, end - at - 2), summary, live);
    frame.remove_prefix(end + 2);
  }
  return out.append(frame);
}

}  // namespace

std::string render_html(const Summary& summary) { return page_of(summary, false); }

std::string render_live_page(const Summary& summary) { return page_of(summary, true); }

}  // namespace lgen
