#include "index/query_sample.hpp"

#include <cmath>

#include "schema/container.hpp"

namespace argosy {
namespace {

constexpr file_kind sample_kind = {"query-sample", 1};

}  // namespace

status write_query_sample(const std::filesystem::path& folder, const_view queries) {
  ARGOSY_ASSIGN(auto file, container_writer::create(folder / query_sample_name, sample_kind));
  const std::uint64_t columns[] = {static_cast<std::uint64_t>(queries.cols)};
  ARGOSY_TRY(file.add("columns", std::span<const std::uint64_t>(columns)));
  ARGOSY_TRY(file.begin("embedding", element::f32));
  for (std::int64_t q = 0; q < queries.rows; ++q) ARGOSY_TRY(file.append(std::span(queries.row<float>(q), columns[0])));
  return file.finish();
}

result<std::vector<float>> read_query_sample(const std::filesystem::path& folder, std::size_t columns) {
  ARGOSY_ASSIGN(const auto file, container_reader::open(folder / query_sample_name, sample_kind));
  ARGOSY_ASSIGN(const auto stored, file.section<std::uint64_t>("columns"));
  ARGOSY_ASSIGN(const auto values, file.section<float>("embedding"));
  if (stored.size() != 1 || stored[0] != columns || values.size() % columns != 0)
    return status(errc::corrupt, file.path().string() + ": want queries of " + std::to_string(columns) + " columns, found others");
  for (const float value : values) {
    if (!std::isfinite(value))
      return status(errc::corrupt, file.path().string() + ": section embedding: want finite numbers, found another");
  }
  return std::vector<float>(values.begin(), values.end());
}

}  // namespace argosy
