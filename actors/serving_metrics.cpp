#include "actors/serving_metrics.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace argosy {
namespace {

template <class Values, class Value>
std::size_t place_of(const Values& values, const Value& wanted) noexcept {
  const auto found = std::find(std::begin(values), std::end(values), wanted);
  return static_cast<std::size_t>((found == std::end(values) ? std::end(values) - 1 : found) - std::begin(values));
}

void describe(std::ostream& out, std::string_view name, std::string_view type, std::string_view help) {
  out << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
}

void tell(std::ostream& out, std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
  describe(out, name, type, help);
  out << name << ' ' << value << '\n';
}

}  // namespace

void serving_metrics::count_request(std::string_view path, unsigned code) noexcept {
  ++requests_[place_of(paths, path)][place_of(codes, code)];
}

void serving_metrics::count_message(wire_code code) noexcept { ++messages_[static_cast<std::size_t>(code)]; }

void serving_metrics::count_answer(bool from_pairs, double seconds) noexcept {
  ++(from_pairs ? pair_answers_ : index_answers_);
  searches_.count(seconds);
}

void serving_metrics::count_change(std::string_view outcome) noexcept { ++changes_[place_of(outcomes, outcome)]; }
void serving_metrics::count_change_seconds(double seconds) noexcept { change_times_.count(seconds); }

void serving_metrics::histogram::count(double seconds) noexcept {
  const auto bound = std::lower_bound(std::begin(bounds), std::end(bounds), seconds);
  ++within[static_cast<std::size_t>(bound - std::begin(bounds))];
  nanoseconds += static_cast<std::uint64_t>(std::max(0.0, seconds * 1e9));
}

void serving_metrics::count_switch(const changed_rows& to) noexcept {
  ++switches_;
  generation_ = to.generation;
  products_ = to.products;
  put_ = to.put;
  gone_ = to.gone;
}

void serving_metrics::count_compaction(bool well) noexcept {
  compacting_ = false;
  ++(well ? compactions_ : failures_);
}

std::uint64_t serving_metrics::answers() const noexcept { return pair_answers_ + index_answers_; }

void serving_metrics::histogram::tell(std::ostream& out, std::string_view name, std::string_view help) const {
  describe(out, name, "histogram", help);
  std::uint64_t sum = 0;
  for (std::size_t b = 0; b < within.size(); ++b) {
    sum += within[b];
    out << name << "_bucket{le=\"";
    if (b < std::size(bounds)) {
      out << bounds[b];
    } else {
      out << "+Inf";
    }
    out << "\"} " << sum << '\n';
  }
  out << name << "_sum " << static_cast<double>(nanoseconds) * 1e-9 << '\n' << name << "_count " << sum << '\n';
}

std::string serving_metrics::text(const gauges& now) const {
  std::ostringstream out;
  out << std::setprecision(15);
  describe(out, "argosy_http_requests_total", "counter", "Requests by path and answer");
  for (std::size_t p = 0; p < std::size(paths); ++p) {
    for (std::size_t c = 0; c < std::size(codes); ++c) {
      if (const auto count = requests_[p][c].load(); count > 0)
        out << "argosy_http_requests_total{path=\"" << paths[p] << "\",code=\"" << codes[c] << "\"} " << count << '\n';
    }
  }
  describe(out, "argosy_message_queries_total", "counter", "Queries of messages by the code of their answer");
  for (std::size_t c = 0; c < std::size(message_codes); ++c)
    out << "argosy_message_queries_total{code=\"" << message_codes[c] << "\"} " << messages_[c] << '\n';
  tell(out, "argosy_messages_dropped_total", "counter", "Replies whose peer was gone or did not read", now.dropped);
  describe(out, "argosy_answers_total", "counter", "Queries answered, by what answered them");
  out << "argosy_answers_total{source=\"pair table\"} " << pair_answers_ << "\nargosy_answers_total{source=\"index\"} " << index_answers_
      << '\n';
  searches_.tell(out, "argosy_search_seconds", "From a query's arrival to its answer");
  describe(out, "argosy_changes_total", "counter", "Changes of products, by what became of them");
  for (std::size_t o = 0; o < std::size(outcomes); ++o)
    out << "argosy_changes_total{outcome=\"" << outcomes[o] << "\"} " << changes_[o] << '\n';
  change_times_.tell(out, "argosy_change_seconds", "From a request's arrival until its changes are on the disk and searched");
  tell(out, "argosy_queries_waiting", "gauge", "Queries that no search actor has taken yet", now.waiting);
  tell(out, "argosy_connections", "gauge", "Open connections", now.connections);
  tell(out, "argosy_generation", "gauge", "Generation that is answered from", generation_);
  tell(out, "argosy_products", "gauge", "Products of it", products_);
  tell(out, "argosy_rows_put", "gauge", "Products put since the generation was published", put_);
  tell(out, "argosy_rows_gone", "gauge", "Products of the generation that were replaced or removed", gone_);
  tell(out, "argosy_compacting", "gauge", "Whether the store is being compacted", compacting_ ? 1 : 0);
  tell(out, "argosy_compactions_total", "counter", "Compactions that became current", compactions_);
  tell(out, "argosy_compaction_failures_total", "counter", "Compactions that failed", failures_);
  tell(out, "argosy_switches_total", "counter", "States of the store that were switched to", switches_);
  return out.str();
}

}  // namespace argosy
