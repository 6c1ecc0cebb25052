// Records by field, from JSON lines or TSV with a header: what the readers of catalogues, logs, queries and judgements share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/records.hpp"

namespace argosy {

struct wanted_field {
  std::string_view name;
  bool needed = false;  // a TSV header without it is refused
};

struct field_values {
  std::vector<std::string> wanted;  // in the order asked for; empty where the record has none
  std::vector<field_value> further;

  std::string& operator[](std::size_t i) { return wanted[i]; }
};

struct record_sink {
  std::function<status(std::uint64_t line, field_values)> take;
  std::function<status(const refusal&)> refuse;  // a failure ends the reading
  bool further = false;                          // whether the fields that are not wanted are
};

// `want` describes the file for errors: "a log".
status read_records(const std::filesystem::path&, std::string_view want, std::span<const wanted_field>, const record_sink&);

// The readers of records.hpp with a say in refusals: a failure of `refuse` ends the reading.
using judge = std::function<status(const refusal&)>;
status read_products_until(const std::filesystem::path&, const std::function<status(std::uint64_t line, product_record)>& take,
                           const judge& refuse);
status read_log_until(const std::filesystem::path&, const std::function<status(std::uint64_t line, log_record)>& take, const judge& refuse);

}  // namespace argosy
