#include "model/bert_import.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>

#include "base/random.hpp"
#include "model/bert_export.hpp"
#include "model/bert_names.hpp"
#include "model/safetensors.hpp"
#include "tests/support/bytes.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/status.hpp"
#include "tests/support/tiny_model.hpp"

namespace {

using namespace argosy;
namespace fs = std::filesystem;

constexpr int hidden = 16, feed_forward = 32, layers = 2, positions = 12;

std::string words() {
  std::string text = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (char c = 'a'; c < 'a' + 25; ++c) text += std::string(1, c) + "\n";
  return text;
}

safetensor drawn(const std::string& name, std::vector<std::int64_t> shape) {
  const auto count = std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies{});
  std::vector<float> values(static_cast<std::size_t>(count));
  const auto seed = std::hash<std::string>{}(name);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(.1 * random_normal({.seed = seed}, 0, static_cast<std::uint32_t>(i)));
  return f32_tensor(name, std::move(shape), values);
}

// As transformers writes a BertForMaskedLM of that prefix.
safetensors_file bert(const std::string& prefix, int type_rows = 2, int first_position = 0) {
  safetensors_file file;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) { file.tensors.push_back(drawn(prefix + name, shape)); };
  const auto add_linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  };
  const auto add_norm = [&](const std::string& name) {
    add(name + ".weight", {hidden});
    add(name + ".bias", {hidden});
  };
  add("embeddings.word_embeddings.weight", {30, hidden});
  add("embeddings.position_embeddings.weight", {first_position + positions, hidden});
  add("embeddings.token_type_embeddings.weight", {type_rows, hidden});
  add_norm("embeddings.LayerNorm");
  for (int l = 0; l < layers; ++l) {
    const auto name = "encoder.layer." + std::to_string(l) + ".";
    for (const auto* part : {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"})
      add_linear(name + part, hidden, hidden);
    add_norm(name + "attention.output.LayerNorm");
    add_linear(name + "intermediate.dense", feed_forward, hidden);
    add_linear(name + "output.dense", hidden, feed_forward);
    add_norm(name + "output.LayerNorm");
  }
  add_linear("pooler.dense", hidden, hidden);
  return file;
}

// A checkpoint on disk with its vocabulary.
struct checkpoint_folder {
  test::scratch_folder folder;
  bert_import_options options{folder / "model.safetensors", folder / "vocab.txt", bert_style::bert, 2};

  explicit checkpoint_folder(const safetensors_file& file) {
    test::write_bytes(options.vocab, words());
    test::require_ok(write_safetensors(options.from, file));
  }
};

safetensor& tensor_of(safetensors_file& file, const std::string& name) { return *std::ranges::find(file.tensors, name, &safetensor::name); }

recipe fitting_recipe() {
  auto r = test::tiny_recipe();
  r.model.title_layers = r.model.image_layers = layers;
  return r;
}

template <class Names>
bool holds(const Names& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bert_imports)

BOOST_AUTO_TEST_CASE(names_go_there_and_back) {
  for (const auto* ours : {"token", "position", "type", "embedding_ln.weight", "embedding_ln.bias", "0.q.weight", "11.k.bias", "3.v.weight",
                           "3.o.bias", "7.up.weight", "7.down.bias", "10.ln1.weight", "10.ln2.bias"}) {
    BOOST_TEST(!bert_name_of(ours).empty(), ours);
    BOOST_TEST(name_of_bert(bert_name_of(ours)) == ours);
  }
  BOOST_TEST(bert_name_of("10.ln1.weight") == "encoder.layer.10.attention.output.LayerNorm.weight");
  BOOST_TEST(name_of_bert("encoder.layer.1.output.LayerNorm.gamma") == "1.ln2.weight");
  BOOST_TEST(name_of_bert("embeddings.LayerNorm.beta") == "embedding_ln.bias");
  for (const auto* unknown : {"", "pooler.dense.weight", "encoder.layer.x.output.dense.weight", "encoder.layer.1.output.dense.gamma",
                              "encoder.layer.1.attention.self.query", "embeddings.position_ids"})
    BOOST_TEST(name_of_bert(unknown) == "", unknown);
}

BOOST_AUTO_TEST_CASE(every_tensor_is_used_or_listed) {
  for (const std::string prefix : {"", "bert.", "model."}) {
    const checkpoint_folder on_disk(bert(prefix));
    const auto made = import_bert(on_disk.options);
    test::require_ok(made.failure());
    BOOST_TEST(made->used.size() == 5U + 16 * layers);
    BOOST_REQUIRE(made->unused.size() == 2U);
    BOOST_TEST(made->unused.back().find("pooler.dense.weight (16, 16) F32") != std::string::npos);
    for (const auto* name :
         {"image.patch.weight", "image.cls", "image.position", "adapt.gate.up.weight", "project.query.weight", "log_scale"})
      BOOST_TEST(holds(made->missing, name), name);
    for (const auto& used : made->used) BOOST_TEST(!used.parameters.empty(), used.name);
    const auto query =
        std::ranges::find(made->used, prefix + "encoder.layer.1.attention.self.query.weight", &bert_import::used_tensor::name);
    BOOST_REQUIRE((query != made->used.end()));
    BOOST_TEST(query->parameters == (std::vector<std::string>{"query.1.q.weight", "title.1.q.weight", "image.1.q.weight"}),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(all_three_encoders_start_from_the_same_numbers) {
  auto file = bert("bert.");
  const checkpoint_folder on_disk(file);
  const auto made = import_bert(on_disk.options);
  test::require_ok(made.failure());
  const test::scratch_folder scratch;
  test::require_ok(write_initial_weights(scratch / "initial", made->weights));
  const auto read = read_initial_weights(scratch / "initial");
  test::require_ok(read.failure());
  const auto r = fitting_recipe();
  test::require_ok(check_fits(*read, r.model, test::tiny_inputs(), words()));

  const auto on = make_cpu_device(1);
  auto model = retrieval_model::make(*on, r, test::tiny_inputs()).value();
  const auto untouched = *model.weights().at("project.query.weight").value.as<float>();
  test::require_ok(start_from(*read, model));
  const auto equal = [&](const std::string& parameter, const std::string& theirs) {
    const auto& value = model.weights().at(parameter).value;
    const auto want = tensor_of(file, "bert." + theirs).floats().value();
    const auto count = value.rows * value.cols;
    BOOST_TEST(std::equal(value.as<float>(), value.as<float>() + count, want.begin()), parameter);
  };
  for (const std::string tower : {"query", "title", "image"}) {
    equal(tower + ".1.down.weight", "encoder.layer.1.output.dense.weight");
    equal(tower + ".0.ln1.bias", "encoder.layer.0.attention.output.LayerNorm.bias");
    equal(tower + ".embedding_ln.weight", "embeddings.LayerNorm.weight");
    if (tower == "image") continue;
    equal(tower + ".token", "embeddings.word_embeddings.weight");
    equal(tower + ".position", "embeddings.position_embeddings.weight");
    equal(tower + ".type", "embeddings.token_type_embeddings.weight");
  }
  BOOST_TEST(*model.weights().at("project.query.weight").value.as<float>() == untouched);
}

BOOST_AUTO_TEST_CASE(what_was_imported_is_exported_unchanged) {
  for (const bool shared : {false, true}) {
    const auto file = bert("", 1);
    const checkpoint_folder on_disk(file);
    auto r = fitting_recipe();
    r.model.shared_tokens = shared;
    auto in = test::tiny_inputs();
    in.query_length = in.title_length = positions;
    const auto on = make_cpu_device(1);
    auto model = retrieval_model::make(*on, r, in).value();
    test::require_ok(start_from(import_bert(on_disk.options)->weights, model));
    checkpoint_facts facts;
    facts.vocabulary = words();
    const loaded_model loaded{facts, std::move(model)};
    const test::scratch_folder scratch;
    const auto folders = export_bert(loaded, scratch / "exported");
    test::require_ok(folders.failure());
    BOOST_TEST(*folders == (std::vector<std::string>{"query", "title", "image", "rest"}), boost::test_tools::per_element());

    for (const std::string tower : {"query", "title", "image"}) {
      const auto exported = read_safetensors(scratch / "exported" / tower / "model.safetensors");
      test::require_ok(exported.failure());
      BOOST_TEST(exported->tensors.size() == 5U + 16 * layers);
      for (const auto& t : exported->tensors) {
        const bool words_or_places = t.name.starts_with("embeddings.") && t.name.find("LayerNorm") == std::string::npos;
        if (tower == "image" && words_or_places) continue;
        const auto* before = file.find(t.name);
        BOOST_REQUIRE_MESSAGE(before != nullptr, t.name);
        BOOST_TEST(t.shape == before->shape, boost::test_tools::per_element());
        BOOST_TEST((t.data == before->data), t.name);
      }
      const auto config = test::bytes_of_file(scratch / "exported" / tower / "config.json");
      BOOST_TEST(config.find("\"num_hidden_layers\": 2") != std::string::npos, config);
      BOOST_TEST(fs::exists(scratch / "exported" / tower / "vocab.txt") == (tower != "image"));
    }
    const auto rest = read_safetensors(scratch / "exported/rest/model.safetensors");
    test::require_ok(rest.failure());
    for (const auto* name : {"image.patch.weight", "adapt.gate.down.bias", "project.query.weight", "log_scale"})
      BOOST_TEST(rest->find(name) != nullptr, name);
    BOOST_TEST(rest->tensors.size() + 3 * (5 + 16 * layers) - (shared ? 1 : 0) == loaded.model.weights().size());
  }
}

BOOST_AUTO_TEST_CASE(names_of_tensorflow_and_narrow_numbers) {
  auto file = bert("bert.");
  for (auto& t : file.tensors) {
    if (t.name.ends_with("LayerNorm.weight")) t.name.replace(t.name.size() - 6, 6, "gamma");
    if (t.name.ends_with("LayerNorm.bias")) t.name.replace(t.name.size() - 4, 4, "beta");
  }
  const std::vector<std::uint16_t> halves(feed_forward, 0xc100), bfloats(hidden, 0x3f80);  // -2.5, 1
  const auto narrow = [](safetensor& t, const char* type, std::span<const std::uint16_t> values) {
    const auto bytes = std::as_bytes(values);
    t.type = type;
    t.data.assign(bytes.begin(), bytes.end());
  };
  narrow(tensor_of(file, "bert.encoder.layer.0.intermediate.dense.bias"), "F16", halves);
  narrow(tensor_of(file, "bert.encoder.layer.1.output.LayerNorm.gamma"), "BF16", bfloats);
  const checkpoint_folder on_disk(file);
  const auto made = import_bert(on_disk.options);
  test::require_ok(made.failure());
  BOOST_TEST(made->weights.find("0.up.bias")->value.at(3) == -2.5F);
  BOOST_TEST(made->weights.find("1.ln2.weight")->value.at(3) == 1.F);
}

BOOST_AUTO_TEST_CASE(a_half_is_widened_exactly) {
  const std::vector<std::pair<std::uint16_t, float>> known{
      {0x0000, 0.F},         {0x0001, 0x1p-24F}, {0x03ff, 0x1.ff8p-15F}, {0x0400, 0x1p-14F},  {0x3c00, 1.F},
      {0x3555, 0x1.554p-2F}, {0x7bff, 65504.F},  {0xfbff, -65504.F},     {0x7c00, HUGE_VALF}, {0xfc00, -HUGE_VALF}};
  for (const auto& [bits, value] : known) {
    safetensor t{"x", "F16", {1}, {static_cast<std::byte>(bits & 0xff), static_cast<std::byte>(bits >> 8)}};
    BOOST_TEST(t.floats().value().front() == value, bits);
  }
  const safetensor negative{"x", "F16", {1}, {std::byte{0}, std::byte{0x80}}}, nan{"x", "F16", {1}, {std::byte{1}, std::byte{0x7c}}};
  BOOST_TEST(std::signbit(negative.floats().value().front()));
  BOOST_TEST(std::isnan(nan.floats().value().front()));
}

BOOST_AUTO_TEST_CASE(positions_of_roberta_count_from_two) {
  auto file = bert("roberta.", 1, 2);
  checkpoint_folder on_disk(file);
  test::check_refused(import_bert(on_disk.options).failure(), errc::invalid_argument, {"`roberta.`", "--as roberta"});
  on_disk.options.style = bert_style::roberta;
  const auto made = import_bert(on_disk.options);
  test::require_ok(made.failure());
  const auto* position = made->weights.find("position");
  BOOST_TEST(position->rows == positions);
  const auto theirs = tensor_of(file, "roberta.embeddings.position_embeddings.weight").floats().value();
  BOOST_TEST(std::equal(position->value.begin(), position->value.end(), theirs.begin() + 2 * hidden, theirs.end()));
}

BOOST_AUTO_TEST_CASE(heads_are_found_out) {
  checkpoint_folder on_disk(bert(""));
  on_disk.options.heads = 0;
  test::check_refused(import_bert(on_disk.options).failure(), errc::invalid_argument, {"width of 16", "--heads"});
  test::write_bytes(on_disk.folder / "config.json", R"({"num_attention_heads": 4, "hidden_act": "relu", "layer_norm_eps": 1e-5})");
  const auto made = import_bert(on_disk.options);
  test::require_ok(made.failure());
  BOOST_TEST(made->weights.heads == 4);
  BOOST_TEST(made->notes.size() == 2U);
  on_disk.options.heads = 3;
  test::check_refused(import_bert(on_disk.options).failure(), errc::shape_mismatch, {"heads", "16", "3"});
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_together_is_named) {
  const auto refused = [](const std::string& name, errc code, std::initializer_list<std::string_view> parts, const auto& change) {
    auto file = bert("bert.");
    change(file, tensor_of(file, name));
    const checkpoint_folder on_disk(file);
    test::check_refused(import_bert(on_disk.options).failure(), code, parts);
  };
  const auto reshape = [](std::vector<std::int64_t> shape) {
    return [shape](safetensors_file&, safetensor& t) { t = drawn(t.name, shape); };
  };
  const auto remove = [](safetensors_file& file, const safetensor& t) {
    file.tensors.erase(file.tensors.begin() + (&t - file.tensors.data()));
  };
  const std::string query = "bert.encoder.layer.1.attention.self.query.weight", table = "bert.embeddings.word_embeddings.weight";
  refused(query, errc::shape_mismatch, {"model.safetensors", query, "want (16, 16)", "got (16, 8)"}, reshape({16, 8}));
  refused(query, errc::shape_mismatch, {query, "want 1 or 2 dimensions, got 3"}, reshape({16, 4, 4}));
  refused(query, errc::not_found, {query, "want (16, 16)", "there is none"}, remove);
  refused(table, errc::not_found, {"embeddings.word_embeddings.weight"}, remove);
  refused(table, errc::shape_mismatch, {table, "want 30 rows", "vocab.txt", "got 29"}, reshape({29, 16}));
  refused("bert.embeddings.position_embeddings.weight", errc::shape_mismatch, {"want (12, 16)", "got (12, 8)"}, reshape({12, 8}));
  refused(query, errc::shape_mismatch, {query, "want F32, F16 or BF16, got I32"}, [](auto&, safetensor& t) { t.type = "I32"; });
  refused(query, errc::invalid_argument, {query, "finite"}, [](auto&, safetensor& t) { std::ranges::fill(t.data, std::byte{0xff}); });
  refused(query, errc::invalid_argument, {"LayerNorm.bias", "twice"},
          [](safetensors_file& file, auto&) { file.tensors.push_back(drawn("bert.embeddings.LayerNorm.beta", {16})); });
  refused(query, errc::invalid_argument, {"one encoder", "decoder.embeddings"}, [](safetensors_file& file, auto&) {
    file.tensors.push_back(drawn("decoder.embeddings.word_embeddings.weight", {30, 16}));
  });
}

BOOST_AUTO_TEST_CASE(a_recipe_and_data_that_do_not_fit_are_told_what_to_change) {
  const checkpoint_folder on_disk(bert(""));
  const auto made = import_bert(on_disk.options);
  test::require_ok(made.failure());
  auto r = fitting_recipe().model;
  auto in = test::tiny_inputs();
  r.hidden = 32, r.heads = 4, r.title_layers = 1;
  test::check_refused(check_fits(made->weights, r, in, words()), errc::invalid_argument,
                      {"`model.hidden` = 16, not 32", "`model.heads` = 2, not 4", "`model.title_layers` = 2, not 1"});
  r = fitting_recipe().model;
  test::check_refused(check_fits(made->weights, r, in, "[CLS]\n[UNK]\n"), errc::invalid_argument, {"vocabulary", "--vocab"});
  in.title_length = 13;
  test::check_refused(check_fits(made->weights, r, in, words()), errc::invalid_argument, {"12 positions", "--title-length 13"});
  r.use_title = false, r.title_layers = 9;
  test::check_ok(check_fits(made->weights, r, in, words()));
}

BOOST_AUTO_TEST_CASE(a_damaged_folder_is_refused) {
  const checkpoint_folder on_disk(bert(""));
  const test::scratch_folder scratch;
  test::require_ok(write_initial_weights(scratch / "initial", import_bert(on_disk.options)->weights));
  auto bytes = test::bytes_of_file(scratch / "initial/encoder.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  test::write_bytes(scratch / "initial/encoder.safetensors", bytes);
  test::check_refused(read_initial_weights(scratch / "initial").failure(), errc::corrupt, {"encoder.safetensors"});
  test::check_refused(read_initial_weights(scratch / "nothing").failure(), errc::not_found, {"nothing"});
}

BOOST_AUTO_TEST_SUITE_END()
