#include "index/pair_answer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "index/pair_table.hpp"

namespace argosy {
namespace {

constexpr std::size_t most_hits = 65'535;
constexpr unsigned grid_bits = 12;
constexpr float grid_steps = (1 << grid_bits) - 1;

// Bits behind those that are there already.
class bit_writer {
public:
  explicit bit_writer(std::vector<std::byte>& to) : to_(&to) {}
  void put(std::uint64_t value, unsigned bits) {
    held_ |= value << count_;
    for (count_ += bits; count_ >= 8; count_ -= 8, held_ >>= 8) to_->push_back(static_cast<std::byte>(held_ & 0xFF));
  }
  void finish() {
    if (count_ > 0) to_->push_back(static_cast<std::byte>(held_ & 0xFF));
  }

private:
  std::vector<std::byte>* to_;
  std::uint64_t held_ = 0;
  unsigned count_ = 0;
};

// The 57 bits from that one on. REQUIRES 8 readable bytes from its byte on.
inline std::uint64_t bits_at(const std::byte* from, std::uint64_t bit) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from + bit / 8, sizeof(word));
  return word >> bit % 8;
}

status check_hits(std::span<const hit> hits, std::uint64_t products) {
  const auto refuse = [](std::size_t at, const std::string& what) {
    return status{errc::invalid_argument, "answer, hit " + std::to_string(at) + ": " + what};
  };
  if (hits.size() > most_hits)
    return refuse(most_hits, "want at most " + std::to_string(most_hits) + " hits, got " + std::to_string(hits.size()));
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (hits[i].row >= products) return refuse(i, "want a row below " + std::to_string(products) + ", got " + std::to_string(hits[i].row));
    if (!std::isfinite(hits[i].score)) return refuse(i, "want a finite score");
    if (i > 0 && hits[i].score > hits[i - 1].score) return refuse(i, "want a score no better than the one before");
  }
  return {};
}

// The place of every score on the grid below the best: rising, 0 first.
std::vector<std::uint32_t> grid_places(std::span<const hit> hits, float step) {
  std::vector<std::uint32_t> places;
  places.reserve(hits.size());
  for (const hit& one : hits) {
    const double below = step > 0 ? (static_cast<double>(hits[0].score) - one.score) / step : 0;
    places.push_back(static_cast<std::uint32_t>(std::lround(std::min(below, double{grid_steps}))));
  }
  return places;
}

void append(std::vector<std::byte>& to, const void* from, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(from);
  to.insert(to.end(), first, first + bytes);
}

struct answer_header {
  std::uint16_t count = 0;
  std::uint8_t score_bits = 0, zero = 0;
  float best = 0, step = 0;
};
static_assert(sizeof(answer_header) == answer_head);

}  // namespace

status encode_answer(std::span<const hit> hits, std::uint64_t products, std::vector<std::byte>& to) {
  ARGOSY_TRY(check_hits(hits, products));
  answer_header head{static_cast<std::uint16_t>(hits.size())};
  if (!hits.empty()) {
    head.best = hits.front().score;
    head.step = static_cast<float>((static_cast<double>(head.best) - hits.back().score) / grid_steps);
  }
  const auto places = grid_places(hits, head.step);
  std::uint32_t largest = 0;
  for (std::size_t i = 1; i < places.size(); ++i) largest = std::max(largest, places[i] - places[i - 1]);
  head.score_bits = static_cast<std::uint8_t>(std::bit_width(largest));

  const std::size_t start = to.size();
  append(to, &head, sizeof(head));
  bit_writer bits(to);
  for (std::size_t i = 0; i < hits.size(); ++i) {
    bits.put(hits[i].row, bits_of_row(products));
    bits.put(places[i] - places[i > 0 ? i - 1 : 0], head.score_bits);
  }
  bits.finish();
  to.resize(start + (to.size() - start + answer_unit - 1) / answer_unit * answer_unit);
  return {};
}

bool decode_answer(std::span<const std::byte> bytes, std::uint64_t products, std::size_t most, std::vector<hit>& to) {
  to.clear();
  if (bytes.size() < answer_head + answer_unit) return false;
  answer_header head;
  std::memcpy(&head, bytes.data(), sizeof(head));
  const unsigned row_bits = bits_of_row(products), hit_bits = row_bits + head.score_bits;
  const bool fits = (std::uint64_t{head.count} * hit_bits + 7) / 8 <= bytes.size() - answer_head - answer_unit;
  if (head.score_bits > grid_bits || !fits) return false;

  const std::byte* const from = bytes.data() + answer_head;
  const std::uint64_t row_mask = (std::uint64_t{1} << row_bits) - 1, score_mask = (std::uint64_t{1} << head.score_bits) - 1;
  to.resize(std::min<std::size_t>(most, head.count));
  std::uint64_t place = 0, largest = 0;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const std::uint64_t one = bits_at(from, i * hit_bits);
    const std::uint64_t row = one & row_mask;
    place += one >> row_bits & score_mask;
    largest = std::max(largest, row);
    // Rounded once: the product by itself can be beyond a float.
    to[i] = {static_cast<std::uint32_t>(row), std::fma(-head.step, static_cast<float>(place), head.best)};
  }
  return to.empty() || largest < products;
}

}  // namespace argosy
