// Replies of HTTP with a JSON object in one line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "net/http_server.hpp"

namespace argosy {

http_reply json_reply(unsigned code, const nlohmann::ordered_json&);
// {"error": message}
http_reply error_reply(unsigned code, const std::string& message);
// 400 that says which parameter is wrong: {"error", "parameter"}.
http_reply parameter_reply(const std::string& parameter, const std::string& message);
// 429, with Retry-After.
http_reply busy_reply(const std::string& message);

}  // namespace argosy
