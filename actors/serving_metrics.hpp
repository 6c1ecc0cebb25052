// What a server counts, in Prometheus's text format. Names begin with argosy_ and are stable:
//   argosy_http_requests_total{path,code}   requests that the endpoint answered; path "other" for what is none
//   argosy_message_queries_total{code}      queries of messages by the code of their answer: ok, invalid, busy, unavailable, failed
//   argosy_messages_dropped_total           replies whose peer was gone or did not read
//   argosy_answers_total{source}            queries answered by the "pair table" and by the "index"
//   argosy_search_seconds                   histogram: from a query's arrival to its answer
//   argosy_changes_total{outcome}           changes of products: "created", "replaced", "changed", "removed"; "refused" for what was wrong with
//                                           them, "failed" for the disk and the store
//   argosy_change_seconds                   histogram: from a request's arrival until its changes are on the disk and searched
//   argosy_queries_waiting, argosy_connections, argosy_generation, argosy_products, argosy_switches_total
//   argosy_rows_put, argosy_rows_gone       of the products, since the generation was published; one that was replaced is one of each
//   argosy_compactions_total, argosy_compaction_failures_total, argosy_compacting (0 or 1)
// Threads   any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "actors/compaction_watch.hpp"
#include "schema/search_wire.hpp"

namespace argosy {

class serving_metrics {
public:
  static constexpr std::string_view paths[] = {
      "/",           "/search.css", "/search.js", "/v1/search", "/v1/products", "/v1/products/image",
      "/v1/compact", "/healthz",    "/readyz",    "/metrics",   "other"};
  static constexpr unsigned codes[] = {200, 201, 202, 204, 400, 401, 403, 404, 405, 409, 429, 500, 503};
  static constexpr std::string_view message_codes[] = {"ok", "invalid", "busy", "unavailable", "failed"};  // as wire_code
  static constexpr std::string_view outcomes[] = {"created", "replaced", "changed", "removed", "refused", "failed"};
  static constexpr double bounds[] = {.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5};  // seconds

  // `path` one of paths, `code` one of codes; another is counted as the last.
  void count_request(std::string_view path, unsigned code) noexcept;
  void count_message(wire_code) noexcept;
  void count_answer(bool from_pairs, double seconds) noexcept;
  void count_change(std::string_view outcome) noexcept;  // one of outcomes; another is counted as the last
  void count_change_seconds(double) noexcept;
  void count_switch(const changed_rows&) noexcept;
  void begin_compaction() noexcept { compacting_ = true; }
  void count_compaction(bool well) noexcept;  // its end

  struct gauges {
    std::size_t waiting = 0, connections = 0;
    std::uint64_t dropped = 0;  // replies
  };
  std::string text(const gauges&) const;
  std::uint64_t answers() const noexcept;

private:
  using counter = std::atomic<std::uint64_t>;
  std::array<std::array<counter, std::size(codes)>, std::size(paths)> requests_{};
  std::array<counter, std::size(message_codes)> messages_{};
  counter pair_answers_{}, index_answers_{}, switches_{}, generation_{}, products_{}, put_{}, gone_{}, compactions_{}, failures_{};
  std::atomic<bool> compacting_{};
  std::array<counter, std::size(outcomes)> changes_{};
  struct histogram {
    std::array<counter, std::size(bounds) + 1> within{};  // each its own; summed up when told
    counter nanoseconds{};
    void count(double seconds) noexcept;
    void tell(std::ostream&, std::string_view name, std::string_view help) const;
  };
  histogram searches_, change_times_;
};

}  // namespace argosy
