#include <algorithm>
#include <optional>
#include <ostream>

#include "actors/http_endpoint.hpp"
#include "actors/message_endpoint.hpp"
#include "actors/product_desk.hpp"
#include "actors/product_endpoint.hpp"
#include "actors/routed_endpoint.hpp"
#include "actors/serving.hpp"
#include "actors/shard_server.hpp"
#include "base/log.hpp"
#include "data/records.hpp"
#include "kernels/slow_arithmetic.hpp"
#include "net/access_file.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/front.hpp"
#include "tools/interrupts.hpp"
#include "tools/reach.hpp"

namespace argosy {
namespace {

result<std::unique_ptr<product_desk>> start_desk(const serving& of, const std::filesystem::path& images) {
  if (images.empty()) return product_desk::start(of, nullptr);
  ARGOSY_ASSIGN(image_source from, image_source::open(images));
  return product_desk::start(of, std::make_shared<const image_source>(std::move(from)));
}

std::optional<product_writer_options> writes_of(const serve_options& options) {
  if (!options.writable) return std::nullopt;
  return product_writer_options{.images = options.images, .backbone_weights = options.backbone_weights, .threads = 1};
}

// Null where whoever asks is answered.
result<std::unique_ptr<http_rights>> rights_of(const serve_options& options, const clock_source& clock) {
  if (options.keys.empty()) return std::unique_ptr<http_rights>();
  auto known = access_file::open(options.keys, proof_kind::key_hash, clock);
  if (!known.ok()) return known.failure().within("--keys");
  return std::make_unique<http_rights>(std::move(known).value());
}

// What both kinds of endpoints of HTTP are asked.
template <class Endpoint>
front_handlers handlers_of(const std::shared_ptr<Endpoint>& http, const message_handler& messages) {
  return {.http = [http](const http_request& request, http_exchange exchange) { http->take(request, std::move(exchange)); },
          .admit = [http](const http_request& request) { return http->kept_out(request); },
          .messages = messages};
}

// Where routers ask; none where no port is wanted.
result<std::unique_ptr<shard_server>> start_node(const serve_options& options, serving& of) {
  if (options.node.empty()) return std::unique_ptr<shard_server>();
  auto started = shard_server::start(options.node, options.credentials, of);
  if (!started.ok()) return started.failure().within("--node");
  return started;
}

std::string address_of(const serve_options& options, const shard_server* node) {
  return node == nullptr ? std::string() : options.node.substr(0, options.node.rfind(':')) + ":" + std::to_string(node->port());
}

// Keeps none of it: what answers is let go of when another generation comes.
void say_what_answers(const serving& answering, const serve_options& options, const std::string& addresses, const console& io) {
  const auto from = answering.newest();
  io.out << options.stores.front().string() << ": generation " << from->current().number() << ", "
         << counted(from->live().products(), "product") << ", on " << addresses << std::endl;
}

status end_of(front& ports, const serving_metrics& metrics, const console& io) {
  wait_for_stop(io.stop);
  const bool drained = ports.drain();
  io.out << counted(metrics.answers(), "query", "queries") << " answered" << (drained ? "" : "; some that waited were not") << std::endl;
  return {};
}

status serve_store(const serve_options& options, std::unique_ptr<http_rights> keys, const console& io) {
  const serving_options how{.store = options.stores.front(),
                            .searches = threads_or_all(options.threads),
                            .arithmetic = options.arithmetic,
                            .waiting = options.waiting,
                            .deadline = std::chrono::milliseconds(options.deadline_ms),
                            .writes = writes_of(options),
                            .compact_after = options.compact_after,
                            .compact_threads = std::max(1, threads_or_all(options.threads) / 2),
                            .slow = std::chrono::milliseconds(options.slow_ms)};
  ARGOSY_ASSIGN(const auto answering, serving::start(how, io.clock));
  ARGOSY_ASSIGN(const auto products, start_desk(*answering, options.images));
  ARGOSY_ASSIGN(const auto node, start_node(options, *answering));
  const std::string at = address_of(options, node.get());
  front ports;
  const auto endpoint = std::make_shared<http_endpoint>(
      *answering, *products, [&ports] { return ports.peers(); }, std::move(keys));
  front_handlers handlers = handlers_of(endpoint, handler_of(std::make_shared<message_endpoint>(*answering)));
  if (options.writable) handlers.limits.body_bytes = most_change_bytes;
  ARGOSY_TRY(ports.listen(options, std::move(handlers), at));
  say_what_answers(*answering, options, ports.addresses() + (at.empty() ? at : ", for routers on " + at), io);
  return end_of(ports, answering->metrics(), io);
}

status serve_shards(const serve_options& options, std::unique_ptr<http_rights> keys, const console& io) {
  if (options.writable || !options.images.empty() || !options.node.empty())
    return {errc::invalid_argument,
            "--writable, --images and --node are of a server with one --store and no --shard: ask that of the products' own"};
  routing_options how{.stores = options.stores,
                      .shards = {},
                      .credentials = options.credentials,
                      .searches = threads_or_all(options.threads),
                      .arithmetic = options.arithmetic,
                      .waiting = options.waiting,
                      .deadline = std::chrono::milliseconds(options.deadline_ms),
                      .slow = std::chrono::milliseconds(options.slow_ms)};
  for (const std::string& one : options.shards) how.shards.push_back(replicas_in(one));
  auto started = routing::start(how, io.clock);
  if (!started.ok()) return options.stores.empty() ? started.failure().within("--shard") : started.failure();
  routing& of = **started;
  front ports;
  const auto endpoint = std::make_shared<routed_endpoint>(
      of, [&ports] { return ports.peers(); }, std::move(keys));
  ARGOSY_TRY(ports.listen(options, handlers_of(endpoint, handler_of(endpoint))));
  io.out << counted(options.stores.size() + options.shards.size(), "shard") << " in " << counted(of.replicas().size(), "replica") << ", on "
         << ports.addresses() << std::endl;
  return end_of(ports, of.metrics(), io);
}

}  // namespace

status run_serve(const serve_options& options, const console& io) {
  if (options.stores.empty() && options.shards.empty()) return {errc::invalid_argument, "want --store, or --shard of servers with --node"};
  if (options.log_json) log::write_json();
  ARGOSY_TRY(check_reach(options));
  ARGOSY_ASSIGN(auto keys, rights_of(options, io.clock));
  warn_of_slow_arithmetic(options.arithmetic, "--compute float32");
  return options.stores.size() == 1 && options.shards.empty() ? serve_store(options, std::move(keys), io)
                                                              : serve_shards(options, std::move(keys), io);
}

}  // namespace argosy
