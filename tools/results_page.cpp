#include "tools/results_page.hpp"

#include "tools/format.hpp"

namespace argosy {
namespace {

constexpr std::string_view shared_style = R"(
body { margin: 0; background: #f6f5f2; color: #23211f; font: 16px/1.45 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; }
.about { color: #77716a; margin: 0 0 28px; }
section { margin: 0 0 36px; }
h2 { font-size: 19px; font-weight: 600; margin: 0 0 12px; padding-bottom: 6px; border-bottom: 1px solid #dcd8d0; }
)";

constexpr std::string_view style = R"(
ol { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 16px; }
li { background: #fff; border: 1px solid #e6e2da; border-radius: 8px; overflow: hidden; display: flex; flex-direction: column; }
.picture { height: 190px; display: flex; align-items: center; justify-content: center; background: #fff; color: #b5afa6; font-size: 13px; }
.picture img { height: 100%; max-width: 100%; object-fit: contain; }
.title { padding: 10px 12px 4px; font-size: 14px; flex: 1; }
.facts { padding: 0 12px 10px; font-size: 12px; color: #8a847b; display: flex; justify-content: space-between; gap: 8px; }
.facts span { overflow: hidden; text-overflow: ellipsis; }
)";

// The element of a picture; empty when there is none to show.
std::string picture(const results_page& page, std::string_view name) {
  if (page.images == nullptr || name.empty()) return {};
  const auto bytes = page.images->read(name);
  if (!bytes.ok() || image_type(*bytes).empty()) return {};
  return "<img alt=\"\" src=\"data:" + std::string(image_type(*bytes)) + ";base64," + base64(*bytes) + "\">";
}

void add_card(const results_page& page, const hit& found, drawn_page& to) {
  const product_facts facts = page.from->facts(found.row);
  const std::string image = picture(page, facts.image);
  ++to.results;
  to.pictures += image.empty() ? 0 : 1;
  to.html += "<li><div class=\"picture\">" + (image.empty() ? "no picture" : image) + "</div><div class=\"title\">" +
             escape_html(facts.title) + "</div><div class=\"facts\"><span>" + escape_html(facts.id) + "</span><span>" +
             fixed(found.score, 3) + "</span></div></li>\n";
}

void add_section(const results_page& page, const answered_query& answer, drawn_page& to) {
  to.html += "<section><h2>" + escape_html(answer.query) + "</h2>\n<ol>\n";
  for (const hit& found : answer.hits) add_card(page, found, to);
  to.html += "</ol></section>\n";
}

}  // namespace

drawn_page page_of(const results_page& page, std::span<const answered_query> answers) {
  drawn_page drawn{page_begin(page.heading, style) + "<p class=\"about\">" + grouped(page.from->products()) + " products, generation " +
                   std::to_string(page.from->published().number()) + ". The number under a picture is its similarity to the query.</p>\n"};
  for (const auto& answer : answers) add_section(page, answer, drawn);
  drawn.html += page_end;
  return drawn;
}

std::string page_begin(std::string_view heading, std::string_view own_style) {
  const std::string title = escape_html(heading);
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
         title + "</title><style>" + std::string(shared_style) + std::string(own_style) + "</style></head>\n<body><main>\n<h1>" + title +
         "</h1>\n";
}

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\'': escaped += "&#39;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

// RFC 4648, section 4.
std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t here = std::min<std::size_t>(3, bytes.size() - at);
    unsigned group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < here ? std::to_integer<unsigned>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) text += i <= here ? digits[group >> (18 - 6 * i) & 63u] : '=';
  }
  return text;
}

std::string_view image_type(std::span<const std::byte> bytes) noexcept {
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 12));
  if (head.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (head.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (head.size() == 12 && head.starts_with("RIFF") && head.substr(8) == "WEBP") return "image/webp";
  return {};
}

}  // namespace argosy
