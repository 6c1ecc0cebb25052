// Damaged files, impossible recipes, newer versions and full disks, as somebody at the command line meets them.
#include <sys/resource.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iomanip>
#include <sstream>

#include "schema/folder.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/system/small_shop.hpp"

using namespace argosy::test;
namespace fs = std::filesystem;

namespace {

using words = std::vector<std::string>;

void copy_folder(const fs::path& from, const fs::path& to) { fs::copy(from, to, fs::copy_options::recursive); }

void check_fails(const words& arguments, const std::vector<std::string>& parts) {
  const finished end = run_argosy(arguments);
  BOOST_TEST(end.exit_code == 1, arguments.front() << " ended with " << end.exit_code << ": " << end.err);
  const std::string said = end.out + end.err;
  for (const auto& part : parts) BOOST_TEST((said.find(part) != std::string::npos), "\"" << part << "\" is not in: " << said);
}

void flip_byte(const fs::path& file, std::size_t at) {
  std::string bytes = bytes_of_file(file);
  bytes[at] = static_cast<char>(bytes[at] ^ 0x01);
  write_bytes(file, bytes);
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The reader has to fail, and to name the file, for a flipped byte in the middle of each file of the folder.
void check_every_flip_is_found(const fs::path& folder, const words& reader, const words& not_read) {
  for (const auto& file : files_in(folder)) {
    const std::string name = file.filename();
    if (std::count(not_read.begin(), not_read.end(), name) > 0) continue;
    const auto middle = static_cast<std::size_t>(fs::file_size(file) / 2);
    flip_byte(file, middle);
    check_fails(reader, {name});
    flip_byte(file, middle);
  }
  BOOST_TEST(run_argosy(reader).exit_code == 0);
}

// CURRENT: the generation's number and the checksum of its manifest.
void make_current(const fs::path& store, const fs::path& generation) {
  const std::string manifest = bytes_of_file(generation / "MANIFEST");
  std::ostringstream line;
  line << generation.filename().string() << ' ' << std::hex << std::setw(16) << std::setfill('0')
       << argosy::xxh3(std::as_bytes(std::span(manifest))) << '\n';
  write_bytes(store / "CURRENT", line.str());
}

// Of the commands that are started while it lives.
class address_space_limit {
public:
  explicit address_space_limit([[maybe_unused]] rlim_t bytes) {
    ::getrlimit(RLIMIT_AS, &before_);
#ifndef __SANITIZE_ADDRESS__  // whose shadow memory is many terabytes of address space
    const rlimit wanted{bytes, before_.rlim_max};
    BOOST_REQUIRE(::setrlimit(RLIMIT_AS, &wanted) == 0);
#endif
  }
  ~address_space_limit() { ::setrlimit(RLIMIT_AS, &before_); }
  address_space_limit(const address_space_limit&) = delete;
  address_space_limit& operator=(const address_space_limit&) = delete;

private:
  rlimit before_{};
};

words training(const small_shop& shop, const fs::path& data, const fs::path& run, const words& overrides = {}) {
  words arguments{"train", "--data", data, "--recipe", shop.recipe, "--run", run};
  if (!overrides.empty()) arguments.push_back("--set");
  arguments.insert(arguments.end(), overrides.begin(), overrides.end());
  return arguments;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bad_input)

BOOST_AUTO_TEST_CASE(a_recipe_is_refused_for_unknown_keys_wrong_types_and_impossible_sizes) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const auto run = folder / "run";
  check_fails(training(shop, shop.data, run, {"train.bacth=16"}), {"bacth", "batch"});
  check_fails(training(shop, shop.data, run, {"train.batch=\"many\""}), {"train.batch"});
  check_fails(training(shop, shop.data, run, {"model.hidden=15"}), {"hidden"});
  check_fails(training(shop, shop.data, run, {"model.hidden=-16"}), {"hidden"});
  check_fails(training(shop, shop.data, run, {"train.batch=0"}), {"batch"});
  check_fails(training(shop, shop.data, run, {"model.hidden=1000000000000"}), {"hidden"});
  std::ofstream(folder / "broken.toml") << "[model\nhidden = 16\n";
  check_fails({"train", "--data", shop.data, "--recipe", folder / "broken.toml", "--run", run}, {"broken.toml"});
  BOOST_TEST(!fs::exists(run));
}

// Terabytes: refused when they are asked for, whatever the machine promises.
BOOST_AUTO_TEST_CASE(a_recipe_too_large_for_the_memory_is_an_error) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  const address_space_limit limit(8ull << 30);
  check_fails(training(shop, shop.data, folder / "run",
                       {"model.hidden=16384", "model.heads=16", "model.feed_forward=65536", "model.query_layers=128",
                        "model.title_layers=128", "model.image_layers=128"}),
              {"out of memory: cannot allocate "});
  BOOST_TEST(!fs::exists(folder / "run/checkpoints"));
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_in_prepared_data_is_found_by_train) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  copy_folder(shop.data, folder / "data");
  int runs = 0;
  for (const auto& file : files_in(folder / "data")) {
    if (file.filename() == "refused.tsv" || file.filename() == "fields") continue;  // which training does not read
    const auto middle = static_cast<std::size_t>(fs::file_size(file) / 2);
    flip_byte(file, middle);
    const auto run = folder / ("run-" + std::to_string(runs++));
    check_fails(training(shop, folder / "data", run, {"train.steps=30"}), {file.filename()});
    flip_byte(file, middle);
  }
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_in_the_fields_is_found_by_publish) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  copy_folder(shop.data, folder / "data");
  flip_byte(folder / "data/fields", fs::file_size(folder / "data/fields") / 2);
  check_fails({"publish", "--run", shop.run, "--data", folder / "data", "--store", folder / "store"}, {"fields"});
  BOOST_TEST(!fs::exists(folder / "store/CURRENT"));
}

