// Products as they come by HTTP to be changed: JSON of one, or JSON lines of many. The first byte chooses.
#include "search/product_edit.hpp"

#include "data/utf8.hpp"
#include "tests/fuzz/target.hpp"

namespace argosy::fuzz {
namespace {

bool is_text(const std::string& text) { return first_invalid_utf8(text) == std::string::npos; }

// What is taken goes into the journal, and comes out of it.
void check(const product_edit& edit, std::size_t length) {
  ARGOSY_CHECK(!edit.id.empty() && is_text(edit.id) && is_text(edit.title) && is_text(edit.image));
  ARGOSY_CHECK(edit.photograph.size() <= length);
  for (const field_value& value : edit.fields) {
    ARGOSY_CHECK(is_text(value.field) && is_text(value.text));
    ARGOSY_CHECK(!value.number || reads_as_number(value.text));
  }
  const product_change change{edit.id, edit.verb == product_edit::what::remove, edit.title, edit.image, edit.fields};
  ARGOSY_CHECK(required(decode_change(encode(change))) == change);
}

void take(std::span<const std::byte> input) {
  if (input.empty()) return;
  const std::string_view json = text_of(input.subspan(1));
  switch (std::to_integer<unsigned>(input.front()) % 3) {
    case 0:
      if (const auto edit = read_put(json, "77"); edit.ok()) check(*edit, json.size());
      return;
    case 1:
      if (const auto edit = read_patch(json, "77"); edit.ok()) check(*edit, json.size());
      return;
    default: break;
  }
  std::uint64_t last = 0;
  for (const edit_line& line : read_edit_lines(json)) {
    ARGOSY_CHECK(line.number > last);
    last = line.number;
    if (line.edit.ok()) check(*line.edit, json.size());
  }
}

std::vector<bytes> seeds() {
  return bytes_of_each(
      {R"(0{"id": 77, "title": "red dress", "image": "77.jpg", "brand": ["A", "B"], "price": 49.5, "attributes": {"Size": "M"}})",
       R"(0{"title": "\u8fde\u8863\u88d9", "photograph": "aGVsbG8=", "category_path": ["Apparel", "Shoes"], "new": true})",
       R"(1{"price": 39, "season": null, "attributes": {"Size": null}})",
       "2{\"id\": \"a\", \"title\": \"t\"}\n\n{\"patch\": {\"id\": \"b\", \"price\": -1e3}}\n{\"remove\": \"c\"}\n"});
}

const registered one({"product_edit", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
