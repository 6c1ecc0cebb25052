#include "tools/relevance.hpp"

namespace argosy {

result<search_request> request_of(const relevance_options& options, std::size_t k) {
  const auto channel = channel_named(options.channel);
  if (!channel) return status(errc::invalid_argument, "--channel: want semantic, lexical or hybrid, got " + options.channel);
  const auto& weights = options.weights;
  if (weights.size() != 2 || !(weights[0] >= 0) || !(weights[1] >= 0) || !(weights[0] + weights[1] > 0))
    return status(errc::invalid_argument, "--weights: want those of semantic and lexical, at least 0 and one above it");
  search_request request;
  request.k = k;
  request.filter = options.filter;
  request.channel = *channel;
  request.restricts = !options.no_restrict;
  request.least_evidence = options.least_evidence;
  request.semantic_weight = weights[0];
  request.lexical_weight = weights[1];
  request.bm25.field_weight = options.field_weight;
  return request;
}

}  // namespace argosy
