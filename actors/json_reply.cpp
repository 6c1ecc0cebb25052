#include "actors/json_reply.hpp"

#include "search/answer_json.hpp"

namespace argosy {

http_reply json_reply(unsigned code, const nlohmann::ordered_json& object) { return {code, json_text(object) + "\n"}; }
http_reply error_reply(unsigned code, const std::string& message) { return json_reply(code, {{"error", message}}); }

}  // namespace argosy
