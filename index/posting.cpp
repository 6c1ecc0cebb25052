#include "index/posting.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace argosy {
namespace {

constexpr std::uint32_t cookie_of_runs = 12347, cookie_without_runs = 12346;
constexpr std::uint32_t offsets_from = 4;  // with runs: fewer containers have no offsets
constexpr std::size_t chunk_rows = 65536, bitset_bytes = chunk_rows / 8, bitset_words = chunk_rows / 64, longest_array = 4096;

// Takes numbers off the front; once they have run out, everything is 0 and ok() false.
class cursor {
public:
  explicit cursor(std::span<const std::uint8_t> bytes) : left_(bytes) {}
  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && left_.empty(); }
  std::span<const std::uint8_t> take(std::size_t bytes) noexcept {
    if (bytes > left_.size()) ok_ = false;
    if (!ok_) return {};
    const auto taken = left_.first(bytes);
    left_ = left_.subspan(bytes);
    return taken;
  }
  template <class T>
  T number() noexcept {
    T value = 0;
    if (const auto bytes = take(sizeof(T)); ok_) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

private:
  std::span<const std::uint8_t> left_;
  bool ok_ = true;
};

struct container {
  std::uint32_t key = 0, count = 0;
  bool runs = false;
};

// In each: whether it holds `of.count` rising values; the largest goes to `last`.
bool check_array(cursor& from, const container& of, std::uint32_t& last) noexcept {
  for (std::uint32_t i = 0; i < of.count; ++i) {
    const std::uint32_t value = from.number<std::uint16_t>();
    if (i > 0 && value <= last) return false;
    last = value;
  }
  return from.ok();
}

bool check_bitset(cursor& from, const container& of, std::uint32_t& last) noexcept {
  const auto bytes = from.take(bitset_bytes);
  if (!from.ok()) return false;
  std::uint32_t found = 0;
  for (std::size_t w = 0; w < bitset_words; ++w) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + 8 * w, 8);
    found += static_cast<std::uint32_t>(std::popcount(word));
    if (word != 0) last = static_cast<std::uint32_t>(64 * w + 63 - static_cast<std::size_t>(std::countl_zero(word)));
  }
  return found == of.count;
}

bool check_runs(cursor& from, const container& of, std::uint32_t& last) noexcept {
  const std::uint32_t runs = from.number<std::uint16_t>();
  std::uint32_t found = 0;
  for (std::uint32_t i = 0; i < runs; ++i) {
    const std::uint32_t first = from.number<std::uint16_t>(), more = from.number<std::uint16_t>();
    if (!from.ok() || (i > 0 && first <= last) || first + more >= chunk_rows) return false;
    last = first + more;
    found += more + 1;
  }
  return from.ok() && found == of.count;
}

bool check_container(cursor& from, const container& of, std::uint32_t& last) noexcept {
  if (of.runs) return check_runs(from, of, last);
  return of.count <= longest_array ? check_array(from, of, last) : check_bitset(from, of, last);
}

// Cookie, flags, keys and counts; the offsets that may follow are not used.
bool read_header(cursor& from, std::vector<container>& to) {
  const std::uint32_t cookie = from.number<std::uint32_t>();
  const bool runs = (cookie & 0xFFFF) == cookie_of_runs;
  if (!runs && cookie != cookie_without_runs) return false;
  const std::uint32_t size = runs ? (cookie >> 16) + 1 : from.number<std::uint32_t>();
  if (!from.ok() || size > chunk_rows) return false;
  const auto flags = runs ? from.take((size + 7) / 8) : std::span<const std::uint8_t>();
  for (std::uint32_t i = 0; from.ok() && i < size; ++i) {
    const std::uint32_t key = from.number<std::uint16_t>(), count = from.number<std::uint16_t>() + 1u;
    if (i > 0 && key <= to.back().key) return false;
    to.push_back({key, count, runs && (flags[i / 8] >> (i % 8) & 1) != 0});
  }
  if (!runs || size >= offsets_from) from.take(std::size_t{4} * size);
  return from.ok();
}

