#include "tools/command_parsers.hpp"

namespace argosy {
namespace {

using generations = std::shared_ptr<generations_options>;

CLI::App* add_verb(CLI::App& to, const char* name, const char* does, const std::string& example, chosen_command& chosen, bool writes,
                   status (*run)(const generations_options&, const console&), const generations& options) {
  auto* verb = add_command(to, name, does, "argosy generations --store store " + example, chosen, writes, run, options);
  return verb->fallthrough();
}

void add_one(CLI::App& verb, const generations& options, const char* name, const char* what) {
  verb.add_option(name, options->number, what)->check(CLI::PositiveNumber);
}

}  // namespace

void add_generations(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<generations_options>();
  auto* all = add_command(app, "generations", "What a store holds: list, verify, go back, prune, back up, restore",
                          "argosy generations --store store\n"
                          "  argosy generations --store store rollback --to 3",
                          chosen, false, &run_list_generations, options);
  all->require_subcommand(0, 1);
  all->callback([all, &chosen, options] {
    if (all->get_subcommands().empty()) chosen.run = [options](const console& io) { return run_list_generations(*options, io); };
  });
  all->add_option("--store", options->store, "The store")->required();

  auto* list = add_verb(*all, "list", "Every generation, and which is current; also without a verb", "list --json", chosen, false,
                        &run_list_generations, options);
  for (auto* command : {all, list}) command->add_flag("--json", options->json, "One JSON object: generations, an array");

  auto* verify = add_verb(*all, "verify", "Read every byte and compare it with its checksum; exit code 1 when any is damaged", "verify",
                          chosen, false, &run_verify_generations, options);
  add_one(*verify, options, "--generation", "Only this one; none: all");

  auto* rollback = add_verb(*all, "rollback", "Make an older generation current, once every byte of it is verified", "rollback --to 3",
                            chosen, true, &run_roll_back, options);
  add_one(*rollback, options, "--to", "Its number; none: the one before the current one");

  auto* prune =
      add_verb(*all, "prune", "Remove old generations; never the current one", "prune --keep 3", chosen, true, &run_prune, options);
  prune->add_option("--keep", options->keep, "How many of the newest stay")->required()->check(CLI::PositiveNumber);

  auto* backup =
      add_verb(*all, "backup", "Write one generation as a tar", "backup --out shop-2026-11-21.tar", chosen, true, &run_backup, options);
  add_one(*backup, options, "--generation", "Its number; none: the current one");
  backup->add_option("--out", options->tar, "The file to write")->required();

  auto* restore = add_verb(*all, "restore", "Make what `backup` wrote a new generation, and current, once every byte of it is verified",
                           "restore --from shop-2026-11-21.tar", chosen, true, &run_restore, options);
  restore->add_option("--from", options->tar, "The tar")->required();
}

void add_pairs(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<pairs_options>();
  auto* command = add_command(app, "pairs", "Answer a log's queries beforehand, and publish the answers as a new generation",
                              "argosy pairs --store store --log shop/train_log.tsv.gz --top 100\n"
                              "  Interrupted or killed, the same command goes on",
                              chosen, true, &run_pairs, options);
  command->add_option("--store", options->store, "A store that `argosy publish` wrote")->required();
  command->add_option("--log", options->log, "Searches: JSON lines or TSV with query, product_id")->required();
  command->add_option("--top", options->top, "Products kept of a query")->capture_default_str()->check(CLI::Range(1, 65'535));
  command->add_option("--limit", options->limit, "Only so many of the most frequent queries; 0: all")
      ->capture_default_str()
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1} << 40));
  command->add_option("--shards", options->shards, "Parts of the table, a file each, made one at a time: memory is that of one")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  add_arithmetic(*command, options->arithmetic);
  add_threads(*command, options->threads);
}

