#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <ostream>
#include <stop_token>

#include "actors/http_endpoint.hpp"
#include "actors/product_endpoint.hpp"
#include "actors/serving.hpp"
#include "net/http_server.hpp"
#include "schema/folder.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"

namespace argosy {
namespace {

constexpr std::chrono::seconds patience_of_drain{10};

status check_loopback(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  if (host == "127.0.0.1" || host == "localhost" || host == "[::1]") return {};
  return {errc::invalid_argument,
          "--http: want 127.0.0.1, localhost or [::1], got `" + host +
              "`: keys and TLS are not there yet, and without them the server answers this machine alone; a proxy on it can do both"};
}

// Ten thousand connections are ten thousand descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

void wait_for(const std::stop_token& stop) {
  std::mutex lock;
  std::condition_variable_any asked;
  std::unique_lock held(lock);
  asked.wait(held, stop, [] { return false; });
}

std::optional<product_writer_options> writes_of(const serve_options& options) {
  if (!options.writable) return std::nullopt;
  return product_writer_options{.images = options.images, .backbone_weights = options.backbone_weights, .threads = 1};
}

// Keeps none of it: what answers is let go of when another generation comes.
void say_what_answers(const serving& answering, const std::string& address, const serve_options& options, const console& io) {
  const auto from = answering.newest();
  io.out << options.store.string() << ": generation " << from->current().number() << ", " << counted(from->live().products(), "product")
         << ", on http://" << address << std::endl;
}

}  // namespace

status run_serve(const serve_options& options, const console& io) {
  ARGOSY_TRY(check_loopback(options.http));
  raise_descriptor_limit();
  const serving_options how{.store = options.store,
                            .searches = threads_or_all(options.threads),
                            .waiting = options.waiting,
                            .deadline = std::chrono::milliseconds(options.deadline_ms),
                            .writes = writes_of(options)};
  ARGOSY_ASSIGN(const auto answering, serving::start(how, io.clock));
  std::atomic<const http_server*> listening = nullptr;
  const auto endpoint = std::make_shared<http_endpoint>(*answering, [&listening] {
    const http_server* server = listening;
    return server == nullptr ? std::size_t{0} : server->connections();
  });
  const auto take = [endpoint](const http_request& request, http_exchange exchange) { endpoint->take(request, std::move(exchange)); };
  http_limits limits;
  if (options.writable) limits.body_bytes = most_change_bytes;
  ARGOSY_ASSIGN(const auto server, http_server::start(options.http, take, limits));
  listening = server.get();

  const std::string address = options.http.substr(0, options.http.rfind(':')) + ":" + std::to_string(server->port());
  say_what_answers(*answering, address, options, io);
  if (!options.address_file.empty()) ARGOSY_TRY(replace_file(options.address_file, "http://" + address + "\n"));
  wait_for(io.stop);
  const bool drained = server->drain(patience_of_drain);
  listening = nullptr;
  io.out << counted(answering->metrics().answers(), "query", "queries") << " answered" << (drained ? "" : "; some that waited were not")
         << std::endl;
  return {};
}

}  // namespace argosy
