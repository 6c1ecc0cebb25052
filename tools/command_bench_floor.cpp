#include <ostream>

#include "net/http_server.hpp"
#include "net/message_server.hpp"
#include "schema/folder.hpp"
#include "schema/search_wire.hpp"
#include "tools/commands.hpp"
#include "tools/interrupts.hpp"

namespace argosy {
namespace {

void answer_http(const http_request&, http_exchange exchange) { exchange.answer({200, "{}\n"}); }

void answer_message(std::span<const std::byte> bytes, message_exchange exchange) {
  const auto request = decode_request(bytes);
  if (request.ok()) exchange.answer(encode(wire_reply{request->id, std::vector<wire_answer>(request->queries.size())}));
}

}  // namespace

status run_bench_floor(const bench_floor_options& options, const console& io) {
  const bool secure = !options.tls.certificate.empty();
  http_security security;
  if (secure) security.tls = options.tls;
  ARGOSY_ASSIGN(const auto http, http_server::start("127.0.0.1:0", answer_http, {}, security));
  ARGOSY_ASSIGN(const auto messages, message_server::start("tcp://127.0.0.1:*", answer_message, {}, options.curve));
  const std::string addresses =
      std::string(secure ? "https" : "http") + "://127.0.0.1:" + std::to_string(http->port()) + "\n" + messages->endpoint() + "\n";
  io.out << "answers nothing at all on\n" << addresses << std::flush;
  if (!options.address_file.empty()) ARGOSY_TRY(replace_file(options.address_file, addresses));
  wait_for_stop(io.stop);
  return {};
}

}  // namespace argosy
