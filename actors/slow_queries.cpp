#include "actors/slow_queries.hpp"

#include "base/log.hpp"

namespace argosy {

void slow_queries::note(const logged_query& of, std::string_view source, double seconds) const {
  if (!wanted() || seconds * 1000 <= static_cast<double>(bound_.count())) return;
  log::warning(
      "slow query",
      {{"request", of.request}, {"seconds", seconds}, {"source", source}, {"query", of.query}, {"filter", of.filter}, {"k", of.k}});
}

void note_failure(std::string_view request_id, std::string_view path, const http_reply& reply) {
  if (reply.code == 500) log::warning("request failed", {{"request", request_id}, {"path", path}, {"answer", reply.body}});
}

}  // namespace argosy
