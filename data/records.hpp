// Reading what a shop has: catalogues and search logs, JSON lines or TSV with a header, plain or gzip, record by record in constant memory.
//   catalogue   id, title, image; a record needs an id and at least one of title and image. Further fields are kept out of the
//               model: catalogue_fields.hpp
//   log         query, product_id, and optionally timestamp, user_id, event
//   queries     query_id, query, and optionally needs_image
//   qrels       query_id, product_id, grade
// The format is told from the content: gzip by its magic, JSON lines by a first `{`.
// A bad record is handed to `refuse` with its line and reason, and reading goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "data/catalogue_fields.hpp"

namespace argosy {

struct product_record {
  std::string id, title, image;  // title or image may be empty, not both
  std::vector<field_value> further;
};
struct log_record {
  std::string query, product_id;
};
struct query_record {
  std::string query_id, query;
  bool needs_image = false;
};
struct qrel_record {
  std::string query_id, product_id;
  int grade = 0;
};

struct refusal {
  std::uint64_t line = 0;  // from 1, in the decompressed file
  std::string reason;      // one of a few fixed words, counted in the report: "title and image missing"
  std::string detail;
};
using refuse = std::function<void(const refusal&)>;

// Calls `take` for every good record in the order of the file. Returns failures of the file itself (missing, truncated gzip,
// a header without a needed column) and whatever `take` returns.
status read_products(const std::filesystem::path&, const std::function<status(std::uint64_t line, product_record)>& take, const refuse&);
status read_log(const std::filesystem::path&, const std::function<status(std::uint64_t line, log_record)>& take, const refuse&);
status read_queries(const std::filesystem::path&, bool* has_needs_image,
                    const std::function<status(std::uint64_t line, query_record)>& take, const refuse&);
status read_qrels(const std::filesystem::path&, const std::function<status(std::uint64_t line, qrel_record)>& take, const refuse&);

// Images by name, from a folder or from a tar (plain or gzip), which is indexed once and read at random.
class image_source {
public:
  static result<image_source> open(const std::filesystem::path& folder_or_tar);
  // The encoded bytes. not_found, io_error, or out_of_range above image_limits::bytes; names may not leave the folder. In a folder `images`,
  // `images/1.jpg` is also looked for as `1.jpg`.
  result<std::vector<std::byte>> read(std::string_view name) const;

private:
  struct impl;
  explicit image_source(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

}  // namespace argosy
