// One self-contained HTML page of queries and their results with pictures: everything is inside, nothing is fetched.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/records.hpp"
#include "index/live_generation.hpp"

namespace argosy {

struct answered_query {
  std::string query;
  std::vector<hit> hits;
};

struct results_page {
  std::string heading;
  const live_generation* from = nullptr;  // outlives the call
  const image_source* images = nullptr;   // null: no pictures
};

struct drawn_page {
  std::string html;
  std::uint64_t results = 0, pictures = 0;
};

// A picture that cannot be read is left out; its result stays.
drawn_page page_of(const results_page&, std::span<const answered_query>);

// What begins every page, up to its heading, in the style that all share and then its own; and what ends it.
std::string page_begin(std::string_view heading, std::string_view own_style);
inline constexpr std::string_view page_end = "</main></body></html>\n";
std::string escape_html(std::string_view);
std::string base64(std::span<const std::byte>);
// By the first bytes: image/jpeg, image/png, image/webp; empty for anything else.
std::string_view image_type(std::span<const std::byte>) noexcept;

}  // namespace argosy
