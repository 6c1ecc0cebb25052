// What happens to one product of a live store: it is put (added, or replaced as a whole) or removed. A record of its journal.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "schema/container.hpp"

namespace argosy {

inline constexpr file_kind change_journal_kind = {"product-changes", 1};

struct field_value {
  std::string field, text;
  bool number = false;
  friend bool operator==(const field_value&, const field_value&) = default;
};

struct product_change {
  std::string id;
  bool removed = false;  // then nothing but the id counts
  std::string title, image;
  std::vector<field_value> fields = {};
  std::vector<float> vector = {};  // its embedding
  friend bool operator==(const product_change&, const product_change&) = default;
};

std::vector<std::byte> encode(const product_change&);
// corrupt for what is no such record.
result<product_change> decode_change(std::span<const std::byte>);

}  // namespace argosy
