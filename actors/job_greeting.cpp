#include "actors/job_greeting.hpp"

#include <nlohmann/json.hpp>

#include "schema/folder.hpp"

namespace argosy {
namespace {

using nlohmann::json;

constexpr const char* own_version = ARGOSY_VERSION;
constexpr int own_protocol = 4;  // raise it with any change of what nodes and coordinators tell each other
constexpr std::size_t longest = 1u << 20;

result<json> read_object(std::string_view text) {
  if (text.size() > longest)
    return status{errc::corrupt, "want a greeting of at most 1 MiB, got " + std::to_string(text.size()) + " bytes"};
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return status{errc::corrupt, "want a greeting of Argosy, got something else"};
  return object;
}

std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

status check_version(const json& object, const std::string& other, const std::string& own) {
  if (number_at(object, "protocol") == own_protocol && text_at(object, "argosy") == own_version) return {};
  return {errc::version_mismatch, other + " is argosy " + text_at(object, "argosy") + " with protocol " +
                                      std::to_string(number_at(object, "protocol")) + ", " + own + " is argosy " + own_version +
                                      " with protocol " + std::to_string(own_protocol) + ": all of a job have to be the same"};
}

std::string text_of(const json& object) { return object.dump(-1, ' ', false, json::error_handler_t::replace); }

json versioned() { return {{"argosy", own_version}, {"protocol", own_protocol}}; }

}  // namespace

std::string greeting_of(const caller& who) {
  json object = versioned();
  object["wish"] = who.wish == caller_wish::join ? "join" : "status";
  object["name"] = who.name;
  object["data"] = who.data_fingerprint;
  return text_of(object);
}

result<caller> read_greeting(std::string_view text) {
  ARGOSY_ASSIGN(const json object, read_object(text));
  ARGOSY_TRY(check_version(object, "the node", "the coordinator"));
  const std::string wish = text_at(object, "wish");
  if (wish != "join" && wish != "status") return status{errc::corrupt, "wish: want join or status, got `" + wish + "`"};
  return caller{wish == "join" ? caller_wish::join : caller_wish::status, text_at(object, "name"), number_at(object, "data")};
}

std::string welcome_of(const job_facts& facts) {
  json object = versioned();
  object["job"] = facts.job;
  object["of"] = facts.of;
  object["data"] = facts.data_fingerprint;
  object["recipe"] = facts.recipe;
  object["initial"] = facts.initial;
  return text_of(object);
}

std::string refusal_text(const status& why) {
  json object = versioned();
  object["refused"] = static_cast<int>(why.code());
  object["why"] = why.message();
  return text_of(object);
}

result<job_facts> read_welcome(std::string_view text) {
  ARGOSY_ASSIGN(const json object, read_object(text));
  if (object.contains("refused")) {
    const std::uint64_t code = number_at(object, "refused");
    const bool known = code > 0 && code <= static_cast<std::uint64_t>(errc::internal);
    return status{known ? static_cast<errc>(code) : errc::invalid_argument, text_at(object, "why")};
  }
  ARGOSY_TRY(check_version(object, "the coordinator", "this node"));
  return job_facts{number_at(object, "job"), number_at(object, "of"), number_at(object, "data"), text_at(object, "recipe"),
                   number_at(object, "initial")};
}

}  // namespace argosy
