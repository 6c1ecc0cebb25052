// What happens to one product of a live store: it is put (added, or replaced as a whole) or removed. A record of its journal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "schema/container.hpp"

namespace argosy {

inline constexpr file_kind change_journal_kind = {"product-changes", 1};

// A value of a further field of a product.
struct field_value {
  std::string field, text;
  bool number = false;  // the catalogue says that it is one
  friend bool operator==(const field_value&, const field_value&) = default;
};

// Whether all of it is one finite decimal number.
bool reads_as_number(std::string_view text) noexcept;

struct product_change {
  std::string id;
  bool removed = false;  // then nothing but the id counts
  std::string title, image;
  std::vector<field_value> fields = {};
  std::vector<float> vector = {};  // its embedding, as wide as the generation's index
  friend bool operator==(const product_change&, const product_change&) = default;
};

// A journal takes no more than longest_record of it (schema/journal.hpp).
std::vector<std::byte> encode(const product_change&);
// corrupt for what is no such record, and for one whose texts several places share: what is read is never longer than the record.
result<product_change> decode_change(std::span<const std::byte>);

}  // namespace argosy
