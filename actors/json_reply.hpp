// Replies of HTTP with a JSON object in one line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "actors/serving_metrics.hpp"
#include "net/http_server.hpp"

namespace argosy {

http_reply json_reply(unsigned code, const nlohmann::ordered_json&);
// {"error": message}
http_reply error_reply(unsigned code, const std::string& message);
// 400 that says which parameter is wrong: {"error", "parameter"}.
http_reply parameter_reply(const std::string& parameter, const std::string& message);
// 429, with Retry-After.
http_reply busy_reply(const std::string& message);

// What every reply of an endpoint goes through: it is counted, and browsers are told to believe its type.
http_reply noted(serving_metrics&, std::string_view path, http_reply);

}  // namespace argosy