void add_change(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<change_options>();
  auto* command = add_command(app, "change", "Add, replace and remove products of a published store, without publishing it again",
                              "argosy change --store store --put new.jsonl --images new-images\n"
                              "  argosy change --store store --remove sold-out.txt",
                              chosen, true, &run_change, options);
  command->add_option("--store", options->store, "A store that `argosy publish` wrote")->required();
  auto* what = command->add_option_group("what", "What changes")->require_option(1, 2);
  auto* put = what->add_option("--put", options->put.catalogue, "Products to add, or to replace as a whole: a catalogue");
  what->add_option("--remove", options->remove, "Ids of products to remove, one a line");
  command->add_option("--images", options->put.images, "A folder or a tar with the images of --put")->needs(put);
  command
      ->add_option("--backbone-weights", options->put.backbone_weights,
                   "The weights of the model's backbone, when it was trained on features")
      ->needs(put);
  command->add_flag("--strict", options->strict, "Change nothing when a line is refused");
  add_threads(*command, options->put.threads);
}

void add_compact(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<compact_options>();
  auto* command = add_command(app, "compact", "Make a new generation of the current one and what has changed since it was published",
                              "argosy compact --store store", chosen, true, &run_compact, options);
  command->add_option("--store", options->store, "A store that `argosy publish` wrote")->required();
  add_threads(*command, options->threads);
}

void add_bench_pairs(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_pairs_options>();
  auto* command = add_command(bench, "pairs", "Look-ups/s of a pair table of random queries, on one thread, and its bytes a query",
                              "argosy bench pairs --queries 10000000", chosen, true, &run_bench_pairs, options);
  command->add_option("--queries", options->queries, "Queries of the table")->capture_default_str()->check(CLI::Range(1, 200'000'000));
  command->add_option("--top", options->top, "Products of a query")->capture_default_str()->check(CLI::Range(1, 1000));
  command->add_option("--products", options->products, "Products they are among")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000'000));
  command->add_option("--lookups", options->lookups, "Look-ups of one measurement")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000'000));
  command->add_flag("--json", options->json, "One JSON object");
}

