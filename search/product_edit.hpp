// What a user asks to be done to one product, read from JSON: the product as a line of a catalogue has it (data/records.hpp,
// data/catalogue_fields.hpp), or its fields alone.
//   put     {"id", "title", "image", fields..}: added, or replaced as a whole. `photograph` has the picture itself, in base64 (RFC 4648,
//           section 4)
//   patch   {fields..}: these get new values, null takes them away (RFC 7396); the others, the title and the picture stay, and so does the
//           embedding
//   remove
// A batch is JSON lines: a product, {"patch": {"id", fields..}} or {"remove": ID}.
// Errors   invalid_argument, and names the field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "schema/product_change.hpp"

namespace argosy {

struct product_edit {
  enum class what { put, patch, remove };
  what verb = what::remove;
  std::string id;
  std::string title = {}, image = {};      // of a put
  std::vector<std::byte> photograph = {};  // of a put: encoded; empty: none
  std::vector<field_value> fields = {};    // of a put: all; of a patch: new values
  std::vector<std::string> replaced = {};  // of a patch: fields whose values go, those within them (NAME.x) too
};

// `id` as the request has it; one in the JSON has to be the same.
result<product_edit> read_put(std::string_view json, const std::string& id);
result<product_edit> read_patch(std::string_view json, const std::string& id);

struct edit_line {
  std::uint64_t number = 0;  // from 1; blank lines count and are left out
  result<product_edit> edit;
};
std::vector<edit_line> read_edit_lines(std::string_view body);

}  // namespace argosy