bool holds(std::span<const std::uint8_t> bytes, std::uint64_t rows, std::uint64_t count) {
  cursor from(bytes);
  std::vector<container> containers;
  if (!read_header(from, containers)) return false;
  std::uint64_t found = 0, largest = 0;
  for (const container& of : containers) {
    std::uint32_t last = 0;
    if (!check_container(from, of, last)) return false;
    found += of.count;
    largest = of.key * std::uint64_t{chunk_rows} + last;
  }
  return from.at_end() && found == count && (containers.empty() || largest < rows);
}

// The set whose bits these are: the rows from 65,536 i on in words 1,024 i to 1,024 i + 1,023.
Roaring posting_of_bits(std::span<const std::uint64_t> words) {
  Roaring made;
  for (std::size_t first = 0; first < words.size(); first += bitset_words) {
    const auto part = words.subspan(first, std::min(bitset_words, words.size() - first));
    std::size_t count = 0;
    for (const std::uint64_t word : part) count += static_cast<std::size_t>(std::popcount(word));
    if (count == 0) continue;
    bitset_container_t* bits = bitset_container_create();
    std::memcpy(bits->array, part.data(), part.size_bytes());
    bits->cardinality = static_cast<std::int32_t>(count);
    const auto key = static_cast<std::uint16_t>(first / bitset_words);
    if (count > longest_array) {
      ra_append(&made.roaring.high_low_container, key, bits, BITSET_CONTAINER_TYPE_CODE);
    } else {
      ra_append(&made.roaring.high_low_container, key, array_container_from_bitset(bits), ARRAY_CONTAINER_TYPE_CODE);
      bitset_container_free(bits);
    }
  }
  return made;
}

void paint_bits(const std::uint64_t* from, std::span<std::uint64_t> words) {
  std::memcpy(words.data(), from, std::min(bitset_bytes, words.size_bytes()));
}

void paint(const Roaring& from, std::vector<std::uint64_t>& words) {
  const roaring_array_t& held = from.roaring.high_low_container;
  for (std::int32_t i = 0; i < held.size; ++i) {
    const std::span<std::uint64_t> part = std::span(words).subspan(held.keys[i] * bitset_words);
    std::uint8_t type = held.typecodes[i];
    const void* holder = container_unwrap_shared(held.containers[i], &type);
    const auto set = [part](std::uint32_t value) { part[value / 64] |= std::uint64_t{1} << (value % 64); };
    if (type == BITSET_CONTAINER_TYPE_CODE) {
      paint_bits(static_cast<const bitset_container_t*>(holder)->array, part);
    } else if (type == ARRAY_CONTAINER_TYPE_CODE) {
      const auto* array = static_cast<const array_container_t*>(holder);
      for (std::int32_t v = 0; v < array->cardinality; ++v) set(array->array[v]);
    } else {
      const auto* runs = static_cast<const run_container_t*>(holder);
      for (std::int32_t r = 0; r < runs->n_runs; ++r)
        for (std::uint32_t v = 0; v <= runs->runs[r].length; ++v) set(runs->runs[r].value + v);
    }
  }
}

}  // namespace

std::string encode_posting(std::span<const std::uint32_t> rows) {
  Roaring made(rows.size(), rows.data());
  made.runOptimize();
  std::string bytes(made.getSizeInBytes(), '\0');
  made.write(bytes.data());
  return bytes;
}

result<Roaring> decode_posting(std::span<const std::uint8_t> bytes, std::uint64_t rows, std::uint64_t count) {
  if (!holds(bytes, rows, count))
    return status(errc::corrupt, "want a Roaring bitmap of " + std::to_string(count) + " rows below " + std::to_string(rows));
  return Roaring::readSafe(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Roaring posting_of(std::span<const std::uint32_t> members, std::size_t rows) {
  if (members.size() < rows / 256) {
    std::vector<std::uint32_t> sorted(members.begin(), members.end());
    std::sort(sorted.begin(), sorted.end());
    return Roaring(sorted.size(), sorted.data());
  }
  std::vector<std::uint64_t> words((rows + 63) / 64);
  for (const std::uint32_t row : members) words[row / 64] |= std::uint64_t{1} << (row % 64);
  return posting_of_bits(words);
}

row_set rows_of(const Roaring& from, std::size_t rows) {
  std::vector<std::uint64_t> words((rows + 63) / 64);
  paint(from, words);
  return row_set(rows, std::move(words));
}

}  // namespace argosy
