#include "search/image_weights.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/support/folders.hpp"
#include "tests/support/generations.hpp"
#include "tests/support/status.hpp"

namespace argosy::test {
namespace {

// Three products with these weights.
struct weighed_store {
  scratch_folder folder;
  explicit weighed_store(const std::vector<float>& weights) {
    auto writer = generation_writer::create(folder.path());
    require_ok(writer.failure());
    require_ok(writer->write(small_integers(3, 4, 1), three_products));
    require_ok(write_image_weights(writer->path(), weights));
    require_ok(writer->publish());
  }
  result<image_weights> open() const { return image_weights::open(*generation::open_current(folder.path())); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(image_weights_file)

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  const weighed_store store({0, 0.25F, NAN});
  const auto opened = store.open();
  require_ok(opened.failure());
  BOOST_TEST(opened->kept());
  BOOST_TEST(opened->of(0).value() == 0);
  BOOST_TEST(opened->of(1).value() == 0.25F);
  BOOST_TEST(!opened->of(2));
}

BOOST_AUTO_TEST_CASE(a_generation_without_them_knows_none) {
  const scratch_folder folder;
  require_ok(publish_three(folder.path()).failure());
  const auto opened = image_weights::open(*generation::open_current(folder.path()));
  require_ok(opened.failure());
  BOOST_TEST(!opened->kept());
  BOOST_TEST(!opened->of(2));
}

BOOST_AUTO_TEST_CASE(weights_of_others_are_refused) {
  check_refused(weighed_store({0, 1}).open().failure(), errc::corrupt, {"weights.argosy", "each of 3 products, found 2"});
  check_refused(weighed_store({0, 1, 1.5F}).open().failure(), errc::corrupt, {"weights.argosy", "from 0 to 1, found 1.5"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test
