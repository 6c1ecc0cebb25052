#include <boost/test/unit_test.hpp>
#include <filesystem>

#include "data/image.hpp"
#include "data/records.hpp"
#include "tests/data/small_shop.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/status.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;
using test::check_refused;

image_source open(const fs::path& path) {
  auto opened = image_source::open(path);
  test::require_ok(opened.failure());
  return std::move(opened).value();
}

std::string content(const image_source& from, std::string_view name) {
  const auto got = from.read(name);
  if (!got.ok()) return got.failure().text();
  return {reinterpret_cast<const char*>(got->data()), got->size()};
}

status failure(const image_source& from, std::string_view name) { return from.read(name).failure(); }

BOOST_AUTO_TEST_SUITE(images_by_name)

BOOST_AUTO_TEST_CASE(a_folder) {
  const test::scratch_folder folder;
  fs::create_directories(folder / "images/a");
  test::write_bytes(folder / "images/a/1.jpg", "one");
  fs::create_symlink("a/1.jpg", folder / "images/link.jpg");
  const auto images = open(folder / "images");
  BOOST_TEST(content(images, "a/1.jpg") == "one");
  BOOST_TEST(content(images, "./a/1.jpg") == "one");
  BOOST_TEST(content(images, "link.jpg") == "one");
  BOOST_TEST(content(images, "images/a/1.jpg") == "one");
  BOOST_TEST(content(images, "./images/link.jpg") == "one");
  check_refused(failure(images, "a/2.jpg"), errc::not_found, {"a/2.jpg"});
  check_refused(failure(images, "images/a/2.jpg"), errc::not_found, {"images/a/2.jpg"});
  check_refused(failure(images, "images"), errc::io_error, {"not a regular file"});
  check_refused(failure(images, "others/a/1.jpg"), errc::not_found, {"others/a/1.jpg"});
  check_refused(failure(images, "a"), errc::io_error, {"not a regular file"});
}

BOOST_AUTO_TEST_CASE(no_name_leaves_the_folder) {
  const test::scratch_folder folder;
  fs::create_directories(folder / "images");
  fs::create_directories(folder / "images-of-others");
  test::write_bytes(folder / "secret", "secret");
  test::write_bytes(folder / "images-of-others/x", "secret");
  fs::create_symlink("../secret", folder / "images/link");
  fs::create_directory_symlink("../images-of-others", folder / "images/others");
  const auto images = open(folder / "images");
  const std::string absolute = (folder / "secret").string();
  for (const std::string& name : {std::string("../secret"), std::string("a/../../secret"), absolute, std::string(), std::string("a\0b", 3),
                                  std::string("link"), std::string("others/x")})
    check_refused(failure(images, name), errc::invalid_argument, {});
}

BOOST_AUTO_TEST_CASE(tars_of_every_format) {
  const test::scratch_folder folder;
  const std::string deep = "images/" + std::string(180, 'd') + "/" + std::string(90, 'n') + ".jpg";
  const std::string chinese = "images/红色.jpg", large(70'001, 'x');
  for (const std::string format : {"ustar", "pax", "gnutar"})
    for (const bool gzip : {false, true}) {
      BOOST_TEST_CONTEXT(format << (gzip ? " gzip" : "")) {
        std::vector<test::tar_entry> entries{
            {"./images/1.jpg", "old"}, {"images/2.jpg", large}, {"images/0.jpg", ""}, {"images/1.jpg", "new"}};
        if (format != "ustar") entries.insert(entries.begin() + 1, {{deep, "deep"}, {chinese, "red"}});
        test::write_tar(folder / "images.tar", format, gzip, entries);
        const auto images = open(folder / "images.tar");
        BOOST_TEST(content(images, "images/1.jpg") == "new");
        BOOST_TEST(content(images, "./images/1.jpg") == "new");
        BOOST_TEST((content(images, "images/2.jpg") == large));
        BOOST_TEST(content(images, "images/0.jpg").empty());
        if (format != "ustar") BOOST_TEST(content(images, deep) == "deep");
        if (format != "ustar") BOOST_TEST(content(images, chinese) == "red");
        check_refused(failure(images, "images/3.jpg"), errc::not_found, {"images/3.jpg"});
        check_refused(failure(images, "../images/1.jpg"), errc::invalid_argument, {});
      }
    }
}

BOOST_AUTO_TEST_CASE(broken_tars) {
  const test::scratch_folder folder;
  test::write_tar(folder / "good.tar", "ustar", false, {{"1.jpg", std::string(5000, 'x')}, {"2.jpg", std::string(5000, 'y')}});
  const std::string good = test::bytes_of_file(folder / "good.tar");
  test::write_bytes(folder / "cut.tar", good.substr(0, 7000));
  check_refused(image_source::open(folder / "cut.tar").failure(), errc::corrupt, {"cut.tar"});
  test::write_bytes(folder / "text.tar", "this is no tar, but it is long enough to be looked at " + std::string(2000, '.'));
  check_refused(image_source::open(folder / "text.tar").failure(), errc::corrupt, {"text.tar"});
  check_refused(image_source::open(folder / "none.tar").failure(), errc::not_found, {"none.tar"});
  test::write_tar(folder / "good.tgz", "ustar", true, {{"1.jpg", std::string(5000, 'x')}});
  const std::string packed = test::bytes_of_file(folder / "good.tgz");
  test::write_bytes(folder / "cut.tgz", packed.substr(0, packed.size() / 2));
  check_refused(image_source::open(folder / "cut.tgz").failure(), errc::corrupt, {"cut.tgz", "truncated"});
}

BOOST_AUTO_TEST_CASE(files_beyond_the_limit_are_not_read) {
  const test::scratch_folder folder;
  fs::create_directories(folder / "images");
  test::write_bytes(folder / "images/huge.jpg", "");
  fs::resize_file(folder / "images/huge.jpg", image_limits{}.bytes + 1);
  check_refused(failure(open(folder / "images"), "huge.jpg"), errc::out_of_range, {"huge.jpg", std::to_string(image_limits{}.bytes)});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