BOOST_AUTO_TEST_CASE(a_flipped_byte_in_a_checkpoint_is_found_by_publish) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  must_run(training(shop, shop.data, folder / "run", {"train.steps=3", "checkpoint.every=0"}));
  check_every_flip_is_found(folder / "run/checkpoints",
                            {"publish", "--run", folder / "run", "--data", shop.data, "--store", folder / "store"}, {});
}

// Search reads no more than it needs; what it reads is verified, and `verify` reads everything.
BOOST_AUTO_TEST_CASE(a_flipped_byte_in_a_store_is_found_by_who_reads_it) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  copy_folder(shop.store, folder / "store");
  check_every_flip_is_found(folder / "store", {"generations", "--store", folder / "store", "verify"}, {"CURRENT"});
  const words not_read{"terms.argosy", "fields.argosy", "queries.argosy", "relevance.json", "weights.argosy"};
  check_every_flip_is_found(folder / "store", {"search", "--store", folder / "store", "-k", "100", "red dress"}, not_read);
}

BOOST_AUTO_TEST_CASE(a_store_of_a_newer_version_is_refused) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  copy_folder(shop.store, folder / "store");
  const auto first = fs::directory_iterator(folder / "store/generations")->path();
  const auto sealed = folder / "sealed";
  {
    auto writer = argosy::folder_writer::create(sealed, "generation", 1000);
    BOOST_REQUIRE(writer.ok());
    for (const auto& file : files_in(first)) {
      if (file.filename() != "MANIFEST") fs::copy(file, writer->path() / file.filename());
    }
    BOOST_REQUIRE(writer->seal().ok());
  }
  fs::remove_all(first);
  fs::rename(sealed, first);
  make_current(folder / "store", first);
  check_fails({"search", "--store", folder / "store", "red dress"}, {"version", "1000"});
}

