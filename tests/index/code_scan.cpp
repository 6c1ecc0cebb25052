#include "index/code_scan.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "base/random.hpp"

using namespace argosy;

namespace {

std::uint32_t drawn(std::uint32_t which, std::uint32_t of) { return random_bits({.seed = 7}, which, of); }

std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint32_t which, std::uint32_t most) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(drawn(which, static_cast<std::uint32_t>(i)) % (most + 1));
  return bytes;
}

struct scanned {
  std::vector<std::uint16_t> sums;
  std::vector<std::uint32_t> hits;
  bool operator==(const scanned&) const = default;
};
scanned scan(const scan_kernels& by, const std::vector<std::uint8_t>& codes, std::size_t blocks, const std::vector<std::uint8_t>& table,
             int threshold) {
  scanned found{std::vector<std::uint16_t>(blocks * block_vectors), std::vector<std::uint32_t>(blocks)};
  by.scan(codes.data(), blocks, table.data(), table.size() / part_entries, threshold, found.sums.data(), found.hits.data());
  return found;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(code_scans)

BOOST_AUTO_TEST_CASE(this_machine_has_these_versions) {
  std::string names;
  for (const auto& each : available_scan_kernels()) names += std::string(names.empty() ? "" : ", ") + each.name;
  BOOST_TEST_MESSAGE("compared here: " << names);
  BOOST_TEST(std::string(available_scan_kernels().back().name) == "plain");
}

BOOST_AUTO_TEST_CASE(the_plain_scan_is_the_definition) {
  const std::size_t parts = 8;
  const auto codes = random_bytes(2 * block_bytes(parts), 1, 255), table = random_bytes(parts * part_entries, 2, 127);
  const auto found = scan(plain_scan, codes, 2, table, 500);
  for (std::size_t v = 0; v < 2 * block_vectors; ++v) {
    unsigned sum = 0;
    for (std::size_t m = 0; m < parts; ++m) {
      const unsigned both = codes[v / 32 * block_bytes(parts) + m * part_bytes + v % 16];
      sum += table[m * part_entries + (v % 32 < 16 ? both & 15 : both >> 4)];
    }
    BOOST_TEST(found.sums[v] == sum);
    BOOST_TEST((found.hits[v / 32] >> (v % 32) & 1) == (sum > 500 ? 1u : 0u));
  }
}

BOOST_AUTO_TEST_CASE(every_version_gives_the_plain_sums_and_hits) {
  for (const auto& each : available_scan_kernels()) {
    for (const std::size_t parts : {8u, 16u, 24u, 64u, 128u, 256u, 264u, 512u}) {
      const auto limit = static_cast<std::uint32_t>(entry_limit(parts));
      for (const std::uint32_t least : {0u, limit}) {  // with `limit` every sum is the largest there can be
        auto table = random_bytes(parts * part_entries, 3, limit);
        for (auto& entry : table) entry = std::max(entry, static_cast<std::uint8_t>(least));
        const auto codes = random_bytes(3 * block_bytes(parts), 4, 255);
        const int middle = static_cast<int>(parts * limit / 2);
        for (const int threshold : {-2, -1, 0, middle - 1, middle, middle + 1, 32766, 32767, 40000}) {
          BOOST_TEST((scan(each, codes, 3, table, threshold) == scan(plain_scan, codes, 3, table, threshold)),
                     each.name << ", " << parts << " parts, threshold " << threshold);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_version_gives_the_plain_dot_product) {
  for (const auto& each : available_scan_kernels()) {
    for (const std::size_t columns : {32u, 64u, 96u, 256u, 1024u}) {
      const int limit = query_limit(columns);
      for (const int kind : {0, 1, 2}) {  // random; all at the limit; alternating at the limit
        std::vector<std::int16_t> query(columns);
        std::vector<std::int8_t> row(columns);
        std::int64_t expected = 0;
        for (std::size_t i = 0; i < columns; ++i) {
          const auto at = static_cast<std::uint32_t>(i);
          const int q = static_cast<int>(drawn(5, at) % static_cast<std::uint32_t>(2 * limit + 1)) - limit;
          const int sign = kind == 2 && i % 2 == 1 ? -1 : 1;
          query[i] = static_cast<std::int16_t>(kind == 0 ? q : sign * limit);
          row[i] = static_cast<std::int8_t>(kind == 0 ? static_cast<int>(drawn(6, at) % 255) - 127 : sign * 127);
          expected += std::int64_t{query[i]} * row[i];
        }
        BOOST_TEST(each.dot(query.data(), row.data(), columns) == expected, each.name << ", " << columns << " columns, kind " << kind);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
