// What `argosy publish` keeps of how the model weighs title and photograph, and what `argosy compact` makes of it.
#include "search/image_weights.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>

#include "data/records.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"
#include "tests/system/small_shop.hpp"

namespace argosy::test {
namespace {

namespace fs = std::filesystem;

// Products with a title alone, with a photograph alone, and with both.
struct weighed_shop {
  scratch_folder folder;
  fs::path store = folder / "store";

  weighed_shop() {
    fs::create_directory(folder / "images");
    write_bytes(folder / "images/1.jpg", photograph());
    const auto catalogue = write("products.tsv", "title\tred dress\t\nphotograph\t\t1.jpg\nboth\tred dress\t1.jpg\n");
    must_run({"publish", "--run", shared_small_shop().run, "--catalogue", catalogue, "--images", folder / "images", "--store", store});
  }
  fs::path write(const char* name, const std::string& lines) const {
    std::ofstream(folder / name) << "id\ttitle\timage\n" << lines;
    return folder / name;
  }
  static std::string photograph() {
    const auto& shop = shared_small_shop();
    std::string name;
    const auto take = [&](std::uint64_t, const product_record& one) -> status {
      if (name.empty()) name = one.image;
      return {};
    };
    require_ok(read_products(shop.catalogue, take, [](const refusal&) {}));
    const auto bytes = image_source::open(shop.images)->read(name);
    require_ok(bytes.failure());
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
  }
  std::optional<float> weight(const std::string& id) const {
    const auto current = generation::open_current(store);
    require_ok(current.failure());
    const auto weights = image_weights::open(*current);
    require_ok(weights.failure());
    return weights->of(current->row_of(id).value());
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(weights_of_photographs)

BOOST_AUTO_TEST_CASE(publishing_keeps_them_and_compaction_takes_them_along) {
  const weighed_shop shop;
  BOOST_TEST(shop.weight("title").value() == 0);
  BOOST_TEST(shop.weight("photograph").value() == 1);
  const float both = shop.weight("both").value();
  BOOST_TEST(both > 0);
  BOOST_TEST(both < 1);

  write_bytes(shop.folder / "ids.txt", "title\n");
  must_run({"change", "--store", shop.store, "--remove", shop.folder / "ids.txt"});
  must_run({"change", "--store", shop.store, "--put", shop.write("put.tsv", "new\tblue shoes\t\n")});
  must_run({"compact", "--store", shop.store});
  BOOST_TEST(shop.weight("photograph").value() == 1);
  BOOST_TEST(shop.weight("both").value() == both);
  BOOST_TEST(!shop.weight("new"));
  must_run({"generations", "--store", shop.store, "verify"});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace argosy::test
