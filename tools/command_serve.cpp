#include <sys/resource.h>

#include <atomic>
#include <optional>
#include <ostream>
#include <span>
#include <string_view>

#include "actors/http_endpoint.hpp"
#include "actors/message_endpoint.hpp"
#include "actors/product_desk.hpp"
#include "actors/product_endpoint.hpp"
#include "actors/serving.hpp"
#include "data/records.hpp"
#include "kernels/slow_arithmetic.hpp"
#include "net/access_file.hpp"
#include "net/http_server.hpp"
#include "net/message_server.hpp"
#include "schema/folder.hpp"
#include "search/searcher.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/interrupts.hpp"
#include "tools/reach.hpp"

namespace argosy {
namespace {

constexpr std::chrono::seconds patience_of_drain{10};

// Ten thousand connections are ten thousand descriptors.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

result<std::unique_ptr<product_desk>> start_desk(const serving& of, const std::filesystem::path& images) {
  if (images.empty()) return product_desk::start(of, nullptr);
  ARGOSY_ASSIGN(image_source from, image_source::open(images));
  return product_desk::start(of, std::make_shared<const image_source>(std::move(from)));
}

// None where no endpoint is wanted.
result<std::unique_ptr<message_server>> start_messages(const serve_options& options, serving& of) {
  if (options.zmq.empty()) return std::unique_ptr<message_server>();
  const auto taker = std::make_shared<message_endpoint>(of);
  const auto take = [taker](std::span<const std::byte> bytes, message_exchange exchange) { taker->take(bytes, std::move(exchange)); };
  auto started = message_server::start(options.zmq, take, {}, options.curve);
  if (!started.ok()) return started.failure().within("--zmq");
  return started;
}

// Null where whoever asks is answered.
result<std::unique_ptr<http_rights>> rights_of(const serve_options& options, const clock_source& clock) {
  if (options.keys.empty()) return std::unique_ptr<http_rights>();
  auto known = access_file::open(options.keys, proof_kind::key_hash, clock);
  if (!known.ok()) return known.failure().within("--keys");
  return std::make_unique<http_rights>(std::move(known).value());
}

std::optional<product_writer_options> writes_of(const serve_options& options) {
  if (!options.writable) return std::nullopt;
  return product_writer_options{.images = options.images, .backbone_weights = options.backbone_weights, .threads = 1};
}

// Keeps none of it: what answers is let go of when another generation comes.
void say_what_answers(const serving& answering, const std::string& address, const serve_options& options, const console& io) {
  const auto from = answering.newest();
  io.out << options.store.string() << ": generation " << from->current().number() << ", " << counted(from->live().products(), "product")
         << ", on " << address << std::endl;
}

}  // namespace

status run_serve(const serve_options& options, const console& io) {
  ARGOSY_TRY(check_reach(options));
  ARGOSY_ASSIGN(auto keys, rights_of(options, io.clock));
  raise_descriptor_limit();
  warn_of_slow_arithmetic(options.arithmetic, "--compute float32");
  const serving_options how{.store = options.store,
                            .searches = threads_or_all(options.threads),
                            .arithmetic = options.arithmetic,
                            .waiting = options.waiting,
                            .deadline = std::chrono::milliseconds(options.deadline_ms),
                            .writes = writes_of(options)};
  ARGOSY_ASSIGN(const auto answering, serving::start(how, io.clock));
  ARGOSY_ASSIGN(const auto messages, start_messages(options, *answering));
  std::atomic<const http_server*> listening = nullptr;
  ARGOSY_ASSIGN(const auto products, start_desk(*answering, options.images));
  const auto peers = [&listening, &messages] {
    const http_server* server = listening;
    return open_peers{server == nullptr ? std::size_t{0} : server->connections(), messages ? messages->dropped() : 0};
  };
  const auto endpoint = std::make_shared<http_endpoint>(*answering, *products, peers, std::move(keys));
  const auto take = [endpoint](const http_request& request, http_exchange exchange) { endpoint->take(request, std::move(exchange)); };
  http_limits limits;
  if (options.writable) limits.body_bytes = most_change_bytes;
  http_security security{.admit = [endpoint](const http_request& request) { return endpoint->kept_out(request); }};
  if (!options.tls.certificate.empty()) security.tls = options.tls;
  ARGOSY_ASSIGN(const auto server, http_server::start(options.http, take, limits, security));
  listening = server.get();

  const std::string address =
      (security.tls ? "https://" : "http://") + options.http.substr(0, options.http.rfind(':')) + ":" + std::to_string(server->port());
  const std::string endpoint_of_messages = messages ? messages->endpoint() : std::string();
  say_what_answers(*answering, address + (messages ? " and " + endpoint_of_messages : ""), options, io);
  if (!options.address_file.empty())
    ARGOSY_TRY(replace_file(options.address_file, address + "\n" + (messages ? endpoint_of_messages + "\n" : "")));
  wait_for_stop(io.stop);
  const bool told = !messages || messages->drain(patience_of_drain);
  const bool drained = server->drain(patience_of_drain) && told;
  listening = nullptr;
  io.out << counted(answering->metrics().answers(), "query", "queries") << " answered" << (drained ? "" : "; some that waited were not")
         << std::endl;
  return {};
}

}  // namespace argosy
