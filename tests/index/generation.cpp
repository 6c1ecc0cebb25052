#include "index/generation.hpp"
#include "index/query_sample.hpp"

#include <boost/test/unit_test.hpp>
#include <numeric>

#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/generations.hpp"
#include "tests/support/killed_child.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"
#include "tests/support/vectors.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_ok;
using test::check_refused;
using test::require_ok;
using test::scratch_folder;

const auto& three = test::three_products;

result<std::uint64_t> publish(const fs::path& store, std::uint64_t seed = 1) { return test::publish_three(store, seed); }
bool whole(const fs::path& store) { return test::current_is_whole(store); }

// Of products that are called z, y, x, ..: opening it with these rows as those by id.
status opened_by_id(const std::vector<std::uint32_t>& by_id) {
  const scratch_folder scratch;
  const auto rows = static_cast<std::int64_t>(by_id.size());
  auto writer = generation_writer::create(scratch.path());
  check_ok(write_flat_index(writer->path() / "index.argosy", test::small_integers(rows, 4, 1)));
  std::string text;
  std::vector<std::uint64_t> offsets = {0};
  for (std::int64_t row = 0; row < rows; ++row) {
    text += static_cast<char>('z' - row);
    offsets.insert(offsets.end(), 3, text.size());
  }
  auto products = container_writer::create(writer->path() / "products.argosy", {"generation-products", 2});
  check_ok(products->add("text", std::span<const char>(text)));
  check_ok(products->add("offsets", std::span<const std::uint64_t>(offsets)));
  check_ok(products->add("by_id", std::span<const std::uint32_t>(by_id)));
  check_ok(products->finish());
  check_ok(writer->publish());
  return generation::open_current(scratch.path()).failure();
}

