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

struct product_change {
  struct field {
    std::string name, text;
    bool number = false;
    friend bool operator==(const field&, const field&) = default;
  };
  std::string id;
  bool removed = false;  // then nothing but the id counts
  std::string title, image;
  std::vector<field> fields;  // a value each
  std::vector<float> vector;  // its embedding
  friend bool operator==(const product_change&, const product_change&) = default;
};

std::vector<std::byte> encode(const product_change&);
// corrupt for what is no such record.
result<product_change> decode_change(std::span<const std::byte>);

}  // namespace argosy
