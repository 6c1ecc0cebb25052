#include "index/metrics.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace argosy {
namespace {

auto relevance_of(const judged_answer& answer) {
  return [&answer](std::uint32_t row) { return std::binary_search(answer.relevant.begin(), answer.relevant.end(), row); };
}

std::size_t relevant_among(const judged_answer& answer, std::size_t k) {
  const auto first = answer.ranked.begin(), end = first + static_cast<std::ptrdiff_t>(std::min(k, answer.ranked.size()));
  return static_cast<std::size_t>(std::count_if(first, end, relevance_of(answer)));
}

template <class Score>
double mean(std::span<const judged_answer> answers, std::size_t judged, Score score) {
  if (judged == 0) return 0;
  double sum = 0;
  for (const auto& answer : answers) sum += answer.relevant.empty() ? 0.0 : score(answer);
  return sum / static_cast<double>(judged);
}

}  // namespace

std::optional<std::size_t> first_relevant(const judged_answer& answer) {
  const auto found = std::find_if(answer.ranked.begin(), answer.ranked.end(), relevance_of(answer));
  if (found == answer.ranked.end()) return std::nullopt;
  return static_cast<std::size_t>(found - answer.ranked.begin());
}

retrieval_metrics measure(std::span<const judged_answer> answers, std::span<const std::size_t> recall_at,
                          std::span<const std::size_t> precision_at) {
  retrieval_metrics found;
  found.without_relevant =
      static_cast<std::size_t>(std::count_if(answers.begin(), answers.end(), [](const auto& answer) { return answer.relevant.empty(); }));
  const std::size_t judged = found.queries = answers.size() - found.without_relevant;
  for (const std::size_t k : recall_at) {
    found.recall[k] = mean(answers, judged, [&](const auto& answer) { return relevant_among(answer, k) > 0 ? 1.0 : 0.0; });
  }
  for (const std::size_t k : precision_at) {
    ARGOSY_CHECK(k > 0);
    found.precision[k] =
        mean(answers, judged, [&](const auto& answer) { return static_cast<double>(relevant_among(answer, k)) / static_cast<double>(k); });
  }
  return found;
}

}  // namespace argosy
