// run_training on prepared data: a small catalogue of titles, prepared as `argosy prepare` does.
#include "actors/training.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "index/vector_index.hpp"
#include "model/checkpoint.hpp"
#include "model/embedding.hpp"
#include "model/initial_weights.hpp"
#include "model/query_encoder.hpp"
#include "tests/actors/tiny.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/numbered_weights.hpp"

namespace argosy {
namespace {

std::shared_ptr<const prepared_data> prepare_titles(const std::filesystem::path& folder, std::string_view extra_title = "") {
  const char* colours[] = {"red", "blue", "green", "black", "white"};
  const char* kinds[] = {"dress", "shirt", "shoe", "bag", "watch"};
  std::filesystem::create_directories(folder);
  std::ofstream catalogue(folder / "products.jsonl"), log(folder / "log.tsv");
  log << "query\tproduct_id\n";
  for (const auto* colour : colours)
    for (const auto* kind : kinds) {
      const std::string id = std::string(colour) + "-" + kind;
      catalogue << nlohmann::json{{"id", id}, {"title", std::string(colour) + " summer " + kind + std::string(extra_title)}}.dump() << '\n';
      log << colour << ' ' << kind << '\t' << id << '\n' << kind << '\t' << id << '\n';
    }
  catalogue.close();
  log.close();
  prepare_options options;
  options.catalogue = folder / "products.jsonl";
  options.log = folder / "log.tsv";
  options.out = folder / "prepared";
  options.vocab_size = 100;
  options.query_length = 6;
  options.title_length = 8;
  options.image_width = options.image_height = 8;
  const auto made = prepare(options, {}, {});
  BOOST_REQUIRE_MESSAGE(made.ok(), made.failure().text());
  auto data = prepared_data::open(options.out);
  BOOST_REQUIRE_MESSAGE(data.ok(), data.failure().text());
  return std::make_shared<const prepared_data>(std::move(*data));
}

struct prepared_shop {
  test::scratch_folder folder;
  training_job job{.data = prepare_titles(folder / "shop"), .recipe = test::tiny_recipe(2), .run = folder / "run", .resume = false};