BOOST_AUTO_TEST_CASE(a_catalogue_of_one_product_goes_all_the_way) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  std::ofstream(folder / "products.tsv") << "id\ttitle\timage\nonly\tred dress\t\n";
  std::ofstream(folder / "log.tsv") << "query\tproduct_id\ndress\tonly\n";
  must_run({"prepare", "--catalogue", folder / "products.tsv", "--log", folder / "log.tsv", "--out", folder / "data"});
  must_run(training(shop, folder / "data", folder / "run", {"train.steps=2"}));
  must_run({"publish", "--run", folder / "run", "--data", folder / "data", "--store", folder / "store"});
  const auto answer = must_run({"search", "--store", folder / "store", "--json", "dress"});
  BOOST_TEST((answer.find("\"only\"") != std::string::npos), answer);
}

BOOST_AUTO_TEST_CASE(an_empty_log_is_refused) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  std::ofstream(folder / "log.tsv") << "query\tproduct_id\n";
  check_fails({"prepare", "--catalogue", shop.catalogue, "--images", shop.images, "--log", folder / "log.tsv", "--out", folder / "data"},
              {"log.tsv: want at least one line with a query and a product of the catalogue, found none in 0 lines"});
  BOOST_TEST(!fs::exists(folder / "data"));
}

BOOST_AUTO_TEST_CASE(refused_lines_are_counted_and_listed) {
  const scratch_folder folder;
  std::ofstream(folder / "products.tsv") << "id\ttitle\timage\na\tred dress\t\nb\t\t\na\tblue dress\t\nc\tbag \xFF\t\n";
  std::ofstream(folder / "log.tsv") << "query\tproduct_id\nred\ta\nred\tnobody\n";
  const auto out = must_run({"prepare", "--catalogue", folder / "products.tsv", "--log", folder / "log.tsv", "--out", folder / "data"});
  BOOST_TEST((out.find("refused.tsv") != std::string::npos), out);
  BOOST_TEST(bytes_of_file(folder / "data/refused.tsv") ==
             "file\tline\treason\tdetail\n"
             "products.tsv\t3\ttitle and image missing\tb\n"
             "products.tsv\t4\trepeated product id\ta\n"
             "products.tsv\t5\tinvalid UTF-8\tbyte 6\n"
             "log.tsv\t3\tunknown product\tnobody\n");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said_in_one_line_and_leaves_nothing) {
  const auto& shop = shared_small_shop();
  const small_disk disk(64 << 10);
  if (!disk) return;
  check_fails(prepare_arguments(shop, disk / "data"), {"No space left on device"});
  check_fails(train_arguments(shop, disk / "run"), {"No space left on device"});
  check_fails(publish_arguments(shop, disk / "store"), {"No space left on device"});
  BOOST_TEST(!fs::exists(disk / "data"));
  BOOST_TEST(!fs::exists(disk / "store/CURRENT"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_leaves_the_current_generation) {
  const auto& shop = shared_small_shop();
  std::uint64_t bytes = 0;
  for (const auto& file : files_in(shop.store)) bytes += fs::file_size(file);
  const small_disk disk(bytes + bytes / 2 + (64 << 10));
  if (!disk) return;
  must_run(publish_arguments(shop, disk / "store"));
  check_fails(publish_arguments(shop, disk / "store"), {"No space left on device"});
  must_run({"search", "--store", disk / "store", "red dress"});
}

// Wherever memory or a thread is first refused, the program says so or is ended; it once waited for ever for an actor without a thread.
BOOST_AUTO_TEST_CASE(training_short_of_memory_ends) {
  const auto& shop = shared_small_shop();
  const scratch_folder folder;
  for (const rlim_t megabytes : {100, 150, 200, 300}) {
    const address_space_limit limit(megabytes << 20);
    background_argosy training_run(training(shop, shop.data, folder / std::to_string(megabytes), {"train.steps=2"}));
    BOOST_TEST(training_run.wait_for(std::chrono::seconds(60)).has_value(), megabytes << " MB");
  }
}

BOOST_AUTO_TEST_SUITE_END()
