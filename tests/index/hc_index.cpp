#include "index/hc_index.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/random.hpp"
#include "schema/container.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"
#include "tests/support/vectors.hpp"

using namespace argosy;
namespace fs = std::filesystem;
using test::check_ok;
using test::check_refused;
using test::matrix;
using test::require_ok;
using test::scratch_folder;
using answers = std::vector<std::vector<hit>>;

namespace {

// Rows around `groups` centres in few of the columns, as embeddings lie; of unit length.
matrix clustered(std::int64_t rows, std::int64_t columns, std::uint32_t which, std::int64_t groups = 40) {
  const auto centres = test::normal_matrix(groups, columns, 90);
  auto made = test::normal_matrix(rows, columns, which);
  for (std::int64_t r = 0; r < rows; ++r) {
    float* x = made.values.data() + r * columns;
    const auto group = random_bits({.seed = which}, 7, static_cast<std::uint32_t>(r)) % static_cast<std::uint32_t>(groups);
    double square = 0;
    for (std::int64_t i = 0; i < columns; ++i) {
      const float width = i < columns / 4 ? 1.0f : 0.1f;
      x[i] = width * (const_view(centres).row<float>(group)[i] + 0.5f * x[i]);
      square += static_cast<double>(x[i]) * x[i];
    }
    for (std::int64_t i = 0; i < columns; ++i) x[i] /= static_cast<float>(std::sqrt(square));
  }
  return made;
}

std::unique_ptr<vector_index> make_index(const fs::path& path, const matrix& vectors, hc_settings settings) {
  require_ok(write_hc_index(path, vectors, settings));
  auto opened = open_index(path);
  require_ok(opened.failure());
  BOOST_TEST(std::string((*opened)->kind()) == "index-hc");
  return std::move(opened).value();
}

answers search(const vector_index& index, const_view queries, const search_options& options) {
  auto found = index.search(queries, options);
  require_ok(found.failure());
  return std::move(found).value();
}

double recall(const answers& found, const answers& expected, std::size_t k) {
  std::size_t same = 0, all = 0;
  for (std::size_t q = 0; q < found.size(); ++q) {
    std::set<std::uint32_t> want;
    for (std::size_t i = 0; i < std::min(k, expected[q].size()); ++i) want.insert(expected[q][i].row);
    for (const hit& one : found[q]) same += want.count(one.row);
    all += want.size();
  }
  return static_cast<double>(same) / static_cast<double>(all);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hc_index)

// Everything is visited and scored with float32: nothing is approximate.
BOOST_AUTO_TEST_CASE(with_all_leaves_and_all_candidates_it_is_the_exact_index) {
  const scratch_folder scratch;
  for (const std::int64_t rows : {1, 2, 31, 32, 33, 500}) {
    for (const std::int64_t columns : {1, 8, 33}) {
      for (const int levels : {1, 2, 3}) {
        const auto vectors = test::small_integers(rows, columns, 1), asked = test::small_integers(9, columns, 2);
        const auto index = make_index(scratch / "index", vectors, {.levels = levels, .leaves = 12, .vectors = stored_vectors::float32});
        BOOST_TEST(index->size() == static_cast<std::size_t>(rows));
        BOOST_TEST(index->columns() == static_cast<std::size_t>(columns));
        const auto expected = search_reference(vectors, asked, 10);
        const auto found = search(*index, asked, {.k = 10, .effort = {1000, 1000}});
        for (std::size_t q = 0; q < found.size(); ++q) BOOST_TEST((found[q] == expected[q]), rows << "x" << columns << ", query " << q);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(recall_rises_with_effort_to_nearly_all) {
  const scratch_folder scratch;
  const auto vectors = clustered(6000, 64, 1), asked = clustered(100, 64, 2);
  const auto expected = search_reference(vectors, asked, 10);
  for (const auto stored : {stored_vectors::packed, stored_vectors::float32}) {
    const auto index = make_index(scratch / "index", vectors, {.vectors = stored, .threads = 2});
    double before = 0;
    for (const std::uint32_t leaves : {1u, 8u, 64u, 400u}) {
      const double now = recall(search(*index, asked, {.k = 10, .effort = {leaves, 200}}), expected, 10);
      BOOST_TEST(now >= before - 0.01);
      before = now;
    }
    BOOST_TEST(before > 0.97);
  }
}

// Oracle 8. What is found of the exact answers grows with the leaves visited when every vector in them is scored as it is, and with the
// candidates at any leaves. Of one level the leaves of a smaller number are among those of a larger one, so it holds for every query.
BOOST_AUTO_TEST_CASE(recall_never_falls_with_leaves_nor_with_candidates) {
  const scratch_folder scratch;
  const auto vectors = clustered(4000, 32, 1), asked = clustered(60, 32, 2);
  const auto expected = search_reference(vectors, asked, 10);
  const auto never_falls = [&](const vector_index& index, const std::vector<search_effort>& rising, const std::string& of) {
    std::vector<double> before(60);
    for (const search_effort& effort : rising) {
      const auto found = search(index, asked, {.k = 10, .effort = effort});
      for (std::size_t q = 0; q < 60; ++q) {
        const double now = recall({found[q]}, {expected[q]}, 10);
        BOOST_TEST(now >= before[q], of << ", " << effort.leaves << " leaves, " << effort.rerank << " candidates, query " << q);
        before[q] = now;
      }
    }
    for (const double last : before) BOOST_TEST(last == 1.0, of);
  };
  const auto one = make_index(scratch / "one", vectors, {.levels = 1, .vectors = stored_vectors::float32});
  never_falls(*one, {{1, 3999}, {2, 3999}, {4, 3999}, {9, 3999}, {30, 3999}, {253, 3999}}, "leaves");
  for (const int levels : {1, 2}) {
    const auto index = make_index(scratch / "index", vectors, {.levels = levels, .vectors = stored_vectors::float32});
    never_falls(*index, {{253, 20}, {253, 30}, {253, 60}, {253, 200}, {253, 1000}, {253, 3999}}, "candidates");
  }
}

// Fewer leaves find as much; a row of two leaves is one answer.
BOOST_AUTO_TEST_CASE(second_leaves_find_more_in_few_leaves) {
  const scratch_folder scratch;
  const auto vectors = clustered(6000, 64, 1), asked = clustered(100, 64, 2);
  const auto expected = search_reference(vectors, asked, 10);
  double before = 0;
  for (const double share : {0.0, 0.4, 1.0}) {
    const auto index = make_index(scratch / "index", vectors, {.second_leaves = share, .threads = 2});
    const auto found = search(*index, asked, {.k = 10, .effort = {6, 400}});
    for (const auto& hits : found) {
      std::set<std::uint32_t> rows;
      for (const hit& one : hits) rows.insert(one.row);
      BOOST_TEST(rows.size() == hits.size());
    }
    const double now = recall(found, expected, 10);
    BOOST_TEST(now > before, share);
    before = now;
  }
}

BOOST_AUTO_TEST_CASE(answers_depend_neither_on_threads_nor_on_the_batch) {
  const scratch_folder scratch;
  const auto vectors = clustered(3000, 40, 1), asked = clustered(50, 40, 2);
  const auto index = make_index(scratch / "index", vectors, {});
  const auto together = search(*index, asked, {.k = 20, .threads = 1});
  BOOST_TEST((search(*index, asked, {.k = 20, .threads = 4}) == together));
  for (std::int64_t q = 0; q < 50; ++q)
    BOOST_TEST((search(*index, const_view(asked).row_range(q, 1), {.k = 20}).front() == together[static_cast<std::size_t>(q)]));
}

BOOST_AUTO_TEST_CASE(the_same_vectors_give_the_same_bytes_for_any_threads) {
  const scratch_folder scratch;
  const auto vectors = clustered(5000, 48, 1);
  for (const int levels : {1, 2, 3}) {
    check_ok(write_hc_index(scratch / "one", vectors, {.levels = levels, .threads = 1}));
    check_ok(write_hc_index(scratch / "two", vectors, {.levels = levels, .threads = 2}));
    BOOST_TEST((test::bytes_of_file(scratch / "one") == test::bytes_of_file(scratch / "two")), levels << " levels");
  }
}

// Shares on both sides of where scoring one by one ends; never a row that is not allowed, and k of them where there are k.
BOOST_AUTO_TEST_CASE(filters_are_obeyed_and_do_not_shorten_answers) {
  const scratch_folder scratch;
  const auto vectors = clustered(8000, 32, 1), asked = clustered(60, 32, 2);
  const auto index = make_index(scratch / "index", vectors, {.threads = 2});
  const auto whole = search_reference(vectors, asked, 8000);
  for (const std::uint32_t every : {1u, 2u, 10u, 100u, 1000u, 7999u}) {
    row_set allowed(8000);
    for (std::uint32_t r = 0; r < 8000; r += every) allowed.insert(r);
    auto expected = whole;
    for (auto& list : expected) {
      std::erase_if(list, [&](const hit& one) { return one.row % every != 0; });
      if (list.size() > 10) list.resize(10);
    }
    const auto found = search(*index, asked, {.k = 10, .allowed = &allowed});
    for (std::size_t q = 0; q < found.size(); ++q) {
      BOOST_TEST(found[q].size() == expected[q].size(), "every " << every << ", query " << q);
      for (const hit& one : found[q]) BOOST_TEST(one.row % every == 0u);
    }
    BOOST_TEST(recall(found, expected, 10) > 0.95, "every " << every << ": " << recall(found, expected, 10));
  }
  const row_set none(8000);
  BOOST_TEST((search(*index, asked, {.allowed = &none}) == answers(60)));
}

BOOST_AUTO_TEST_CASE(a_filter_far_from_the_query_is_answered_in_full) {
  const scratch_folder scratch;
  const auto vectors = clustered(8000, 32, 1);
  const auto index = make_index(scratch / "index", vectors, {.threads = 2});
  const auto asked = const_view(vectors).row_range(0, 1);
  auto order = search_reference(vectors, asked, 8000).front();
  row_set farthest(8000);
  for (std::size_t i = 4000; i < 8000; ++i) farthest.insert(order[i].row);
  const auto found = search(*index, asked, {.k = 10, .allowed = &farthest, .effort = {2, 20}});
  BOOST_TEST(found.front().size() == 10u);
  for (const hit& one : found.front()) BOOST_TEST(farthest.contains(one.row));
}

BOOST_AUTO_TEST_CASE(k_beyond_what_the_leaves_hold_is_answered_in_full) {
  const scratch_folder scratch;
  const auto vectors = clustered(3000, 16, 1);
  const auto index = make_index(scratch / "index", vectors, {});
  for (const std::size_t k : {100u, 1000u, 3000u, 5000u})
    BOOST_TEST(search(*index, const_view(vectors).row_range(0, 1), {.k = k, .effort = {1, 1}}).front().size() ==
               std::min<std::size_t>(k, 3000));
}

BOOST_AUTO_TEST_CASE(vectors_come_back_as_near_as_they_are_kept) {
  const scratch_folder scratch;
  const auto vectors = clustered(300, 64, 1);
  const auto exactly = make_index(scratch / "float", vectors, {.vectors = stored_vectors::float32});
  BOOST_TEST((exactly->restore(0, 300).value() == vectors.values));
  const auto index = make_index(scratch / "packed", vectors, {});
  const auto back = index->restore(10, 20);
  require_ok(back.failure());
  for (std::size_t i = 0; i < back->size(); ++i) BOOST_TEST(std::abs((*back)[i] - vectors.values[10 * 64 + i]) < 0.004f);
  check_refused(index->restore(290, 11).failure(), errc::out_of_range, {"11 from 290"});
}

// Vectors as long and as short as they may be are found as those of length one.
BOOST_AUTO_TEST_CASE(answers_do_not_depend_on_how_long_vectors_are) {
  const scratch_folder scratch;
  const auto scaled = [](matrix of, float by) {
    for (float& value : of.values) value *= by;
    return of;
  };
  const auto vectors = clustered(1000, 16, 1), asked = clustered(20, 16, 2);
  const auto expected = search(*make_index(scratch / "one", vectors, {}), asked, {.k = 10});
  for (const float by : {1e12f, 1e14f, 1e-12f}) {
    const auto index = make_index(scratch / "other", scaled(vectors, by), {});
    const auto found = search(*index, scaled(asked, by), {.k = 10});
    BOOST_TEST(recall(found, expected, 10) > 0.95, "times " << by);
  }
  // So short that steps have no float: all zeros to the index.
  const auto index = make_index(scratch / "shortest", scaled(vectors, 1e-38f), {});
  BOOST_TEST(search(*index, scaled(asked, 1e-38f), {.k = 10}).front().size() == 10u);
}

BOOST_AUTO_TEST_CASE(impossible_settings_and_questions_are_refused) {
  const scratch_folder scratch;
  const auto vectors = test::small_integers(50, 5, 1);
  check_refused(write_hc_index(scratch / "index", vectors, {.levels = 9}), errc::out_of_range, {"levels: want 1 to 8, got 9"});
  check_refused(write_hc_index(scratch / "index", vectors, {.second_leaves = 1.5}), errc::out_of_range, {"two leaves", "1.5"});
  check_refused(write_hc_index(scratch / "index", vectors, {.code_bytes = 0}), errc::out_of_range, {"bytes of a code"});
  check_refused(write_hc_index(scratch / "index", vectors, {.threads = 0}), errc::invalid_argument, {"threads"});
  check_refused(write_hc_index(scratch / "index", matrix{0, 5, {}}, {}), errc::invalid_argument, {"at least one"});
  std::stop_source stopped;
  stopped.request_stop();
  check_refused(write_hc_index(scratch / "index", vectors, {}, {}, stopped.get_token()), errc::aborted, {"interrupted"});
  BOOST_TEST(!fs::exists(scratch / "index"));
  const auto index = make_index(scratch / "index", vectors, {});
  check_refused(index->search(vectors, {.k = 0}).failure(), errc::invalid_argument, {"k: want at least 1"});
  check_refused(index->search(test::small_integers(1, 6, 1), {}).failure(), errc::shape_mismatch, {"5 columns"});
  const row_set another(49);
  check_refused(index->search(vectors, {.allowed = &another}).failure(), errc::shape_mismatch, {"50 rows"});
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_and_every_truncation_is_found) {
  const scratch_folder scratch;
  const auto path = scratch / "index";
  require_ok(write_hc_index(path, test::normal_matrix(40, 6, 1), {.levels = 2, .leaves = 4}));
  BOOST_TEST(test::unnoticed_flips(path, [&] {
               const auto index = open_index(path);
               return index.ok() && (*index)->verify().ok();
             }) == 0u);
  BOOST_TEST(test::unnoticed_cuts(path, [&] { return open_index(path).ok(); }) == 0u);
}

// What a search touches is verified by it.
BOOST_AUTO_TEST_CASE(a_flipped_code_or_vector_is_found_by_the_search_that_reads_it) {
  const scratch_folder scratch;
  const auto path = scratch / "index";
  const auto vectors = clustered(2000, 32, 1);
  for (const std::string section : {"row", "code", "vector"}) {
    require_ok(write_hc_index(path, vectors, {}));
    auto file = container_reader::open(path, {"index-hc", 1});
    require_ok(file.failure());
    std::string bytes = test::bytes_of_file(path);
    const auto within = section == "row" ? std::as_bytes(file->unverified<std::uint32_t>(section).value())
                                         : std::as_bytes(file->unverified<char>(section).value());
    const std::string_view looked_for(reinterpret_cast<const char*>(within.data()), within.size());
    const std::size_t at = bytes.find(looked_for);
    BOOST_REQUIRE(at != std::string::npos);
    bytes[at + within.size() / 2] = static_cast<char>(bytes[at + within.size() / 2] ^ 1);
    test::write_bytes(path, bytes);
    const auto index = open_index(path);
    require_ok(index.failure());
    check_refused((*index)->search(vectors, {.effort = {1000, 1999}}).failure(), errc::corrupt, {"/index", section});
  }
}

BOOST_AUTO_TEST_CASE(another_version_is_refused_by_its_number) {
  const scratch_folder scratch;
  auto writer = container_writer::create(scratch / "index", {"index-hc", 2});
  check_ok(writer->finish());
  check_refused(open_index(scratch / "index").failure(), errc::version_mismatch, {"want 1", "found 2"});
}

BOOST_AUTO_TEST_SUITE_END()
