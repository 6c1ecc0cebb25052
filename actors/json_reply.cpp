#include "actors/json_reply.hpp"

#include "search/answer_json.hpp"

namespace argosy {

http_reply json_reply(unsigned code, const nlohmann::ordered_json& object) { return {code, json_text(object) + "\n"}; }
http_reply error_reply(unsigned code, const std::string& message) { return json_reply(code, {{"error", message}}); }

http_reply parameter_reply(const std::string& parameter, const std::string& message) {
  return json_reply(400, {{"error", parameter + ": " + message}, {"parameter", parameter}});
}

http_reply busy_reply(const std::string& message) {
  http_reply busy = error_reply(429, message);
  busy.fields.emplace_back("Retry-After", "1");  // second
  return busy;
}

http_reply noted(serving_metrics& metrics, std::string_view path, http_reply reply) {
  metrics.count_request(path, reply.code);
  reply.fields.emplace_back("X-Content-Type-Options", "nosniff");
  return reply;
}

}  // namespace argosy
