#include "model/checkpoint.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <vector>

#include "model/safetensors.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/small_disk.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tiny_model.hpp"

namespace {

using namespace argosy;
namespace fs = std::filesystem;

retrieval_model tiny(device& on, std::uint64_t seed, int hidden = 16) {
  auto r = test::tiny_recipe();
  r.model.hidden = hidden;
  r.train.seed = seed;
  return retrieval_model::make(on, r, test::tiny_inputs()).value();
}

checkpoint_facts facts(std::uint64_t steps) {
  checkpoint_facts f;
  f.steps_done = steps;
  f.of = 100;
  f.data_fingerprint = 0xfeedface12345678;
  f.recipe = test::tiny_recipe();
  f.inputs = test::tiny_inputs();
  f.inputs.backbone = {"resnet50", 0x0123456789abcdef, 64, 2048};
  f.vocabulary = "[CLS]\n[UNK]\n";
  f.segmenter = "ICU";
  return f;
}

void flip(const fs::path& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const auto byte = static_cast<char>(file.get() ^ 1);
  file.seekp(at);
  file.put(byte);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoints)

BOOST_AUTO_TEST_CASE(a_full_disk_is_named) {
  const test::small_disk disk(64 << 10);
  if (!disk) return;
  const auto on = make_cpu_device(1);
  test::check_refused(write_checkpoint(disk.path(), capture(tiny(*on, 1, 256), facts(1)).value()), errc::io_error,
                      {"No space left on device"});
  test::check_refused(find_checkpoint(disk.path()).failure(), errc::not_found, {});
}

BOOST_AUTO_TEST_CASE(weights_moments_and_banks_come_back) {
  const test::scratch_folder run;
  const auto on = make_cpu_device(1);
  auto model = tiny(*on, 1);
  const auto& some = model.weights().at("query.0.q.weight");
  const auto moments = model.weights().moments().at(some.arena, some.at);
  *moments.first.as<float>() = 3;
  *moments.second.as<float>() = 4;
  auto state = capture(model, facts(12)).value();
  state.banks.push_back({2, {1, 2, 3, 4}, {-1, -2}, {8, 9}, {10, 11}});
  BOOST_REQUIRE(write_checkpoint(run.path(), state).ok());

  const auto found = find_checkpoint(run.path());
  BOOST_REQUIRE_MESSAGE(found.ok(), found.failure().text());
  const auto read = read_checkpoint(*found);
  BOOST_REQUIRE_MESSAGE(read.ok(), read.failure().text());
  BOOST_TEST(read->facts.steps_done == 12U);
  BOOST_TEST(read->facts.data_fingerprint == 0xfeedface12345678U);
  BOOST_TEST(read->facts.vocabulary == "[CLS]\n[UNK]\n");
  BOOST_TEST(read->facts.segmenter == "ICU");
  BOOST_TEST((read->facts.inputs.backbone == facts(12).inputs.backbone));
  BOOST_TEST(recipe_text(read->facts.recipe) == recipe_text(test::tiny_recipe()));
  BOOST_REQUIRE(read->banks.size() == 1U);
  BOOST_TEST(read->banks[0].embedding == (std::vector<double>{1, 2, 3, 4}), boost::test_tools::per_element());
  BOOST_TEST(read->banks[0].step == (std::vector<std::uint64_t>{10, 11}), boost::test_tools::per_element());

  auto other = tiny(*on, 2);
  BOOST_REQUIRE(restore(*read, other).ok());
  const auto again = capture(other, facts(12)).value();
  BOOST_REQUIRE(again.entries.size() == state.entries.size());
  for (std::size_t i = 0; i < state.entries.size(); ++i) {
    BOOST_TEST((again.entries[i].value == state.entries[i].value), state.entries[i].name);
    BOOST_TEST((again.entries[i].first == state.entries[i].first), state.entries[i].name);
    BOOST_TEST((again.entries[i].second == state.entries[i].second), state.entries[i].name);
  }
}

BOOST_AUTO_TEST_CASE(a_model_of_another_shape_is_refused_and_left_alone) {
  const auto on = make_cpu_device(1);
  const auto narrow = capture(tiny(*on, 1), facts(1)).value();
  auto wide = tiny(*on, 1, 32);
  const auto before = capture(wide, facts(1)).value();
  const auto s = restore(narrow, wide);
  BOOST_TEST((s.code() == errc::shape_mismatch));
  BOOST_TEST(s.message().find("want (30, 32)") != std::string::npos, s.message());
  BOOST_TEST((capture(wide, facts(1)).value().entries[0].value == before.entries[0].value));
}

BOOST_AUTO_TEST_CASE(the_newest_that_verifies_is_used) {
  const test::scratch_folder run;
  const auto on = make_cpu_device(1);
  const auto model = tiny(*on, 1);
  for (const std::uint64_t steps : {10U, 20U, 30U}) BOOST_REQUIRE(write_checkpoint(run.path(), capture(model, facts(steps)).value()).ok());
  flip(run / "checkpoints/00000030/model.safetensors", 5000);
  BOOST_TEST(find_checkpoint(run.path())->filename() == "00000020");
  fs::remove(run / "checkpoints/00000020/vocab.txt");
  BOOST_TEST(find_checkpoint(run.path())->filename() == "00000010");
}

BOOST_AUTO_TEST_CASE(broken_ones_are_set_aside_before_their_steps_come_again) {
  const test::scratch_folder run;
  const auto on = make_cpu_device(1);
  const auto model = tiny(*on, 1);
  for (const std::uint64_t steps : {10U, 20U, 30U}) BOOST_REQUIRE(write_checkpoint(run.path(), capture(model, facts(steps)).value()).ok());
  flip(run / "checkpoints/00000020/MANIFEST", 200);
  flip(run / "checkpoints/00000030/model.safetensors", 5000);
  const auto good = find_checkpoint(run.path());
  BOOST_REQUIRE(good.ok());
  BOOST_REQUIRE(set_aside_newer(run.path(), *good).ok());
  BOOST_TEST(fs::exists(run / "checkpoints/00000030.broken/model.safetensors"));
  BOOST_REQUIRE(write_checkpoint(run.path(), capture(model, facts(30)).value()).ok());
  BOOST_REQUIRE(set_aside_newer(run.path(), *good).ok());  // broken once more
  BOOST_TEST(fs::exists(run / "checkpoints/00000030.broken/model.safetensors"));
  BOOST_TEST(fs::exists(run / "checkpoints/00000030.broken2/model.safetensors"));
  BOOST_REQUIRE(prune_checkpoints(run.path(), 1).ok());
  BOOST_TEST(find_checkpoint(run.path())->filename() == "00000010");
  BOOST_REQUIRE(write_checkpoint(run.path(), capture(model, facts(20)).value()).ok());
  BOOST_REQUIRE(prune_checkpoints(run.path(), 1).ok());
  BOOST_TEST(find_checkpoint(run.path())->filename() == "00000020");
}

BOOST_AUTO_TEST_CASE(only_the_newest_are_kept) {
  const test::scratch_folder run;
  const auto on = make_cpu_device(1);
  const auto model = tiny(*on, 1);
  for (const std::uint64_t steps : {10U, 20U, 30U}) BOOST_REQUIRE(write_checkpoint(run.path(), capture(model, facts(steps)).value()).ok());
  BOOST_REQUIRE(prune_checkpoints(run.path(), 2).ok());
  BOOST_TEST(!fs::exists(run / "checkpoints/00000010"));
  BOOST_TEST(fs::exists(run / "checkpoints/00000020"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_read_is_no_empty_folder) {
  const test::scratch_folder run;
  std::ofstream(run / "checkpoints") << "a file";
  test::check_refused(find_checkpoint(run.path()).failure(), errc::io_error, {"checkpoints"});
  test::check_refused(has_checkpoints(run.path()).failure(), errc::io_error, {"checkpoints"});
}

BOOST_AUTO_TEST_CASE(numbers_that_cannot_be_are_refused) {
  const test::scratch_folder run;
  const auto on = make_cpu_device(1);
  auto impossible = facts(1);
  impossible.inputs.image_width = -5;
  BOOST_REQUIRE(write_checkpoint(run.path(), capture(tiny(*on, 1), impossible).value()).ok());
  test::check_refused(load_model(*on, run / "checkpoints/00000001").failure(), errc::corrupt, {"inputs.argosy", "section facts"});
  for (const patch_backbone& broken :
       {patch_backbone{"resnet18", 1, 64, 0}, patch_backbone{"resnet18", 1, -5, 512}, patch_backbone{"", 1, 0, 512}}) {
    impossible = facts(1);
    impossible.inputs.backbone = broken;
    BOOST_REQUIRE(write_checkpoint(run.path(), capture(tiny(*on, 1), impossible).value()).ok());
    test::check_refused(load_model(*on, run / "checkpoints/00000001").failure(), errc::corrupt, {"inputs.argosy", "section backbone"});
  }
}

BOOST_AUTO_TEST_CASE(a_model_is_loaded_without_its_run) {
  const test::scratch_folder run;
  const auto on = make_cpu_device(1);
  auto model = tiny(*on, 5);
  auto of_pixels = facts(3);
  of_pixels.inputs = test::tiny_inputs();
  BOOST_REQUIRE(write_checkpoint(run.path(), capture(model, of_pixels).value()).ok());
  fs::create_directory(run / "copy");
  BOOST_REQUIRE(copy_model(run / "checkpoints/00000003", run / "copy").ok());
  auto loaded = load_model(*on, run / "copy");
  BOOST_REQUIRE_MESSAGE(loaded.ok(), loaded.failure().text());
  const auto b = test::tiny_batch(0, 0, 3);
  const auto want = model.embed_queries(b.query, {}).value();
  const auto got = loaded->model.embed_queries(b.query, {}).value();
  BOOST_TEST(std::equal(want.as<float>(), want.as<float>() + 3 * want.cols, got.as<float>()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(a_truncated_or_hostile_file_is_refused) {
  const test::scratch_folder scratch;
  safetensors_file file;
  file.tensors.push_back({"a", "F32", {2, 2}, std::vector<std::byte>(16)});
  BOOST_REQUIRE(write_safetensors(scratch / "good", file).ok());
  BOOST_TEST(read_safetensors(scratch / "good").ok());
  const auto size = fs::file_size(scratch / "good");
  for (std::uintmax_t keep = 0; keep < size; ++keep) {
    fs::copy_file(scratch / "good", scratch / "cut", fs::copy_options::overwrite_existing);
    fs::resize_file(scratch / "cut", keep);
    BOOST_TEST((read_safetensors(scratch / "cut").failure().code() == errc::corrupt), keep);
  }
  for (const std::string header :
       {R"({"a":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,16]}})",
        R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[8,4]}})", R"({"a":{"dtype":"F33","shape":[4],"data_offsets":[0,16]}})",
        R"({"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}})", R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,99]}})",
        R"({"a":3})", "[]"}) {
    std::ofstream out(scratch / "bad", std::ios::binary);
    const std::uint64_t bytes = header.size();
    out.write(reinterpret_cast<const char*>(&bytes), 8);
    out << header << std::string(16, '\0');
    out.close();
    BOOST_TEST((read_safetensors(scratch / "bad").failure().code() == errc::corrupt), header);
  }
}

BOOST_AUTO_TEST_SUITE_END()
