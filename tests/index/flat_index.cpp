#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "index/inner_product.hpp"
#include "index/vector_index.hpp"
#include "schema/container.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"
#include "tests/support/vectors.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_ok;
using test::check_refused;
using test::matrix;
using test::require_ok;
using test::scratch_folder;

using answers = std::vector<std::vector<hit>>;

std::unique_ptr<vector_index> make_index(const fs::path& path, const_view vectors) {
  require_ok(write_flat_index(path, vectors));
  auto opened = open_index(path);
  require_ok(opened.failure());
  return std::move(opened).value();
}

answers search(const vector_index& index, const_view queries, const search_options& options) {
  auto found = index.search(queries, options);
  require_ok(found.failure());
  return std::move(found).value();
}

void check_same(const answers& found, const answers& expected, const std::string& of) {
  BOOST_REQUIRE_EQUAL(found.size(), expected.size());
  for (std::size_t q = 0; q < found.size(); ++q) BOOST_TEST((found[q] == expected[q]), of << ", query " << q);
}

void check_equals_reference(const vector_index& index, const matrix& vectors, std::initializer_list<std::int64_t> counts,
                            std::initializer_list<int> threads) {
  for (const std::int64_t count : counts) {
    const auto asked = test::small_integers(count, vectors.cols, 2);
    for (const std::size_t k : {std::size_t{1}, std::size_t{10}}) {
      const auto expected = search_reference(vectors, asked, k);
      for (const int each : threads) {
        check_same(search(index, asked, {.k = k, .threads = each}), expected,
                   std::to_string(vectors.rows) + "x" + std::to_string(vectors.cols) + ", " + std::to_string(count) + " queries, k " +
                       std::to_string(k) + ", threads " + std::to_string(each));
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(flat_index)

// Small integers: scores are exact, and many ties show the order by row.
BOOST_AUTO_TEST_CASE(lanes_panels_and_groups_of_queries_give_exactly_the_reference) {
  const scratch_folder scratch;
  for (const std::int64_t rows : {1, 5, 6, 7, 61}) {
    for (const std::int64_t cols : {1, 7, 8, 9, 31, 32, 33}) {
      const auto vectors = test::small_integers(rows, cols, 1);
      const auto index = make_index(scratch / "index", vectors);
      BOOST_TEST(index->size() == static_cast<std::size_t>(rows));
      BOOST_TEST(index->columns() == static_cast<std::size_t>(cols));
      check_equals_reference(*index, vectors, {1, 2, 15, 16, 17, 127, 128, 129}, {1});
    }
  }
}

// 992 rows of 33 columns fill a tile; every 1,024 rows are worth a thread, up to three here.
BOOST_AUTO_TEST_CASE(tiles_of_rows_and_parts_of_threads_give_exactly_the_reference) {
  const scratch_folder scratch;
  for (const std::int64_t rows : {991, 992, 993, 1023, 1024, 1025, 1984, 1985, 2047, 2048, 2049, 3071, 3072, 3073}) {
    const auto vectors = test::small_integers(rows, 33, 1);
    const auto index = make_index(scratch / "index", vectors);
    check_equals_reference(*index, vectors, {1, 17}, {1, 2, 3});
  }
}

BOOST_AUTO_TEST_CASE(real_numbers_give_the_reference_up_to_rounding) {
  const scratch_folder scratch;
  const auto vectors = test::normal_matrix(3000, 96, 1), asked = test::normal_matrix(20, 96, 2);
  const auto index = make_index(scratch / "index", vectors);
  const auto found = search(*index, asked, {.k = 100, .threads = 2});
  const auto expected = search_reference(vectors, asked, 100);
  const double rounding = (96.0 / 32 + 11) * 0x1p-24 * 96 * 16;  // inner_product.hpp, with |a b| < 16
  for (std::size_t q = 0; q < found.size(); ++q) {
    BOOST_REQUIRE(found[q].size() == 100u);
    for (std::size_t i = 0; i < 100; ++i) {
      BOOST_TEST(std::abs(found[q][i].score - expected[q][i].score) <= rounding);
      const auto row = static_cast<std::int64_t>(found[q][i].row);
      BOOST_TEST(found[q][i].score ==
                 inner_product(const_view(vectors).row<float>(row), const_view(asked).row<float>(static_cast<std::int64_t>(q)), 96));
    }
  }
}

BOOST_AUTO_TEST_CASE(answers_depend_neither_on_threads_nor_on_the_batch) {
  const scratch_folder scratch;
  const auto vectors = test::normal_matrix(5000, 40, 1), asked = test::normal_matrix(40, 40, 2);
  const auto index = make_index(scratch / "index", vectors);
  const auto together = search(*index, asked, {.k = 50, .threads = 1});
  check_same(search(*index, asked, {.k = 50, .threads = 4}), together, "4 threads");
  for (std::int64_t q = 0; q < 40; ++q) {
    check_same(search(*index, const_view(asked).row_range(q, 1), {.k = 50, .threads = 2}), {together[static_cast<std::size_t>(q)]},
               "alone");
  }
}

// The reference's whole list without the rows that are not allowed.
BOOST_AUTO_TEST_CASE(only_allowed_rows_are_answered) {
  const scratch_folder scratch;
  const auto vectors = test::small_integers(130, 9, 1), asked = test::small_integers(5, 9, 2);
  const auto index = make_index(scratch / "index", vectors);
  for (const std::uint32_t every : {1u, 2u, 13u, 130u}) {
    row_set allowed(130);
    for (std::uint32_t r = 0; r < 130; r += every) allowed.insert(r);
    auto expected = search_reference(vectors, asked, 130);
    for (auto& list : expected) {
      std::erase_if(list, [&](const hit& one) { return one.row % every != 0; });
      if (list.size() > 20) list.resize(20);
    }
    for (const int threads : {1, 3})
      check_same(search(*index, asked, {.k = 20, .threads = threads, .allowed = &allowed}), expected, "some");
  }
  const row_set none(130), another(129);
  check_same(search(*index, asked, {.k = 20, .allowed = &none}), answers(5), "none");
  check_refused(index->search(asked, {.k = 20, .allowed = &another}).failure(), errc::shape_mismatch, {"want a set of 130 rows, got 129"});
}

BOOST_AUTO_TEST_CASE(k_beyond_the_rows_gives_all_rows) {
  const scratch_folder scratch;
  const auto vectors = test::small_integers(9, 5, 1), asked = test::small_integers(3, 5, 2);
  const auto index = make_index(scratch / "index", vectors);
  check_same(search(*index, asked, {.k = 1'000'000'000'000}), search_reference(vectors, asked, 9), "all");
  BOOST_TEST(search(*index, const_view(asked).row_range(0, 0), {}).empty());
}

BOOST_AUTO_TEST_CASE(an_index_of_nothing_answers_with_nothing) {
  const scratch_folder scratch;
  const matrix none{0, 5, {}};
  const auto index = make_index(scratch / "index", none);
  const auto found = search(*index, test::small_integers(2, 5, 2), {});
  BOOST_TEST(found.size() == 2u);
  BOOST_TEST(found[0].empty());
}

BOOST_AUTO_TEST_CASE(impossible_questions_are_refused) {
  const scratch_folder scratch;
  const auto index = make_index(scratch / "index", test::small_integers(9, 5, 1));
  const auto asked = test::small_integers(2, 5, 2);
  check_refused(index->search(asked, {.k = 0}).failure(), errc::invalid_argument, {"k: want at least 1"});
  check_refused(index->search(asked, {.threads = 0}).failure(), errc::invalid_argument, {"threads"});
  check_refused(index->search(test::small_integers(2, 6, 2), {}).failure(), errc::shape_mismatch, {"5 columns"});
  const std::vector<double> doubles(5);
  check_refused(index->search(view_of(doubles.data(), 1, 5), {}).failure(), errc::shape_mismatch, {"f32"});
  using limits = std::numeric_limits<float>;
  for (const float bad : {limits::quiet_NaN(), limits::infinity(), -limits::infinity(), 2e15f}) {
    matrix spoilt = asked;
    spoilt.values[7] = bad;
    check_refused(index->search(spoilt, {}).failure(), errc::invalid_argument, {"queries: row 1, column 2"});
    check_refused(write_flat_index(scratch / "bad", spoilt), errc::invalid_argument, {"vectors: row 1, column 2"});
    BOOST_TEST(!fs::exists(scratch / "bad"));
  }
}

BOOST_AUTO_TEST_CASE(the_largest_values_overflow_nothing) {
  const scratch_folder scratch;
  const auto vectors = test::make_matrix(40, 300, [](std::uint32_t at) { return at % 2 == 0 ? 1e15f : -1e15f; });
  const auto index = make_index(scratch / "index", vectors);
  for (const auto& list : search(*index, vectors, {.k = 40})) {
    BOOST_TEST(list.size() == 40u);
    for (const auto& one : list) BOOST_TEST(std::isfinite(one.score));
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_and_every_truncation_is_found) {
  const scratch_folder scratch;
  const auto path = scratch / "index";
  require_ok(write_flat_index(path, test::normal_matrix(5, 7, 1)));
  const auto asked = test::normal_matrix(1, 7, 2);
  BOOST_TEST(test::unnoticed_flips(path, [&] {
               const auto index = open_index(path);
               return index.ok() && (*index)->verify().ok();
             }) == 0u);
  BOOST_TEST(test::unnoticed_cuts(path, [&] { return open_index(path).ok(); }) == 0u);
  std::string bad = test::bytes_of_file(path);
  bad[128 + 4 * 11] = static_cast<char>(bad[128 + 4 * 11] ^ 1);
  test::write_bytes(path, bad);
  const auto index = open_index(path);
  require_ok(index.failure());
  check_refused((*index)->search(asked, {}).failure(), errc::corrupt, {"/index", "offset 128", "vectors"});
}

BOOST_AUTO_TEST_CASE(files_that_are_no_index_are_refused) {
  const scratch_folder scratch;
  const auto write = [&](file_kind kind, std::vector<std::uint64_t> shape, std::size_t values) {
    auto writer = container_writer::create(scratch / "index", kind);
    check_ok(writer->add("shape", std::span<const std::uint64_t>(shape)));
    check_ok(writer->add("vectors", std::span<const float>(std::vector<float>(values))));
    check_ok(writer->finish());
    return open_index(scratch / "index").failure();
  };
  check_ok(write({"index-flat", 1}, {3, 2}, 6));
  check_refused(write({"index-flat", 2}, {3, 2}, 6), errc::version_mismatch, {"want 1", "found 2"});
  check_refused(write({"products", 1}, {3, 2}, 6), errc::invalid_argument, {"index-flat", "products"});
  check_refused(write({"index-flat", 1}, {3, 2}, 7), errc::corrupt, {"shape", "7 values", "(3, 2)"});
  check_refused(write({"index-flat", 1}, {3, 0}, 0), errc::corrupt, {"shape"});
  check_refused(write({"index-flat", 1}, {3}, 3), errc::corrupt, {"shape"});
  check_refused(write({"index-flat", 1}, {1ull << 63, 2}, 0), errc::corrupt, {"shape"});
  check_refused(open_index(scratch / "absent").failure(), errc::not_found, {"absent"});
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said) {
  const test::small_disk disk(128 << 10);
  if (!disk) return;
  check_refused(write_flat_index(disk / "index", test::small_integers(3000, 128, 1)), errc::io_error,
                {"/index", "No space left on device"});
  BOOST_TEST(fs::is_empty(disk.path()));
}

BOOST_AUTO_TEST_CASE(an_index_over_memory_answers_as_one_from_a_file) {
  const scratch_folder scratch;
  const auto vectors = test::small_integers(61, 9, 1), asked = test::small_integers(20, 9, 2);
  const auto from_file = make_index(scratch / "index", vectors);
  const auto over_memory = flat_index_over(vectors);
  require_ok(over_memory.failure());
  check_same(search(**over_memory, asked, {.k = 7}), search(*from_file, asked, {.k = 7}), "over memory");
  check_ok((*over_memory)->verify());
  const_view gapped = vectors;
  gapped.cols = 8;
  check_refused(flat_index_over(gapped).failure(), errc::shape_mismatch, {"rows without gaps"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
