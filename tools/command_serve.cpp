#include <optional>
#include <ostream>

#include "actors/http_endpoint.hpp"
#include "actors/message_endpoint.hpp"
#include "actors/product_desk.hpp"
#include "actors/product_endpoint.hpp"
#include "actors/routed_endpoint.hpp"
#include "actors/serving.hpp"
#include "actors/shard_server.hpp"
#include "data/records.hpp"
#include "kernels/slow_arithmetic.hpp"
#include "net/host_and_port.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/front.hpp"
#include "tools/interrupts.hpp"

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

status end_of(front& ports, const serving_metrics& metrics, const console& io) {
  wait_for_stop(io.stop);
  const bool drained = ports.drain();
  io.out << counted(metrics.answers(), "query", "queries") << " answered" << (drained ? "" : "; some that waited were not") << std::endl;
  return {};
}

std::vector<std::string> split(const std::string& replicas) {
  std::vector<std::string> all;
  std::size_t first = 0;
  for (std::size_t comma = 0; comma != std::string::npos; first = comma + 1) {
    comma = replicas.find(',', first);
    all.push_back(replicas.substr(first, comma - first));
  }
  return all;
}

// Nodes trust each other: who can reach them beyond this machine has to show a certificate.
status check_nodes(const serve_options& options) {
  if (!options.credentials.none()) return {};
  std::vector<std::pair<std::string, std::string>> addresses;
  if (!options.node.empty()) addresses.emplace_back("--node", options.node);
  for (const std::string& shard : options.shards)
    for (const std::string& one : split(shard)) addresses.emplace_back("--shard", one);
  for (const auto& [option, address] : addresses) {
    const auto at = parse_address(address);
    if (!at.ok()) return at.failure().within(option);
    if (!is_loopback(*at))
      return {errc::invalid_argument, option + ": `" + at->host +
                                          "` is not this machine: want --node-certificate, --node-key and --node-authority " +
                                          "too, for TLS on both sides (docs/serving.md, Shards, says how they are made)"};
  }
  return {};
}

status serve_store(const serve_options& options, const console& io) {
  const serving_options how{.store = options.stores.front(),
                            .searches = threads_or_all(options.threads),
                            .arithmetic = options.arithmetic,
                            .waiting = options.waiting,
                            .deadline = std::chrono::milliseconds(options.deadline_ms),
                            .writes = writes_of(options)};
  ARGOSY_ASSIGN(const auto answering, serving::start(how, io.clock));
  ARGOSY_ASSIGN(const auto products, start_desk(*answering, options.images));
  ARGOSY_ASSIGN(const auto node, start_node(options, *answering));
  const std::string at = address_of(options, node.get());
  front ports;
  const auto endpoint = std::make_shared<http_endpoint>(*answering, *products, [&ports] { return ports.peers(); });
  http_limits limits;
  if (options.writable) limits.body_bytes = most_change_bytes;
  const auto take = [endpoint](const http_request& request, http_exchange exchange) { endpoint->take(request, std::move(exchange)); };
  ARGOSY_TRY(ports.listen(options, {take, handler_of(std::make_shared<message_endpoint>(*answering)), limits}, at));
  const auto from = answering->newest();
  io.out << options.stores.front().string() << ": generation " << from->current().number() << ", "
         << counted(from->live().products(), "product") << ", on " << ports.addresses() << (at.empty() ? at : ", for routers on " + at)
         << std::endl;
  return end_of(ports, answering->metrics(), io);
}

status serve_shards(const serve_options& options, const console& io) {
  if (options.writable || !options.images.empty() || !options.node.empty())
    return {errc::invalid_argument,
            "--writable, --images and --node are of a server with one --store and no --shard: ask that of the products' own"};
  routing_options how{.stores = options.stores,
                      .shards = {},
                      .credentials = options.credentials,
                      .searches = threads_or_all(options.threads),
                      .arithmetic = options.arithmetic,
                      .waiting = options.waiting,
                      .deadline = std::chrono::milliseconds(options.deadline_ms)};
  for (const std::string& one : options.shards) how.shards.push_back(split(one));
  auto started = routing::start(how, io.clock);
  if (!started.ok()) return options.stores.empty() ? started.failure().within("--shard") : started.failure();
  routing& of = **started;
  front ports;
  const auto endpoint = std::make_shared<routed_endpoint>(of, [&ports] { return ports.peers(); });
  const auto take = [endpoint](const http_request& request, http_exchange exchange) { endpoint->take(request, std::move(exchange)); };
  ARGOSY_TRY(ports.listen(options, {take, handler_of(endpoint)}));
  io.out << counted(options.stores.size() + options.shards.size(), "shard") << " in " << counted(of.replicas().size(), "replica") << ", on "
         << ports.addresses() << std::endl;
  return end_of(ports, of.metrics(), io);
}

}  // namespace

status run_serve(const serve_options& options, const console& io) {
  if (options.stores.empty() && options.shards.empty()) return {errc::invalid_argument, "want --store, or --shard of servers with --node"};
  ARGOSY_TRY(front::check(options));
  ARGOSY_TRY(check_nodes(options));
  warn_of_slow_arithmetic(options.arithmetic, "--compute float32");
  return options.stores.size() == 1 && options.shards.empty() ? serve_store(options, io) : serve_shards(options, io);
}

}  // namespace argosy