  // Interrupted once `last` steps are shown, when given.
  result<training_end> train(std::uint64_t last = ~0ull) const {
    std::stop_source stop;
    return run_training(
        job,
        [&](const training_progress& p) {
          if (p.report.step + 1 == last) stop.request_stop();
        },
        stop.get_token());
  }
  std::vector<double> logged_losses() const {
    std::vector<double> losses;
    std::string line;
    for (std::ifstream in(job.run / "metrics.jsonl"); std::getline(in, line);) {
      const auto object = nlohmann::json::parse(line);
      BOOST_TEST(object["step"] == losses.size());
      losses.push_back(object["loss"]);
    }
    return losses;
  }
};

std::shared_ptr<judgements> judged_queries() {
  auto judged = std::make_shared<judgements>();
  judged->queries = {{"red dress", true, {"red-dress", "red-dress"}},
                     {"shoe", false, {"red-shoe", "blue-shoe", "green-shoe", "black-shoe", "white-shoe", "sold-out-shoe"}},
                     {"?!", false, {"red-bag"}},
                     {"hat", false, {"red-hat"}}};
  judged->has_needs_image = true;
  return judged;
}

BOOST_FIXTURE_TEST_SUITE(trainings, prepared_shop)

BOOST_AUTO_TEST_CASE(interrupted_and_resumed_the_metrics_are_those_of_one_run) {
  job.recipe.train.steps = 60;
  BOOST_REQUIRE(train().ok());
  const auto whole = logged_losses();
  BOOST_TEST(whole.size() == 60u);
  job.run = folder / "interrupted";
  const auto first = train(20);
  BOOST_REQUIRE_MESSAGE(first.ok(), first.failure().text());
  BOOST_TEST(first->interrupted);
  BOOST_TEST(first->steps_done < 60u);
  job.resume = true;
  const auto second = train();
  BOOST_REQUIRE_MESSAGE(second.ok(), second.failure().text());
  BOOST_TEST(second->steps_done == 60u);
  BOOST_TEST(!second->interrupted);
  BOOST_TEST(logged_losses() == whole, boost::test_tools::per_element());
}

// Large enough that the kernels share their rows out among threads.
BOOST_AUTO_TEST_CASE(two_threads_a_worker_give_the_same_metrics_twice) {
  job.recipe.model.hidden = 64;
  job.recipe.model.feed_forward = 512;
  job.recipe.train.threads = 2;
  job.recipe.train.batch = 48;
  job.recipe.train.steps = 12;
  job.recipe.negatives.bank = 200;
  std::vector<double> losses[2];
  for (auto& series : losses) {
    job.run = folder / ("run-" + std::to_string(&series - losses));
    const auto end = train();
    BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
    series = logged_losses();
  }
  BOOST_TEST(losses[0].size() == 12u);
  BOOST_TEST(losses[0] == losses[1], boost::test_tools::per_element());
}

// Eight bits of fraction in each factor: the first losses differ by less than a hundredth, and they do differ.
BOOST_AUTO_TEST_CASE(products_of_bfloat16_give_nearly_the_same_losses) {
  job.recipe.train.steps = 6;
  BOOST_REQUIRE(train().ok());
  const auto of_float32 = logged_losses();
  job.run = folder / "bfloat16";
  job.recipe.train.arithmetic = compute::bfloat16;
  BOOST_REQUIRE(train().ok());
  const auto of_bfloat16 = logged_losses();
  BOOST_REQUIRE(of_bfloat16.size() == of_float32.size());
  for (std::size_t i = 0; i < of_float32.size(); ++i) BOOST_TEST(of_bfloat16[i] == of_float32[i], boost::test_tools::tolerance(.01));
  BOOST_TEST(of_bfloat16 != of_float32);
}

// The bank starts late: with one from the first step on this run learnt nothing (docs/method.md, section 4).
BOOST_AUTO_TEST_CASE(training_lowers_the_loss) {
  job.recipe.model.hidden = 32;
  job.recipe.model.feed_forward = 64;
  job.recipe.model.projection = 16;
  job.recipe.model.dropout = 0;
  job.recipe.train.batch = 10;
  job.recipe.train.steps = 240;
  job.recipe.optimiser.rate = 1e-3;
  job.recipe.negatives.cross_device_start = 0;
  job.recipe.negatives.bank_start = .5;
  BOOST_REQUIRE(train().ok());
  const auto losses = logged_losses();
  const auto mean_from = [&](std::ptrdiff_t first) { return std::reduce(losses.begin() + first, losses.begin() + first + 15) / 15; };
  BOOST_TEST(mean_from(105) < .7 * mean_from(0));
  BOOST_TEST(mean_from(225) < mean_from(120));
}

nlohmann::json json_of_file(const std::filesystem::path& path) { return nlohmann::json::parse(std::ifstream(path)); }

// The rank, from 1, of the first relevant product, by a model loaded from the checkpoint and the reference's search.
std::size_t rank_by_reference(const training_job& job, const judged_query& query) {
  const auto device = make_cpu_device(1);
  const auto folder = find_checkpoint(job.run).value();
  auto loaded = load_model(*device, folder);
  BOOST_REQUIRE_MESSAGE(loaded.ok(), loaded.failure().text());
  const auto tokens = query_encoder::open(loaded->facts, folder)->tokens(query.text).value();
  const auto products = embed_products(loaded->model, *job.data, job.data->products(), [](auto, auto) {}, {}).value();
  const auto asked = embed_queries(loaded->model, std::span(&tokens, 1), {}).value();
  const auto rows = [&](const auto& all) { return view_of(all.data(), std::ssize(all) / loaded->model.width(), loaded->model.width()); };
  const auto found = search_reference(rows(products), rows(asked), 25).front();
  const auto relevant = std::ranges::find_if(
      found, [&](const hit& h) { return std::ranges::count(query.relevant, std::string(job.data->product_id(h.row))) > 0; });
  return static_cast<std::size_t>(relevant - found.begin()) + 1;
}

BOOST_AUTO_TEST_CASE(judged_queries_are_measured_with_every_checkpoint) {
  job.judged = judged_queries();
  job.recipe.train.steps = 7;
  job.recipe.checkpoint = {.every = 3, .keep = 1};
  std::vector<double> shown;
  job.evaluated = [&](std::span<const evaluated_part> parts) { shown.push_back(parts.front().metrics.recall.at(10)); };
  BOOST_REQUIRE(train().ok());
  std::vector<nlohmann::json> lines;
  std::string text;
  for (std::ifstream in(job.run / "evaluation.jsonl"); std::getline(in, text);) lines.push_back(nlohmann::json::parse(text));
  BOOST_REQUIRE(lines.size() == 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    BOOST_TEST(lines[i]["step"] == (std::array{3, 6, 7}[i]));
    BOOST_TEST(lines[i]["products"] == 25);
    BOOST_TEST(lines[i]["all"]["queries"] == 3);
    BOOST_TEST(lines[i]["all"]["without_relevant"] == 1);
    BOOST_TEST(lines[i]["needs_image"]["queries"] == 1);
    BOOST_TEST(lines[i]["all"]["recall@10"] == shown.at(i));
    BOOST_TEST(lines[i]["all"]["recall@100"].get<double>() == 2. / 3, boost::test_tools::tolerance(1e-12));  // the one without words
  }
  const auto outcomes = json_of_file(job.run / "outcomes.json");
  BOOST_TEST(outcomes["step"] == 7);
  BOOST_REQUIRE(outcomes["queries"].size() == 3u);
  for (std::size_t q = 0; q < 2; ++q) {
    BOOST_TEST(outcomes["queries"][q]["query"] == job.judged->queries[q].text);
    BOOST_TEST(outcomes["queries"][q]["first"] == rank_by_reference(job, job.judged->queries[q]));
  }
  BOOST_TEST(outcomes["queries"][2]["first"].is_null());
}

BOOST_AUTO_TEST_CASE(a_resumed_run_measures_as_one_that_was_never_stopped) {
  job.judged = judged_queries();
  job.recipe.train.steps = 40;
  job.recipe.checkpoint = {.every = 10, .keep = 2};
  const auto lines_of = [](const std::filesystem::path& run) {
    std::ifstream in(run / "evaluation.jsonl");
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  BOOST_REQUIRE(train().ok());
  const auto whole = lines_of(job.run);
  job.run = folder / "interrupted";
  BOOST_REQUIRE(train(20).ok());
  job.resume = true;
  BOOST_REQUIRE(train().ok());
  BOOST_TEST(lines_of(job.run) == whole);
}

BOOST_AUTO_TEST_CASE(a_run_without_the_figures_of_its_last_step_is_not_at_its_end) {
  job.judged = judged_queries();
  job.recipe.train.steps = 4;
  job.recipe.checkpoint = {.every = 4, .keep = 2};
  BOOST_REQUIRE(train().ok());
  std::ofstream(job.run / "evaluation.jsonl").close();
  job.resume = true;
  std::stop_source stopped;
  stopped.request_stop();
  const auto cut = run_training(job, {}, stopped.get_token());
  BOOST_REQUIRE_MESSAGE(cut.ok(), cut.failure().text());
  BOOST_TEST(cut->interrupted);
  BOOST_TEST(std::filesystem::file_size(job.run / "evaluation.jsonl") == 0u);
  BOOST_TEST(!train()->interrupted);
  BOOST_TEST(std::filesystem::file_size(job.run / "evaluation.jsonl") > 0u);
}

BOOST_AUTO_TEST_CASE(figures_of_other_judgements_are_not_mixed) {
  job.judged = judged_queries();
  BOOST_REQUIRE(train().ok());
  auto other = judged_queries();
  other->queries[0].relevant = {"red-bag"};
  job.judged = other;
  job.resume = true;
  const auto end = train();
  BOOST_TEST((end.failure().code() == errc::invalid_argument));
  BOOST_TEST(end.failure().message().find("evaluation.jsonl: has figures of other judgements") != std::string::npos, end.failure().text());
}

BOOST_AUTO_TEST_CASE(figures_that_a_killed_run_did_not_write_are_made_up_for) {
  job.judged = judged_queries();
  job.recipe.train.steps = 6;
  job.recipe.checkpoint = {.every = 3, .keep = 1};
  BOOST_REQUIRE(train().ok());
  const auto file = job.run / "evaluation.jsonl";
  std::string first, last;
  std::ifstream in(file);
  std::getline(in, first);
  std::getline(in, last);
  std::ofstream(file) << first << '\n' << last.substr(0, 20);
  std::filesystem::remove(job.run / "outcomes.json");
  job.resume = true;
  BOOST_REQUIRE(train().ok());
  std::ifstream again(file);
  BOOST_TEST(std::string(std::istreambuf_iterator<char>(again), {}) == first + '\n' + last + '\n');
  BOOST_TEST(std::filesystem::exists(job.run / "outcomes.json"));
}

BOOST_AUTO_TEST_CASE(judgements_of_another_catalogue_are_refused) {
  auto judged = judged_queries();
  for (auto& query : judged->queries) query.relevant = {"nothing-here"};
  job.judged = judged;
  const auto end = train();
  BOOST_TEST((end.failure().code() == errc::invalid_argument));
  BOOST_TEST(end.failure().message().find("want products of the training data") != std::string::npos, end.failure().text());
}

BOOST_AUTO_TEST_CASE(a_finished_run_is_refused_again_and_has_nothing_left_when_resumed) {
  BOOST_REQUIRE(train().ok());
  BOOST_TEST((train().failure().code() == errc::invalid_argument));
  job.resume = true;
  const auto again = train();
  BOOST_REQUIRE_MESSAGE(again.ok(), again.failure().text());
  BOOST_TEST(again->steps_done == 8u);
  BOOST_TEST(logged_losses().size() == 8u);
}

BOOST_AUTO_TEST_CASE(another_recipe_other_workers_and_other_data_are_refused_by_name) {
  BOOST_REQUIRE(train().ok());
  job.resume = true;
  const auto refusal = [&](auto change) {
    training_job other = job;
    change(other);
    return run_training(other, {}, {}).failure().message();
  };
  const auto holds = [](const std::string& text, const char* words) { BOOST_TEST(text.find(words) != std::string::npos, text); };
  holds(refusal([](training_job& j) { j.recipe.optimiser.rate = .5; }), "rate = 0.5");
  holds(refusal([](training_job& j) { j.recipe.train.workers = 1; }), "want train.workers = 2, got 1");
  holds(refusal([&](training_job& j) { j.data = prepare_titles(folder / "other", " new"); }), "other data");
}

BOOST_AUTO_TEST_CASE(encoders_start_from_initial_weights) {
  const auto initial = test::numbered_weights(job.recipe, job.data->vocab());
  job.initial = folder / "initial";
  BOOST_REQUIRE(write_initial_weights(job.initial, initial).ok());
  job.recipe.train.steps = 1;
  job.recipe.optimiser.rate = 0;
  const auto end = train();
  BOOST_REQUIRE_MESSAGE(end.ok(), end.failure().text());
  const auto state = read_checkpoint(find_checkpoint(job.run).value());
  BOOST_REQUIRE_MESSAGE(state.ok(), state.failure().text());
  int started = 0;
  for (const auto& entry : state->entries) {
    const auto* from = initial.find(source_of(entry.name));
    if (from == nullptr) continue;
    ++started;
    BOOST_TEST(std::equal(entry.value.begin(), entry.value.end(), from->value.begin()), entry.name);
  }
  BOOST_TEST(started == 21 + 21 + 18);  // query, title, image
}

BOOST_AUTO_TEST_CASE(other_initial_weights_have_another_fingerprint) {
  const auto weights = test::numbered_weights(job.recipe, job.data->vocab());
  const std::uint64_t own = fingerprint_of(weights);
  BOOST_TEST(fingerprint_of(initial_weights(weights)) == own);
  const auto changed = [&](auto change) {
    auto other = weights;
    change(other);
    return fingerprint_of(other);
  };
  BOOST_TEST(changed([](initial_weights& w) { w.tensors.back().value.back() += 1; }) != own);
  BOOST_TEST(changed([](initial_weights& w) { w.tensors.front().name += "x"; }) != own);
  BOOST_TEST(changed([](initial_weights& w) { std::swap(w.tensors.front().rows, w.tensors.front().cols); }) != own);
  BOOST_TEST(changed([](initial_weights& w) { w.heads = 1 - w.heads; }) != own);
  BOOST_TEST(changed([](initial_weights& w) { w.vocabulary += "x"; }) != own);
  BOOST_TEST(changed([](initial_weights& w) { w.tensors.pop_back(); }) != own);
}

BOOST_AUTO_TEST_CASE(initial_weights_that_do_not_fit_are_refused_before_anything_is_written) {
  job.judged = judged_queries();
  job.initial = folder / "initial";
  BOOST_REQUIRE(write_initial_weights(job.initial, test::numbered_weights(job.recipe, job.data->vocab())).ok());
  job.recipe.model.hidden = 16;
  const auto end = train();
  BOOST_TEST(end.failure().message().find("`model.hidden` = 8, not 16") != std::string::npos, end.failure().text());
  job.initial = folder / "nowhere";
  BOOST_TEST((train().failure().code() == errc::not_found));
  BOOST_TEST(!std::filesystem::exists(job.run));
}

BOOST_AUTO_TEST_CASE(more_workers_than_pairs_in_a_batch_are_refused) {
  job.recipe.train.workers = 7;
  BOOST_TEST((train().failure().code() == errc::out_of_range));
  BOOST_TEST(!std::filesystem::exists(job.run));
}

BOOST_AUTO_TEST_CASE(a_gpu_that_is_not_there_is_refused_before_anything_is_written) {
  job.recipe.train.device = "cuda:4000";
  job.recipe.train.workers = 1;
  BOOST_TEST((train().failure().code() == errc::unavailable));
  BOOST_TEST(!std::filesystem::exists(job.run));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace argosy
