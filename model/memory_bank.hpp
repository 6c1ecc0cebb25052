// Memory bank: the product embeddings of past steps, as negatives without gradient (MBNS, arXiv 2304.04377, section 2.2). A ring:
// the oldest entries leave first; ids, embeddings, log p and step stay together. Starts empty, never random; takes ragged batches.
// Order of a step: loss, backward, optimiser, then push; so a product of this step is not in the bank at its own loss.
// Rows lie on the device, ids and steps on the host. push waits for nothing; save and load do.
// Threads   push, save and load are calls of its device, which belongs to one thread at a time: that of the worker, or that of the bank's
//           actor while the worker waits for its answer (actors/worker.hpp). view reads nothing.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/device.hpp"

namespace argosy {

struct bank_entries {
  const_view embedding;                   // (n, D)
  std::span<const std::int64_t> product;  // (n)
  const_view log_p;                       // (1, n)
  std::uint64_t step = 0;
};

struct bank_view {
  const_view embedding;                   // (valid, D), in ring order, not in order of age
  std::span<const std::int64_t> product;  // (valid)
  const_view log_p;                       // (1, valid)
};

class memory_bank {
public:
  // The device outlives the bank.
  static result<memory_bank> make(device&, std::int64_t capacity, std::int64_t columns);
  // shape_mismatch when widths or lengths differ; nothing is changed then. More entries than the capacity: the last ones stay.
  status push(const bank_entries&);
  // Valid until the next push.
  bank_view view() const noexcept;
  std::int64_t valid() const noexcept { return valid_; }
  std::int64_t capacity() const noexcept { return capacity_; }

  // The whole state in order of age, and back: for checkpoints.
  struct snapshot {
    std::int64_t columns = 0;
    std::vector<double> embedding, log_p;  // exact for float32 and float64
    std::vector<std::int64_t> product;
    std::vector<std::uint64_t> step;
    std::int64_t place = 0;  // row of the oldest entry: sums over the bank are taken in the order of its rows, resumed or not
  };
  result<snapshot> save() const;
  status load(const snapshot&);

private:
  device* on_ = nullptr;
  std::int64_t capacity_ = 0, columns_ = 0, valid_ = 0, next_ = 0;
  tensor embedding_, log_p_;
  std::vector<std::int64_t> product_;
  std::vector<std::uint64_t> step_;
  std::vector<std::int32_t> row_;  // of each entry of a push
};

}  // namespace argosy
