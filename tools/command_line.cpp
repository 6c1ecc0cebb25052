#include "tools/command_line.hpp"

#include <iostream>
#include <map>

#include "model/backbone.hpp"
#include "tools/command_parsers.hpp"
#include "tools/commands.hpp"
#include "tools/interrupts.hpp"

namespace argosy {
namespace {

constexpr int exit_failed = 1, exit_usage = 2, exit_interrupted = 130;

void add_demo_shop(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<demo_shop_options>();
  auto* command = add_command(app, "demo-shop", "Make a shop to try things on: a catalogue with rendered photographs, and a search log",
                              "argosy demo-shop demo/shop --products 3000 --seed 1", chosen, true, &run_demo_shop, options);
  command->add_option("DIR", options->out, "Where to put it")->required();
  command->add_option("--products", options->products, "Products")->capture_default_str();
  command->add_option("--seed", options->seed, "The same seed gives the same bytes")->capture_default_str();
  command->add_option("--log-lines", options->log_lines, "Lines of the search log; 0: twenty for each product")
      ->capture_default_str()
      ->check(CLI::Range(0, 100'000'000));
}

void add_backbone(CLI::App& command, prepare_command_options& options) {
  const auto known = backbone_names();
  auto* name = command.add_option("--backbone", options.backbone, "A frozen network that turns patches into features; none: their pixels")
                   ->check(CLI::IsMember(std::vector<std::string>(known.begin(), known.end())));
  auto* weights = command.add_option("--backbone-weights", options.backbone_weights, "Its weights with torchvision's names: safetensors");
  name->needs(weights);
  weights->needs(name);
  command.add_option("--backbone-side", options.backbone_side, "Patches are resized to this width and height for it")
      ->capture_default_str()
      ->needs(name)
      ->check(CLI::Range(least_backbone_side, largest_backbone_side));
  command
      .add_option("--reuse", options.prepare.reuse,
                  "Prepared data with features of the same images; none: what stands at --out, if anything")
      ->needs(name);
  command.add_option("--device", options.device, "Where it runs: cpu, cuda or cuda:1 (argosy devices)")->capture_default_str()->needs(name);
  add_threads(command, options.threads);
}

void add_prepare(CLI::App& app, chosen_command& chosen) {
  const auto chosen_options = std::make_shared<prepare_command_options>();
  auto* const options = &chosen_options->prepare;
  auto* command =
      add_command(app, "prepare", "Read a catalogue, its images and a search log; write what training reads",
                  "argosy prepare --catalogue shop/products.jsonl.gz --images shop/images.tar --log shop/train_log.tsv.gz --out data",
                  chosen, true, &run_prepare, chosen_options);
  command->add_option("--catalogue", options->catalogue, "Products: JSON lines or TSV with id, title, image; .gz or plain")->required();
  command->add_option("--images", options->images, "A folder or a tar with the catalogue's images; none: titles only");
  command->add_option("--log", options->log, "Searches: JSON lines or TSV with query, product_id; none: a catalogue to publish");
  command->add_option("--out", options->out, "The folder to write")->required();
  command->add_option("--vocab", options->vocab, "A vocab.txt; none: one is trained from titles and queries");
  command->add_option("--vocab-size", options->vocab_size, "Pieces of a trained vocabulary")->capture_default_str();
  command->add_option("--query-length", options->query_length, "Most pieces of a query")->capture_default_str();
  command->add_option("--title-length", options->title_length, "Most pieces of a title")->capture_default_str();
  command->add_option("--image-width", options->image_width, "Images are resized to this width")->capture_default_str();
  command->add_option("--image-height", options->image_height, "Images are resized to this height")->capture_default_str();
  add_backbone(*command, *chosen_options);
  command->add_option("--refused", options->refusals, "A copy of the list of refused lines, OUT/refused.tsv");
  command->add_flag("--strict", options->strict, "The first refused line is fatal");
}

void add_import(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<import_options>();
  auto* command = add_command(app, "import", "Make a BERT checkpoint what training starts from, and list every tensor of it",
                              "argosy import --from bert/model.safetensors --vocab bert/vocab.txt --as bert --out initial\n"
                              "  argosy train --data data --recipe recipe.toml --run run --initial initial",
                              chosen, true, &run_import, options);
  command->add_option("--from", options->from, "The checkpoint: safetensors with the names of transformers")->required();
  command->add_option("--vocab", options->vocab, "Its vocab.txt; prepare the data with the same one")->required();
  command->add_option("--as", options->as, "bert (StructBERT too), or roberta, whose positions count from 2")
      ->capture_default_str()
      ->check(CLI::IsMember({"bert", "roberta"}));
  command->add_option("--out", options->out, "The folder to write")->required();
  command->add_option("--heads", options->heads, "Attention heads; 0: those of config.json beside the file, or 64 columns each")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
}

void add_train(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<train_options>();
  auto* command =
      add_command(app, "train", "Train a model; metrics go to RUN/metrics.jsonl, checkpoints to RUN/checkpoints",
                  "argosy train --data data --recipe recipes/demo.toml --run run --set train.epochs=2", chosen, true, &run_train, options);
  command->add_option("--data", options->data, "A folder that `argosy prepare` wrote")->required();
  command->add_option("--recipe", options->recipe, "What to train and how: TOML")->required();
  command->add_option("--run", options->run, "The folder of this run")->required();
  command->add_flag("--resume", options->resume,
                    "Go on from the run's last checkpoint; without one, begin. A finished run cannot be made longer");
  command->add_option("--initial", options->initial, "What `argosy import` wrote: a run that begins starts its encoders from it");
  command->add_option("--queries", options->queries,
                      "Judged queries, as of `argosy evaluate`: with every checkpoint their recall goes to RUN/evaluation.jsonl");
  command->add_option("--qrels", options->qrels, "Their judgements");
  add_overrides(*command, options->overrides);
}

void add_study(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<study_options>();
  auto* command = add_command(app, "study", "Train a list of recipes with several seeds each, and compare their recall in one HTML report",
                              "argosy study --data data --study recipes/studies/negatives.toml --queries val_queries.tsv.gz "
                              "--qrels val_qrels.tsv.gz --out study\n"
                              "  The same command again goes on where it stopped; OUT/study.html is made anew after every run",
                              chosen, true, &run_study, options);
  command->add_option("--data", options->data, "A folder that `argosy prepare` wrote")->required();
  command->add_option("--study", options->study, "What to compare: TOML")->required();
  command->add_option("--queries", options->queries, "Judged queries, as of `argosy evaluate`")->required();
  command->add_option("--qrels", options->qrels, "Their judgements")->required();
  command->add_option("--out", options->out, "Where runs and report go")->required();
  add_overrides(*command, options->overrides);
  command->add_flag("--json", options->json, "The figures as JSON");
}

void add_index_kind(CLI::App& command, index_kind& kind) {
  const std::map<std::string, index_kind> kinds{{"auto", index_kind::automatic}, {"flat", index_kind::flat}, {"hc", index_kind::hc}};
  command.add_option("--index", kind, "flat: exact; hc: hierarchical clustering; auto: exact below 10,000 products")
      ->transform(CLI::CheckedTransformer(kinds).description("auto, flat or hc"))
      ->default_str("auto");
}

void add_stored_vectors(CLI::App& command, stored_vectors& vectors) {
  const std::map<std::string, stored_vectors> kinds{{"packed", stored_vectors::packed}, {"float32", stored_vectors::float32}};
  command
      .add_option("--vectors", vectors, "How a hierarchical index keeps vectors: packed, in 12 and 8 bits; float32, three times as large")
      ->transform(CLI::CheckedTransformer(kinds).description("packed or float32"))
      ->default_str("packed");
}

void add_publish(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<publish_options>();
  auto* command = add_command(app, "publish", "Embed products with a trained model, and make them what a store answers from",
                              "argosy publish --run run --data data --store store\n"
                              "  argosy publish --run run --catalogue new/products.jsonl.gz --images new/images.tar --store store",
                              chosen, true, &run_publish, options);
  command->add_option("--run", options->run, "A run of `argosy train`; its newest good checkpoint is used")->required();
  command->add_option("--store", options->store, "The store; made when it is not there")->required();
  auto* source = command->add_option_group("products", "What to publish")->require_option(1);
  source->add_option("--data", options->data, "A folder that `argosy prepare` wrote");
  auto* catalogue = source->add_option("--catalogue", options->catalogue, "Any catalogue, trained on or not");
  command->add_option("--images", options->images, "A folder or a tar with the catalogue's images")->needs(catalogue);
  auto* weights = command
                      ->add_option("--backbone-weights", options->backbone_weights,
                                   "The weights of the model's backbone, when it was trained on features")
                      ->needs(catalogue);
  command->add_option("--reuse", options->reuse, "Prepared data with features of the same images")->needs(weights);
  command
      ->add_option("--shard", options->shard,
                   "I/N: the products of shard I, from 0 to N - 1, of a catalogue in N, each a store of its own; all without it")
      ->needs(catalogue);
  command
      ->add_option("--restrict", options->restricted,
                   "Fields whose values in a query restrict its answers, commas between; a star: the last words of a value are enough")
      ->capture_default_str();
  command->add_option("--aliases", options->aliases, "Other names of values: JSON lines or TSV with alias, field, value");
  add_index_kind(*command, options->index);
  add_stored_vectors(*command, options->vectors);
  add_threads(*command, options->threads);
}

void add_model_place(CLI::App& command, model_place& place) {
  auto* source = command.add_option_group("model", "Whose model")->require_option(1);
  source->add_option("--run", place.run, "A run of `argosy train`; its newest good checkpoint is used");
  source->add_option("--store", place.store, "A store that `argosy publish` wrote");
}

void add_embed(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<embed_options>();
  auto* command = add_command(app, "embed", "Embed queries, or the products of prepared data, into a NumPy file",
                              "argosy embed --store store --queries queries.txt --out queries.npy\n"
                              "  argosy embed --run run --data data --out products.npy",
                              chosen, true, &run_embed, options);
  add_model_place(*command, options->from);
  auto* source = command->add_option_group("what", "What to embed")->require_option(1);
  source->add_option("--queries", options->queries, "A query a line; a row each");
  source->add_option("--data", options->data, "A folder that `argosy prepare` wrote; a row a product, in the catalogue's order");
  command->add_option("--out", options->out, "The file to write: .npy, float32, a row each")->required();
  add_threads(*command, options->threads);
}

void add_devices(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<devices_options>();
  auto* command =
      add_command(app, "devices", "List what can compute on this machine", "argosy devices", chosen, false, &run_devices, options);
  command->add_flag("--json", options->json, "As JSON");
}

void add_export(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<export_options>();
  auto* command = add_command(app, "export", "Write a trained model for other programs",
                              "argosy export --run run --safetensors exported --onnx exported/onnx", chosen, true, &run_export, options);
  add_model_place(*command, options->from);
  auto* what = command->add_option_group("what", "What to write")->require_option(1, 2);
  what->add_option("--safetensors", options->safetensors, "In this folder one for each encoder, which BertModel.from_pretrained loads");
  what->add_option("--onnx", options->onnx, "A folder for the query and the product tower as ONNX graphs");
}

void add_relevance(CLI::App& command, relevance_options& options) {
  command.add_option("--weights", options.weights, "Of semantic and lexical in hybrid")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_option("--field-weight", options.field_weight, "What a word in a field counts in the lexical channel; in the title: 1")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--least-evidence", options.least_evidence,
                  "A name restricts when this share of the titles that hold it are of products that have it")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
}

void add_search(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<search_command_options>();
  auto* command = add_command(app, "search", "Answer a query, or one query a line from standard input",
                              "argosy search --store store -k 5 \"red dress with long sleeves\"\n"
                              "  argosy search --store store --filter 'colour:red AND price<500' --channel hybrid \"nike shoes\"\n"
                              "  argosy search --store store --html results.html --images shop/images.tar < queries.txt",
                              chosen, false, &run_search, options);
  command->add_option("QUERY", options->query, "The query; none: one a line from standard input");
  command->add_option("--store", options->store, "A store that `argosy publish` wrote")->required();
  command->add_option("-k", options->k, "Results of a query")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  command->add_option("--filter", options->relevance.filter,
                      "Only products that it keeps: field:\"value\", price:[100 TO 500], price<500, AND, OR, NOT, ( ); docs/filters.md");
  command->add_option("--channel", options->relevance.channel, "semantic, lexical (BM25 of the titles), or hybrid: both")
      ->capture_default_str()
      ->check(CLI::IsMember({"semantic", "lexical", "hybrid"}));
  command->add_flag("--no-restrict", options->relevance.no_restrict, "A brand or category in the query restricts nothing");
  add_relevance(*command, options->relevance);
  command->add_flag("--json", options->json,
                    "A JSON object a query: query, source, restricted (text, field, values), results (id, score, title, channels, within)");
  command->add_flag("--live", options->live, "Search even where the pair table has the answer");
  auto* html = command->add_option("--html", options->html, "Write one page with all results and their pictures");
  command->add_option("--images", options->images, "A folder or a tar with the pictures of the page")->needs(html);
  add_threads(*command, options->threads);
}

void add_evaluate(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<evaluate_options>();
  auto* command = add_command(app, "evaluate", "Measure a store's answers, without restriction: Recall@K (a hit rate) and precision@10",
                              "argosy evaluate --store store --queries val_queries.tsv.gz --qrels val_qrels.tsv.gz -k 1,10,100\n"
                              "  argosy evaluate --store store --queries val_queries.tsv.gz --qrels val_qrels.tsv.gz --channels",
                              chosen, false, &run_evaluate, options);
  command->add_option("--store", options->store, "A store that `argosy publish` wrote")->required();
  command->add_option("--queries", options->queries, "query_id, query, and optionally needs_image")->required();
  command->add_option("--qrels", options->qrels, "query_id, product_id, grade")->required();
  command->add_option("-k", options->recall_at, "Where to cut the answers: a search for each; with --channels one for the largest")
      ->delimiter(',')
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  auto* channels = command->add_flag("--channels", options->channels,
                                     "Semantic, lexical and hybrid, each with and without restriction, in one table, with P_cate");
  command->add_option("--log", options->log, "Clicks (query, product_id): a logged query's intent categories are of what it led to")
      ->needs(channels);
  command->add_option("--category", options->category, "The field of P_cate")->capture_default_str()->needs(channels);
  add_relevance(*command, options->relevance);
  command->add_flag("--json", options->json, "One JSON object: all, needs_image, other; with --channels rows of them");
  add_threads(*command, options->threads);
}

void add_bench_train(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_train_options>();
  auto* command =
      add_command(bench, "train", "Pairs/s, tokens/s and the share of the measured peak of matrix products",
                  "argosy bench train --recipe recipes/demo.toml --data data --steps 40", chosen, true, &run_bench_train, options);
  command->add_option("--data", options->data, "A folder that `argosy prepare` wrote")->required();
  command->add_option("--recipe", options->recipe, "The recipe to measure")->required();
  command->add_option("--warmup", options->warmup, "Steps before the clock starts")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--steps", options->steps, "Timed steps")->capture_default_str()->check(CLI::PositiveNumber);
  add_overrides(*command, options->overrides);
  command->add_flag("--json", options->json, "One JSON object");
}

void add_bench_embed(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_embed_options>();
  auto* command = add_command(bench, "embed", "Queries and products embedded a second, by an untrained model of the recipe",
                              "argosy bench embed --recipe recipes/demo.toml --data data", chosen, true, &run_bench_embed, options);
  command->add_option("--data", options->data, "A folder that `argosy prepare` wrote")->required();
  command->add_option("--recipe", options->recipe, "The recipe to measure")->required();
  command->add_option("--count", options->count, "Queries, and products, to embed")->capture_default_str()->check(CLI::PositiveNumber);
  add_overrides(*command, options->overrides);
  add_arithmetic(*command, options->arithmetic);
  command->add_flag("--json", options->json, "One JSON object");
  add_threads(*command, options->threads);
}

void add_bench_search(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_search_options>();
  auto* command = add_command(bench, "search", "Queries/s of the flat index beside a plain loop and the limit of memory",
                              "argosy bench search --products 40000 --columns 256", chosen, true, &run_bench_search, options);
  command->add_option("--products", options->products, "Random vectors")->capture_default_str()->check(CLI::Range(1, 100'000'000));
  command->add_option("--columns", options->columns, "Their width")->capture_default_str()->check(CLI::Range(1, 65'536));
  command->add_option("--queries", options->queries, "Queries of one measurement")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  command->add_option("-k", options->k, "Results of a query")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_flag("--json", options->json, "One JSON object");
  add_threads(*command, options->threads);
}

void add_bench_terms(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_terms_options>();
  auto* command = add_command(bench, "terms", "Time from a filter's text to the rows that it keeps, and of BM25, over a random catalogue",
                              "argosy bench terms --products 1000000", chosen, true, &run_bench_terms, options);
  command->add_option("--products", options->products, "Products")->capture_default_str()->check(CLI::Range(1, 100'000'000));
  command->add_option("--queries", options->queries, "Queries of one measurement")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  command->add_flag("--json", options->json, "One JSON object");
}

void add_bench_collectives(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_collectives_options>();
  auto* command =
      add_command(bench, "collectives", "Tensors between workers: over Gloo, through tunnels, between threads, and a plain copy",
                  "argosy bench collectives --ranks 4", chosen, true, &run_bench_collectives, options);
  command->add_option("--ranks", options->ranks, "Processes")->capture_default_str()->check(CLI::Range(1, 64));
  command->add_option("--mib", options->mib, "MiB of the largest tensor")->capture_default_str()->check(CLI::Range(1, 1024));
  command->add_option("--between-mib", options->between_mib, "MiB of other memory gone through before each operation, as in a step")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_flag("--json", options->json, "One JSON object");
}

void add_bench_kernels(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_kernels_options>();
  auto* command = add_command(bench, "kernels", "Time of every operator of a training step, by itself",
                              "argosy bench kernels --device cuda --compute bfloat16 --rows 17408 --hidden 768 --length 17", chosen, true,
                              &run_bench_kernels, options);
  command->add_option("--device", options->device, "cpu, cuda or cuda:1 (argosy devices)")->capture_default_str();
  add_arithmetic(*command, options->arithmetic, true);
  const auto count = [&](const char* name, std::uint64_t& to, const char* what, std::uint64_t most) {
    command->add_option(name, to, what)->capture_default_str()->check(CLI::Range(std::uint64_t{1}, most));
  };
  count("--rows", options->rows, "Rows of a packing", 10'000'000);
  count("--hidden", options->hidden, "Width of the encoders, 64 a head", 16'384);
  count("--length", options->length, "Rows of a sequence", 100'000);
  count("--table", options->table, "Rows of the embedding table", 10'000'000);
  count("--batch", options->batch, "Queries, and products, of the loss", 1'000'000);
  count("--bank", options->bank, "Entries of the memory bank", 100'000'000);
  command->add_flag("--json", options->json, "One JSON object");
  add_threads(*command, options->threads);
}

void add_bench_loss(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_loss_options>();
  auto* command = add_command(bench, "loss", "Time and extra memory of the matching loss beside the same with all logits stored",
                              "argosy bench loss --batch 1024 --bank 65536 --columns 256", chosen, true, &run_bench_loss, options);
  command->add_option("--batch", options->batch, "Queries, and products")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  command->add_option("--bank", options->bank, "Entries of the memory bank")->capture_default_str()->check(CLI::Range(0, 100'000'000));
  command->add_option("--columns", options->columns, "Width of the embeddings")->capture_default_str()->check(CLI::Range(1, 65'536));
  command->add_flag("--check", options->check, "Compare the gradients with plain loops in float64: minutes");
  command->add_flag("--json", options->json, "One JSON object");
  add_threads(*command, options->threads);
}

void add_bench_backbone(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_backbone_options>();
  auto* command = add_command(bench, "backbone", "Images/s of a frozen backbone and its share of the measured peak of matrix products",
                              "argosy bench backbone --backbone resnet18 --backbone-weights resnet18.safetensors", chosen, true,
                              &run_bench_backbone, options);
  const auto known = backbone_names();
  command->add_option("--backbone", options->backbone, "The network")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>(known.begin(), known.end())));
  command->add_option("--backbone-weights", options->weights, "Its weights with torchvision's names: safetensors")->required();
  command->add_option("--backbone-side", options->side, "Patches are resized to this width and height")
      ->capture_default_str()
      ->check(CLI::Range(least_backbone_side, largest_backbone_side));
  command->add_option("--images", options->images, "Images of one measurement")->capture_default_str()->check(CLI::Range(1, 4096));
  command->add_option("--device", options->device, "cpu, cuda or cuda:1 (argosy devices)")->capture_default_str();
  command->add_flag("--json", options->json, "One JSON object");
  add_threads(*command, options->threads);
}

void add_bench(CLI::App& app, chosen_command& chosen) {
  CLI::App* bench = app.add_subcommand(
      "bench",
      "Measure this machine: train, embed, kernels, loss, index, search, terms, pairs, scans, changes, serve, collectives, backbone");
  bench->require_subcommand(1);
  bench->footer("Example:\n  argosy bench search --json");
  add_bench_train(*bench, chosen);
  add_bench_embed(*bench, chosen);
  add_bench_collectives(*bench, chosen);
  add_bench_kernels(*bench, chosen);
  add_bench_loss(*bench, chosen);
  add_bench_index(*bench, chosen);
  add_bench_search(*bench, chosen);
  add_bench_terms(*bench, chosen);
  add_bench_pairs(*bench, chosen);
  add_bench_scans(*bench, chosen);
  add_bench_serve(*bench, chosen);
  add_bench_floor(*bench, chosen);
  add_bench_changes(*bench, chosen);
  add_bench_backbone(*bench, chosen);
}

// CLI11 asks for a command before it says which word is none.
std::string unknown_command(const CLI::App& app, int argc, const char* const* argv) {
  const std::string word = argc > 1 ? argv[1] : "";
  if (word.empty() || word.front() == '-') return {};
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == word) return {};
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  return "no command is called " + word + "; there are " + known;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// Help goes to standard output; a mistake is one line with where help is.
int explain(const CLI::App& app, const CLI::ParseError& problem, const console_streams& streams) {
  if (problem.get_exit_code() == 0) return app.exit(problem, streams.out, streams.err);
  streams.err << "argosy: " << first_line(problem.what()) << " (argosy --help, argosy COMMAND --help)" << std::endl;
  return exit_usage;
}

int exit_code_of(const status& end, const console_streams& streams) {
  if (end.ok()) return 0;
  const bool stopped = end.code() == errc::aborted;
  streams.err << "argosy: " << (stopped ? end.message() : end.text()) << std::endl;
  return stopped ? exit_interrupted : exit_failed;
}

// Nothing of ours throws; libraries and memory that has run out do.
status run_caught(const chosen_command& chosen, const console& io) {
  try {
    return chosen.run(io);
  } catch (const std::exception& thrown) {
    return {errc::internal, thrown.what()};
  }
}

status run_with(const chosen_command& chosen, const console_streams& streams, std::stop_token stop) {
  const system_clock_source clock;
  progress_line progress(streams.err, streams.err_columns, clock);
  status end = run_caught(chosen, {streams.in, streams.out, streams.err, progress, clock, std::move(stop)});
  if (!streams.out.flush()) return {errc::io_error, "standard output: the results could not be written"};
  return end;
}

int run_chosen(const chosen_command& chosen, const console_streams& streams) {
  std::optional<interrupts> caught;
  if (chosen.writes) caught.emplace();
  return exit_code_of(run_with(chosen, streams, caught ? caught->token() : std::stop_token{}), streams);
}

}  // namespace

void add_overrides(CLI::App& command, std::vector<std::string>& overrides) {
  command.add_option("--set", overrides, "Change the recipe: key=value ..., such as train.batch=64");
}

int run_command_line(int argc, const char* const* argv, const console_streams& streams) {
  chosen_command chosen;
  CLI::App app("Trains text-to-multimodal product retrieval models and serves them", "argosy");
  app.require_subcommand(1);
  app.set_version_flag("--version", "argosy " ARGOSY_VERSION);
  app.footer("Example:\n  argosy demo-shop demo/shop");
  for (const auto add :
       {add_demo_shop,   add_prepare,  add_import,      add_train,  add_study,    add_publish, add_embed,   add_export, add_devices,
        add_search,      add_evaluate, add_generations, add_pairs,  add_tune,     add_change,  add_compact, add_serve,  add_key,
        add_coordinator, add_worker,   add_status,      add_ledger, add_simulate, add_plan,    add_bench})
    add(app, chosen);
  if (const std::string unknown = unknown_command(app, argc, argv); !unknown.empty()) {
    streams.err << "argosy: " << unknown << " (argosy --help)" << std::endl;
    return exit_usage;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return explain(app, problem, streams);
  }
  return run_chosen(chosen, streams);
}

}  // namespace argosy