void add_bench_serve(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_serve_options>();
  auto* command = add_command(bench, "serve", "Load on `argosy serve`: queries/s and the times that those who ask see",
                              "argosy bench serve --at tcp://127.0.0.1:5555 --log train_log.tsv.gz --rate 20000", chosen, true,
                              &run_bench_serve, options);
  command->add_option("--at", options->at, "http://HOST:PORT, https://HOST:PORT or tcp://HOST:PORT of a server that runs")->required();
  command->add_option("--log", options->log, "A search log, whose queries are asked")->required();
  command->add_option("--rate", options->rate, "Queries/s, at random moments; 0: as many as are answered")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e7));
  command->add_option("--seconds", options->seconds, "That are measured")->capture_default_str()->check(CLI::Range(0.1, 86'400.0));
  command->add_option("--warm-up", options->warm_up, "Seconds before them")->capture_default_str()->check(CLI::Range(0.0, 3600.0));
  command->add_option("--ahead", options->ahead, "Of --rate 0: queries that wait for an answer at any moment")
      ->capture_default_str()
      ->check(CLI::Range(1, 16'384));
  command->add_option("--connections", options->connections, "Of HTTP")->capture_default_str()->check(CLI::Range(1, 10'000));
  command->add_option("--queries", options->queries, "Of the log: the first so many are asked, again and again")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000'000));
  command->add_option("-k", options->k, "Products of an answer")->capture_default_str()->check(CLI::Range(1, 1000));
  command->add_flag("--live", options->live, "Without the pair table");
  command->add_flag("!--no-restrict", options->restricts, "Without restriction by names in the queries");
  command->add_flag("--json", options->json, "One JSON object");
  command->add_option("--key-file", options->key, "Of HTTP: a file with the key that `argosy key new` printed");
  command->add_option("--ca", options->authorities, "Of https: who signed the server's certificate, PEM; none: who the system believes");
  auto* server =
      command->add_option("--curve-server", options->curve.server, "Of tcp: the server's public key, which `argosy key curve` wrote");
  auto* secret = command->add_option("--curve-secret", options->curve.secret, "The secret key of who asks, which the server knows");
  server->needs(secret);
  secret->needs(server);
}

void add_bench_floor(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_floor_options>();
  auto* command = add_command(bench, "floor", "Serve nothing over HTTP and ZeroMQ until interrupted, for `bench serve`",
                              "argosy bench floor --address-file floor.txt", chosen, true, &run_bench_floor, options);
  command->add_option("--address-file", options->address_file, "Where its addresses are written, a line each");
  add_tls(*command, options->tls);
  add_curve(*command, options->curve);
}

void add_serve(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<serve_options>();
  auto* command =
      add_command(app, "serve",
                  "Answer queries over HTTP, with a search page (/, /v1/search, /v1/products/ID, /healthz, /readyz, /metrics), and ZeroMQ",
                  "argosy serve --store store --images images.tar --http 127.0.0.1:8080 --zmq tcp://127.0.0.1:5555\n"
                  "  curl 'http://127.0.0.1:8080/v1/search?q=red+dress&k=5'",
                  chosen, true, &run_serve, options);
  command->add_option("--store", options->stores, "A store that `argosy publish` wrote; several are shards of one catalogue")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option("--shard", options->shards, "A shard of other servers: HOST:PORT of their --node, commas between replicas; once a shard")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_option("--node", options->node, "HOST:PORT where routers ask this server's store");
  command->add_option("--node-certificate", options->credentials.own.certificate,
                      "This node's certificate (PEM), for --node and --shard beyond this machine: TLS on both sides");
  command->add_option("--node-key", options->credentials.own.key, "Its private key");
  command->add_option("--node-authority", options->credentials.authority, "The certificate that signs those of all nodes");
  command->add_option("--images", options->images, "Photographs, to show and of what is put: the folder or tar that `argosy prepare` had");
  command->add_option("--http", options->http, "HOST:PORT of this machine; port 0: one that is free")->capture_default_str();
  command->add_option("--zmq", options->zmq, "tcp://HOST:PORT of this machine, port *: one that is free, or ipc://PATH; for programs");
  command->add_option("--address-file", options->address_file, "Where its addresses are written once it answers, a line each");
  command->add_option("--waiting", options->waiting, "Queries that may wait; more are answered 429")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--deadline-ms", options->deadline_ms, "A query that no answer has begun for by then is answered 503")
      ->capture_default_str()
      ->check(CLI::Range(1, 600'000));
  command->add_option("--slow-ms", options->slow_ms, "Queries that take longer are told to the log, with the id of their request; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 600'000));
  command->add_flag("--log-json", options->log_json, "The log is lines of JSON");
  add_arithmetic(*command, options->arithmetic);
  add_threads(*command, options->threads);
  auto* writable = command->add_flag("--writable", options->writable,
                                     "Products are changed by PUT, PATCH and DELETE of /v1/products/ID and POST of /v1/products");
  command
      ->add_option("--backbone-weights", options->backbone_weights,
                   "Weights of the backbone, when the model was trained on features: for photographs of products that are put")
      ->needs(writable);
  command
      ->add_option("--compact-after", options->compact_after,
                   "Compacts the store by itself once so many rows were put or gone; 0: never. `POST /v1/compact` does it at once")
      ->capture_default_str()
      ->needs(writable);
  command
      ->add_option("--keys", options->keys, "Who may ask over HTTP: a file that `argosy key new` adds to; none: everybody on this machine")
      ->check(not_empty);
  add_tls(*command, options->tls);
  add_curve(*command, options->curve);
}

void add_bench_scans(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_scans_options>();
  auto* command = add_command(bench, "scans", "The inner loops of the hierarchical index: versions for this processor beside the plain one",
                              "argosy bench scans", chosen, true, &run_bench_scans, options);
  command->add_option("--code-bytes", options->code_bytes, "Of a vector's code; a multiple of 4")
      ->capture_default_str()
      ->check(CLI::Range(4, 1024));
  command->add_option("--columns", options->columns, "Of a row")->capture_default_str()->check(CLI::Range(1, 8192));
  command->add_flag("--json", options->json, "One JSON object");
}

void add_bench_changes(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_changes_options>();
  auto* command = add_command(bench, "changes", "Products/s put into a published store, and searches beside what was put",
                              "argosy bench changes --products 100000 --changes 10000", chosen, true, &run_bench_changes, options);
  command->add_option("--products", options->products, "Products that were published")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000));
  command->add_option("--columns", options->columns, "Of their embeddings")->capture_default_str()->check(CLI::Range(1, 16'384));
  command->add_option("--changes", options->changes, "Products that are put")->capture_default_str()->check(CLI::Range(1, 10'000'000));
  command->add_flag("--json", options->json, "One JSON object");
}

void add_tune(CLI::App& app, chosen_command& chosen) {
  const auto options = std::make_shared<tune_options>();
  auto* command = add_command(app, "tune", "Find the cheapest search that reaches a recall, and publish it as a new generation",
                              "argosy tune --store store --recall 0.95", chosen, true, &run_tune, options);
  command->add_option("--store", options->store, "A store that `argosy publish` wrote")->required();
  command->add_option("--recall", options->recall, "Share of the k exact answers")->capture_default_str()->check(CLI::Range(0.0, 1.0));
  command->add_option("-k", options->k, "Results of a query")->capture_default_str()->check(CLI::Range(1, 1000));
  command->add_option("--queries", options->queries, "Queries, as of `argosy evaluate`; none: those that the store keeps");
  command->add_flag("--json", options->json, "One JSON object");
  add_threads(*command, options->threads);
}

void add_bench_index(CLI::App& bench, chosen_command& chosen) {
  const auto options = std::make_shared<bench_index_options>();
  auto* command =
      add_command(bench, "index", "Recall against queries/s of the hierarchical index, beside other people's",
                  "argosy bench index --store store\n"
                  "  argosy bench index --store store --products 1000000 --filters --peers tests/bench/index/peers.py --svg curves.svg",
                  chosen, true, &run_bench_index, options);
  command->add_option("--store", options->store, "A store that `argosy publish` wrote: its vectors")->required();
  command->add_option("--queries", options->queries, "Queries, as of `argosy evaluate`; none: those that the store keeps");
  command->add_option("--products", options->products, "Vectors, made from the store's; 0: the store's own")
      ->check(CLI::Range(0, 1'000'000'000));
  command->add_option("-k", options->k, "Results of a query")->capture_default_str()->check(CLI::Range(1, 1000));
  command->add_option("--leaves", options->leaves, "Of the tree; 0: by the number of vectors")->capture_default_str();
  command->add_option("--code-bytes", options->code_bytes, "Of a vector's code")->capture_default_str()->check(CLI::Range(1, 1024));
  command->add_option("--second-leaves", options->second_leaves, "Share of vectors that are in two leaves")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--filters", options->filters, "Also searches with filters that keep from half to a ten-thousandth");
  command->add_option("--peers", options->peers, "tests/bench/index/peers.py: measures hnswlib, FAISS and USearch too")
      ->check(CLI::ExistingFile);
  command->add_option("--python", options->python, "What runs it")->capture_default_str();
  command->add_option("--only", options->only, "Some of them, with commas between them");
  command->add_option("--folder", options->folder, "Where indexes lie meanwhile; none: the system's folder for such files");
  command->add_option("--svg", options->svg, "A chart of the curves");
  command->add_flag("--json", options->json, "One JSON object");
  add_threads(*command, options->threads);
}

}  // namespace argosy