std::ptrdiff_t entries(const fs::path& folder) { return std::distance(fs::directory_iterator(folder), {}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(generations)

BOOST_AUTO_TEST_CASE(what_was_published_is_current) {
  const scratch_folder scratch;
  const auto store = scratch / "shop/store";
  BOOST_TEST(publish(store).value() == 1u);
  const auto opened = generation::open_current(store);
  require_ok(opened.failure());
  BOOST_TEST(opened->number() == 1u);
  BOOST_TEST(opened->path() == store / "generations/000001");
  BOOST_TEST(opened->index().size() == 3u);
  BOOST_TEST(opened->index().columns() == 4u);
  BOOST_REQUIRE(opened->products() == 3u);
  BOOST_TEST(opened->facts(0).title == "red dress");
  BOOST_TEST(opened->facts(1).id == "p2");
  BOOST_TEST(opened->facts(1).title == "");
  BOOST_TEST(opened->facts(2).title == "连衣裙");
  BOOST_TEST(opened->facts(2).image == "");
  check_ok(opened->verify());
}

BOOST_AUTO_TEST_CASE(a_reader_keeps_its_generation) {
  const scratch_folder scratch;
  BOOST_TEST(publish(scratch.path(), 1).value() == 1u);
  const auto reader = generation::open_current(scratch.path());
  require_ok(reader.failure());
  BOOST_TEST(publish(scratch.path(), 2).value() == 2u);
  fs::remove_all(scratch / "generations/000001");
  const auto vectors = test::small_integers(3, 4, 1);
  const auto found = reader->index().search(vectors, {});
  require_ok(found.failure());
  BOOST_TEST((*found == search_reference(vectors, vectors, 3)));
  BOOST_TEST(reader->facts(0).id == "p1");
  BOOST_TEST(generation::open_current(scratch.path())->number() == 2u);
}

BOOST_AUTO_TEST_CASE(a_generation_is_not_seen_before_it_is_published) {
  const scratch_folder scratch;
  check_refused(generation::open_current(scratch.path()).failure(), errc::not_found, {"CURRENT"});
  BOOST_TEST(publish(scratch.path()).ok());
  {
    auto writer = generation_writer::create(scratch.path());
    BOOST_TEST(writer->number() == 2u);
    check_ok(writer->write(test::small_integers(3, 4, 2), three));
    BOOST_TEST(generation::open_current(scratch.path())->number() == 1u);
    auto beside = generation_writer::create(scratch.path());
    BOOST_TEST(beside->number() == 3u);
  }
  BOOST_TEST(entries(scratch / "generations") == 1);
  BOOST_TEST(publish(scratch.path()).value() == 2u);
  BOOST_TEST(generation::open(scratch.path(), 1)->number() == 1u);
}

BOOST_AUTO_TEST_CASE(products_and_vectors_must_agree) {
  const scratch_folder scratch;
  auto writer = generation_writer::create(scratch.path());
  check_refused(writer->write(test::small_integers(2, 4, 1), three), errc::shape_mismatch, {"2 vectors", "got 3"});
  check_ok(writer->write(test::small_integers(3, 4, 1), three));
  check_ok(write_flat_index(writer->path() / "index.argosy", test::small_integers(2, 4, 1)));
  check_ok(writer->publish());
  check_refused(generation::open_current(scratch.path()).failure(), errc::corrupt, {"3 products", "2 vectors"});
}

BOOST_AUTO_TEST_CASE(every_flipped_byte_and_every_truncation_is_found) {
  const scratch_folder scratch;
  for (int i = 0; i < 3; ++i) BOOST_TEST(publish(scratch.path()).ok());
  for (const auto* name :
       {"CURRENT", "generations/000003/MANIFEST", "generations/000003/index.argosy", "generations/000003/products.argosy"}) {
    BOOST_TEST(test::unnoticed_flips(scratch / name, [&] { return whole(scratch.path()); }) == 0u, name);
    BOOST_TEST(test::unnoticed_cuts(scratch / name, [&] { return generation::open_current(scratch.path()).ok(); }) == 0u, name);
  }
  BOOST_TEST(whole(scratch.path()));
}

BOOST_AUTO_TEST_CASE(product_files_that_lie_are_refused) {
  const scratch_folder scratch;
  const auto open_with = [&](std::vector<std::uint64_t> offsets, std::string_view text, std::vector<std::uint32_t> by_id = {0},
                             std::uint32_t version = 2) {
    auto writer = generation_writer::create(scratch.path());
    check_ok(write_flat_index(writer->path() / "index.argosy", test::small_integers(1, 4, 1)));
    auto products = container_writer::create(writer->path() / "products.argosy", {"generation-products", version});
    check_ok(products->add("text", std::span<const char>(text)));
    check_ok(products->add("offsets", std::span<const std::uint64_t>(offsets)));
    check_ok(products->add("by_id", std::span<const std::uint32_t>(by_id)));
    check_ok(products->finish());
    check_ok(writer->publish());
    return generation::open_current(scratch.path()).failure();
  };
  check_ok(open_with({0, 1, 3, 4}, "abcd"));
  check_refused(open_with({0, 1, 3, 5}, "abcd"), errc::corrupt, {"products.argosy", "offsets", "4 bytes"});
  check_refused(open_with({1, 1, 3, 4}, "abcd"), errc::corrupt, {"offsets"});
  check_refused(open_with({0, 9, 3, 4}, "abcd"), errc::corrupt, {"offsets"});
  check_refused(open_with({0, 1, 4}, "abcd"), errc::corrupt, {"offsets"});
  check_refused(open_with({}, ""), errc::corrupt, {"offsets"});
  for (const std::vector<std::uint32_t>& by_id : std::vector<std::vector<std::uint32_t>>{{}, {1}, {0, 0}})
    check_refused(open_with({0, 1, 3, 4}, "abcd", by_id), errc::corrupt, {"products.argosy", "by_id", "order of their ids"});
  check_refused(open_with({0, 1, 3, 4}, "abcd", {0}, 3), errc::version_mismatch, {"products", "want 2", "found 3"});
}

// On both sides of how far ahead ids are asked of the memory (generation.cpp: 16 and 32).
BOOST_AUTO_TEST_CASE(two_rows_that_changed_places_are_found_wherever_they_stand) {
  for (const std::size_t count : {2u, 15u, 16u, 17u, 31u, 32u, 33u, 49u}) {
    std::vector<std::uint32_t> by_id(count);
    std::iota(by_id.rbegin(), by_id.rend(), 0u);
    check_ok(opened_by_id(by_id));
    for (const std::size_t at : {std::size_t{0}, (count - 2) / 2, count - 2}) {
      auto other = by_id;
      std::swap(other[at], other[at + 1]);
      check_refused(opened_by_id(other), errc::corrupt, {"by_id", "order of their ids"});
    }
    auto beyond = by_id;
    beyond.back() = static_cast<std::uint32_t>(count);
    check_refused(opened_by_id(beyond), errc::corrupt, {"by_id"});
  }
}

BOOST_AUTO_TEST_CASE(a_generation_of_a_newer_version_is_refused) {
  const scratch_folder scratch;
  BOOST_TEST(publish(scratch.path()).ok());
  auto writer = folder_writer::create(scratch / "generations/000001", "generation", 2);
  check_ok(writer->seal());
  check_refused(generation::open(scratch.path(), 1).failure(), errc::version_mismatch, {"generation", "want 1", "found 2"});
}

BOOST_AUTO_TEST_CASE(a_generation_made_from_another_shares_its_files_and_replaces_some) {
  const scratch_folder scratch;
  BOOST_TEST(publish(scratch.path(), 1).ok());
  const auto base = generation::open_current(scratch.path());
  auto writer = generation_writer::create_from(scratch.path(), *base);
  require_ok(writer.failure());
  BOOST_TEST(fs::hard_link_count(writer->path() / "products.argosy") == 2u);
  check_ok(write_flat_index(writer->path() / "index.argosy", test::small_integers(3, 4, 2)));
  check_ok(replace_file(writer->path() / "more.txt", "more"));
  check_ok(writer->publish());

  const auto made = generation::open_current(scratch.path());
  require_ok(made.failure());
  BOOST_TEST(made->number() == 2u);
  check_ok(made->verify());
  BOOST_TEST(made->facts(2).title == "连衣裙");
  BOOST_TEST(made->folder().files.size() == 3u);
  BOOST_TEST(fs::hard_link_count(base->path() / "products.argosy") == 2u);
  BOOST_TEST(fs::hard_link_count(base->path() / "index.argosy") == 1u);
  check_ok(base->verify());
  const auto vectors = test::small_integers(3, 4, 2);
  BOOST_TEST((made->index().search(vectors, {}).value() == search_reference(vectors, vectors, 3)));
}

BOOST_AUTO_TEST_CASE(a_generation_keeps_its_effort_and_its_queries) {
  const scratch_folder scratch;
  auto writer = generation_writer::create(scratch.path());
  require_ok(writer.failure());
  const auto vectors = test::normal_matrix(300, 8, 1), queries = test::normal_matrix(7, 8, 2);
  const test::many_products products(300);
  check_ok(writer->write(vectors, products.facts, {.kind = index_kind::hc}));
  check_ok(write_effort(writer->path(), {{3, 40}, 10, 7, 0.95, 0.96}));
  check_ok(write_query_sample(writer->path(), queries));
  check_ok(writer->publish());
  const auto made = generation::open_current(scratch.path());
  require_ok(made.failure());
  BOOST_TEST((made->index().effort() == search_effort{3, 40}));
  BOOST_TEST(read_effort(made->path())->recall == 0.96);
  BOOST_TEST((read_query_sample(made->path(), 8).value() == queries.values));
  check_refused(read_query_sample(made->path(), 9).failure(), errc::corrupt, {"9 columns"});
  check_refused(read_query_sample(scratch.path(), 8).failure(), errc::not_found, {"queries.argosy"});
}

BOOST_AUTO_TEST_CASE(few_vectors_are_searched_exactly_and_many_by_their_leaves) {
  const scratch_folder scratch;
  for (const std::int64_t rows : {9'999, 10'000}) {
    check_ok(write_index(scratch / "index", test::normal_matrix(rows, 4, 1), {}));
    const auto index = open_index(scratch / "index");
    require_ok(index.failure());
    BOOST_TEST(std::string((*index)->kind()) == (rows < 10'000 ? "index-flat" : "index-hc"));
  }
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_not_passed_on_to_a_new_generation) {
  const scratch_folder scratch;
  BOOST_TEST(publish(scratch.path()).ok());
  const auto base = generation::open_current(scratch.path());
  const auto index = base->path() / "index.argosy";
  std::string bytes = test::bytes_of_file(index);
  bytes[bytes.size() / 2] ^= 1;
  test::write_bytes(index, bytes);
  auto writer = generation_writer::create_from(scratch.path(), *base);
  require_ok(writer.failure());
  check_refused(writer->publish(), errc::corrupt, {"index.argosy", "linked"});
  BOOST_TEST(test::bytes_of_file(scratch / "CURRENT").starts_with("000001 "));
  BOOST_TEST(!fs::exists(scratch / "generations/000002"));
}

BOOST_AUTO_TEST_CASE(publishing_killed_at_any_moment_leaves_a_whole_current_generation) {
  const scratch_folder scratch;
  BOOST_TEST(publish(scratch.path()).ok());
  std::uint64_t last = 1;
  const auto work = [&] { (void)publish(scratch.path()); };
  const auto check = [&] {
    const auto opened = generation::open_current(scratch.path());
    require_ok(opened.failure());
    check_ok(opened->verify());
    BOOST_TEST(opened->number() >= last);
    last = opened->number();
  };
  test::kill_at_random_moments(25, work, check);
  // On a busy machine all of those may have come too early for another generation.
  for (std::chrono::milliseconds later{50}; last <= 2 && later < std::chrono::minutes(1); later *= 2) {
    test::kill_while(work, later);
    check();
  }
  BOOST_TEST(last > 2u);
  BOOST_TEST(publish(scratch.path()).ok());
  for (const auto& entry : fs::directory_iterator(scratch / "generations")) {
    BOOST_TEST(entry.path().filename().string().size() == 6u, entry.path() << " was left");
  }
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_current_generation) {
  const test::small_disk disk(256 << 10);
  if (!disk) return;
  require_ok(publish(disk / "store").failure());
  auto writer = generation_writer::create(disk / "store");
  require_ok(writer.failure());
  const test::many_products many(3000);
  check_refused(writer->write(test::small_integers(3000, 64, 1), many.facts), errc::io_error, {"index.argosy", "No space left on device"});
  BOOST_TEST(whole(disk / "store"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy
