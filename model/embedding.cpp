#include "model/embedding.hpp"

#include <algorithm>

#include "data/batch.hpp"
#include "kernels/transfer.hpp"

namespace argosy {
namespace {

// Large enough that the matrix products run at full speed, small enough that activations stay in cache: ours.
constexpr std::uint64_t batch_products = 128;
constexpr std::size_t batch_queries = 256;

status append_rows(device& on, const_view rows, std::vector<float>& to) {
  ARGOSY_ASSIGN(const auto numbers, floats_of(on, rows));
  to.insert(to.end(), numbers.begin(), numbers.end());
  return {};
}

status stopped() { return {errc::aborted, "embedding was interrupted"}; }

}  // namespace

result<std::vector<float>> embed_products(retrieval_model& model, const prepared_data& data, std::uint64_t count,
                                          const embedding_progress& show, const std::stop_token& stop, std::vector<float>* image_weights) {
  std::vector<float> vectors;
  vectors.reserve(count * static_cast<std::uint64_t>(model.width()));
  for (std::uint64_t first = 0; first < count; first += batch_products) {
    if (stop.stop_requested()) return stopped();
    ARGOSY_ASSIGN(const product_batch products, make_product_batch(data, first, std::min(batch_products, count - first)));
    ARGOSY_ASSIGN(const const_view rows, model.embed_products(products, {}));
    ARGOSY_TRY(append_rows(model.on(), rows, vectors));
    if (image_weights != nullptr) ARGOSY_TRY(append_rows(model.on(), model.gates().column_range(1, 1), *image_weights));
    show(std::min(first + batch_products, count), count);
  }
  return vectors;
}

result<std::vector<float>> embed_queries(retrieval_model& model, std::span<const std::vector<std::int32_t>> tokens,
                                         const std::stop_token& stop) {
  std::vector<float> vectors;
  vectors.reserve(tokens.size() * static_cast<std::size_t>(model.width()));
  for (std::size_t first = 0; first < tokens.size(); first += batch_queries) {
    if (stop.stop_requested()) return stopped();
    packed_text packed;
    for (const auto& query : tokens.subspan(first, std::min(batch_queries, tokens.size() - first))) packed.append(query);
    ARGOSY_ASSIGN(const const_view rows, model.embed_queries(packed, {}));
    ARGOSY_TRY(append_rows(model.on(), rows, vectors));
  }
  return vectors;
}

}  // namespace argosy
