#include "search/product_edit.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "data/catalogue_fields.hpp"
#include "data/utf8.hpp"

namespace argosy {
namespace {

using nlohmann::json;

constexpr int deepest = 8;  // more than a catalogue's fields have; each level of a body costs memory

status refused(const std::string& field, const std::string& why) { return {errc::invalid_argument, field + ": " + why}; }

result<json> read_object(std::string_view text) {
  if (const auto bad = first_invalid_utf8(text); bad != std::string_view::npos)
    return status(errc::invalid_argument, "want UTF-8, found other bytes at byte " + std::to_string(bad + 1));
  bool too_deep = false;
  const auto shallow = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > deepest;
    return !too_deep;
  };
  json object;
  try {
    object = json::parse(text, shallow);
  } catch (const json::exception& broken) {
    if (!too_deep) return status(errc::invalid_argument, "want a JSON object: " + one_line(broken.what()));
  }
  if (too_deep) return status(errc::invalid_argument, "want JSON of at most " + std::to_string(deepest) + " levels, found more");
  if (!object.is_object()) return status(errc::invalid_argument, std::string("want a JSON object, found ") + object.type_name());
  return object;
}

// A text that a product has once; the member is taken out.
result<std::string> take_text(json& object, const std::string& name) {
  const auto found = object.find(name);
  if (found == object.end()) return std::string();
  const json value = std::move(*found);
  object.erase(found);
  if (value.is_null()) return std::string();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_integer() || value.is_boolean()) return value.dump();
  return refused(name, std::string("want a string or an integer, got ") + value.type_name());
}

result<std::string> take_id(json& object, const std::string& id) {
  ARGOSY_ASSIGN(std::string own, take_text(object, "id"));
  if (own.empty() && id.empty()) return refused("id", "want the product's, found none");
  if (!own.empty() && !id.empty() && own != id) return refused("id", "want `" + id + "`, as in the path, got `" + own + "`");
  if (!id.empty()) own = id;
  if (const auto bad = first_invalid_utf8(own); bad != std::string::npos)
    return refused("id", "want UTF-8, found other bytes at byte " + std::to_string(bad + 1));
  return own;
}

std::optional<unsigned> six_bits(char digit) noexcept {
  if (digit >= 'A' && digit <= 'Z') return static_cast<unsigned>(digit - 'A');
  if (digit >= 'a' && digit <= 'z') return static_cast<unsigned>(digit - 'a') + 26;
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0') + 52;
  if (digit == '+') return 62;
  return digit == '/' ? std::optional(63u) : std::nullopt;
}

result<std::vector<std::byte>> from_base64(const std::string& field, std::string_view text) {
  if (text.size() % 4 != 0) return refused(field, "want base64, whose length is a multiple of 4, got " + std::to_string(text.size()));
  std::size_t digits = text.size();
  while (digits > 0 && text.size() - digits < 2 && text[digits - 1] == '=') --digits;
  std::vector<std::byte> bytes;
  bytes.reserve(digits * 3 / 4);
  unsigned group = 0;
  for (std::size_t at = 0; at < digits; ++at) {
    const auto bits = six_bits(text[at]);
    if (!bits) return refused(field, "want base64, found another character at " + std::to_string(at + 1));
    group = group << 6 | *bits;
    if (at % 4 > 0) bytes.push_back(static_cast<std::byte>(group >> (6 - 2 * (at % 4)) & 0xFFu));
  }
  return bytes;
}

result<product_edit> put_of(json object, const std::string& id) {
  product_edit edit{product_edit::what::put, {}};
  ARGOSY_ASSIGN(edit.id, take_id(object, id));
  ARGOSY_ASSIGN(edit.title, take_text(object, "title"));
  ARGOSY_ASSIGN(edit.image, take_text(object, "image"));
  ARGOSY_ASSIGN(const std::string photograph, take_text(object, "photograph"));
  ARGOSY_ASSIGN(edit.photograph, from_base64("photograph", photograph));
  for (const auto& [name, value] : object.items()) take_json_values(name, value, edit.fields);
  return edit;
}

// Members of an object are fields of their own: `attributes.Pattern`.
void take_replaced(const std::string& name, const json& value, std::vector<std::string>& to) {
  if (!value.is_object()) return to.push_back(name);
  for (const auto& [member, held] : value.items()) to.push_back(std::string(name).append(".").append(member));
}

result<product_edit> patch_of(json object, const std::string& id) {
  product_edit edit{product_edit::what::patch, {}};
  ARGOSY_ASSIGN(edit.id, take_id(object, id));
  for (const char* whole : {"title", "image", "photograph"})
    if (object.contains(whole))
      return refused(whole, "want fields alone, which the embedding does not depend on: put the product as a whole");
  if (object.empty()) return status(errc::invalid_argument, "want a field to change, found none");
  for (const auto& [name, value] : object.items()) {
    take_replaced(name, value, edit.replaced);
    take_json_values(name, value, edit.fields);
  }
  return edit;
}

result<product_edit> edit_of(json object) {
  if (object.size() == 1 && object.begin().key() == "remove") {
    product_edit edit;
    ARGOSY_ASSIGN(edit.id, take_text(object, "remove"));
    if (edit.id.empty()) return refused("remove", "want a product's id, found none");
    return edit;
  }
  if (object.size() != 1 || object.begin().key() != "patch") return put_of(std::move(object), {});
  if (!object["patch"].is_object()) return refused("patch", std::string("want an object, got ") + object["patch"].type_name());
  return patch_of(std::move(object["patch"]), {});
}

}  // namespace

result<product_edit> read_put(std::string_view text, const std::string& id) {
  ARGOSY_ASSIGN(json object, read_object(text));
  return put_of(std::move(object), id);
}

result<product_edit> read_patch(std::string_view text, const std::string& id) {
  ARGOSY_ASSIGN(json object, read_object(text));
  return patch_of(std::move(object), id);
}

std::vector<edit_line> read_edit_lines(std::string_view body) {
  const auto read = [](std::string_view line) -> result<product_edit> {
    ARGOSY_ASSIGN(json object, read_object(line));
    return edit_of(std::move(object));
  };
  std::vector<edit_line> lines;
  for (std::uint64_t number = 1; !body.empty(); ++number) {
    const std::string_view line = body.substr(0, body.find('\n'));
    body.remove_prefix(std::min(body.size(), line.size() + 1));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) lines.push_back({number, read(line)});
  }
  return lines;
}

}  // namespace argosy
