#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/random.hpp"
#include "index/code_scan.hpp"
#include "index/packed_rows.hpp"
#include "index/ranked_key.hpp"
#include "index/rotation.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/timing.hpp"

namespace argosy {
namespace {

constexpr int repeats = 15;
constexpr std::size_t blocks = 128, rows = 1024;  // that stay in cache
constexpr std::size_t candidates = 512;           // of which the better half is kept

// Bytes of all values below `limit`.
std::vector<std::uint8_t> drawn_bytes(std::size_t count, std::uint32_t limit, std::uint64_t seed) {
  std::vector<std::uint8_t> made(count);
  for (std::size_t i = 0; i < count; ++i)
    made[i] = static_cast<std::uint8_t>(random_bits({seed, 0, 0}, 0, static_cast<std::uint32_t>(i)) % limit);
  return made;
}

std::vector<float> drawn_floats(std::size_t count, std::uint64_t seed) {
  std::vector<float> made(count);
  for (std::size_t i = 0; i < count; ++i)
    made[i] = static_cast<float>(random_bits({seed, 0, 0}, 0, static_cast<std::uint32_t>(i)) % 1000) / 1000;
  return made;
}

struct version_speed {
  std::string name;
  double scanned_per_s = 0, products_per_s = 0, wide_products_per_s = 0;  // vectors
};

// A step that every version shares, as it was and as it is.
struct step_speed {
  std::string name, before, now;
  double before_per_s = 0, now_per_s = 0;
  std::uint64_t wrong = 0;  // results that differ
};

class scan_bench {
public:
  scan_bench(const bench_scans_options& options, const console& io)
      : io_(io),
        parts_(2 * options.code_bytes),
        columns_(row_layout::padded(options.columns)),
        codes_(drawn_bytes(blocks * block_bytes(parts_), 256, 1)),
        table_(drawn_bytes(parts_ * part_entries, static_cast<std::uint32_t>(entry_limit(parts_)) + 1, 2)),
        bytes_(drawn_bytes(rows * columns_, 256, 3)),
        query_(columns_, 100),
        wide_(rows * columns_) {
    for (std::size_t i = 0; i < wide_.size(); ++i) wide_[i] = static_cast<std::int16_t>(bytes_[i] * 16 - 2040);
  }

  version_speed measure(const scan_kernels& kernels) const {
    version_speed found{kernels.name};
    std::vector<std::uint16_t> sums(blocks * block_vectors);
    std::vector<std::uint32_t> hits(blocks);
    // A threshold that few exceed, as in a search.
    const int threshold = entry_limit(parts_) * static_cast<int>(parts_) * 3 / 5;
    found.scanned_per_s = per_s(blocks * block_vectors,
                                [&] { kernels.scan(codes_.data(), blocks, table_.data(), parts_, threshold, sums.data(), hits.data()); });
    const auto* narrow = reinterpret_cast<const std::int8_t*>(bytes_.data());
    found.products_per_s = per_s(rows, [&] {
      for (std::size_t r = 0; r < rows; ++r) used_ = used_ + kernels.dot(query_.data(), narrow + r * columns_, columns_);
    });
    found.wide_products_per_s = per_s(rows, [&] {
      for (std::size_t r = 0; r < rows; ++r) used_ = used_ + kernels.dot_wide(query_.data(), wide_.data() + r * columns_, columns_);
    });
    return found;
  }

  step_speed measure_selection() const {
    std::vector<hit> hits(candidates), held_hits;
    std::vector<ranked_key> keys(candidates), held_keys;
    for (std::uint32_t row = 0; row < candidates; ++row) {
      hits[row] = {row, static_cast<float>(random_bits({4, 0, 0}, 0, row) % 1000)};
      keys[row] = key_of(hits[row]);
    }
    step_speed found{"best 256 of 512 hits", "structs", "numbers"};
    found.before_per_s = per_s(1, [&] {
      held_hits = hits;
      std::nth_element(held_hits.begin(), held_hits.begin() + candidates / 2 - 1, held_hits.end(), better);
    });
    found.now_per_s = per_s(1, [&] {
      held_keys = keys;
      keep_best(held_keys, candidates / 2);
    });
    held_hits.resize(candidates / 2);
    std::sort(held_hits.begin(), held_hits.end(), better);
    const auto sorted = sorted_hits(held_keys);
    for (std::size_t i = 0; i < sorted.size(); ++i) found.wrong += sorted[i] == held_hits[i] ? 0 : 1;
    return found;
  }

  step_speed measure_rotation() const {
    const std::vector<float> axes = drawn_floats(columns_ * columns_, 5), queries = drawn_floats(rotated_together * columns_, 6);
    std::vector<float> turned(queries.size()), together(queries.size());
    const auto all = view_of(queries.data(), static_cast<std::int64_t>(rotated_together), static_cast<std::int64_t>(columns_));
    step_speed found{"queries turned", "one by one", "four together"};
    found.before_per_s = per_s(rotated_together, [&] {
      for (std::size_t q = 0; q < rotated_together; ++q)
        rotate(axes, columns_, queries.data() + q * columns_, turned.data() + q * columns_);
    });
    found.now_per_s = per_s(rotated_together, [&] { rotate(axes, all, together.data()); });
    for (std::size_t i = 0; i < turned.size(); ++i) found.wrong += turned[i] == together[i] ? 0 : 1;
    return found;
  }

private:
  template <class Work>
  double per_s(std::size_t vectors, Work work) const {
    std::vector<double> seconds;
    for (int i = 0; i < repeats; ++i) {
      const steady_time start = io_.clock.now();
      for (int times = 0; times < 20; ++times) work();
      seconds.push_back(seconds_between(start, io_.clock.now()) / 20);
    }
    return static_cast<double>(vectors) / timing_of(seconds).median;
  }

  const console& io_;
  std::size_t parts_, columns_;
  std::vector<std::uint8_t> codes_, table_, bytes_;
  std::vector<std::int16_t> query_, wide_;
  mutable std::int64_t used_ = 0;  // so that no product is left out
};

void print_table(const std::vector<version_speed>& all, std::ostream& out) {
  const version_speed& plain = all.back();
  text_table table;
  table.add({"", "codes scanned/s", "8-bit rows/s", "12-bit rows/s", "times the plain version"});
  const auto times = [](double a, double b) { return fixed(a / b, 1); };
  for (const version_speed& one : all)
    table.add({one.name, grouped(static_cast<std::uint64_t>(one.scanned_per_s)), grouped(static_cast<std::uint64_t>(one.products_per_s)),
               grouped(static_cast<std::uint64_t>(one.wide_products_per_s)),
               times(one.scanned_per_s, plain.scanned_per_s) + ", " + times(one.products_per_s, plain.products_per_s) + ", " +
                   times(one.wide_products_per_s, plain.wide_products_per_s)});
  table.print(out);
}

void print_steps(const std::vector<step_speed>& steps, std::ostream& out) {
  text_table table;
  table.add({"a second", "before", "now", "times", "wrong"});
  for (const step_speed& one : steps) {
    table.add({one.name, grouped(static_cast<std::uint64_t>(one.before_per_s)) + " (" + one.before + ")",
               grouped(static_cast<std::uint64_t>(one.now_per_s)) + " (" + one.now + ")", fixed(one.now_per_s / one.before_per_s, 1),
               grouped(one.wrong)});
  }
  table.print(out);
}

}  // namespace

status run_bench_scans(const bench_scans_options& options, const console& io) {
  if (options.code_bytes % 4 != 0)
    return {errc::invalid_argument, "--code-bytes: want a multiple of 4, got " + std::to_string(options.code_bytes)};
  const scan_bench bench(options, io);
  std::vector<version_speed> all;
  for (const scan_kernels& kernels : available_scan_kernels()) all.push_back(bench.measure(kernels));
  const std::vector<step_speed> steps{bench.measure_selection(), bench.measure_rotation()};
  if (!options.json) {
    io.out << options.code_bytes << " bytes of codes, " << options.columns << " columns, all in cache, one thread\n";
    print_table(all, io.out);
    print_steps(steps, io.out);
    return {};
  }
  auto versions = nlohmann::ordered_json::array();
  for (const version_speed& one : all)
    versions.push_back({{"name", one.name},
                        {"codes_per_s", one.scanned_per_s},
                        {"rows_8_bit_per_s", one.products_per_s},
                        {"rows_12_bit_per_s", one.wide_products_per_s}});
  auto shared = nlohmann::ordered_json::array();
  for (const step_speed& one : steps)
    shared.push_back({{"name", one.name}, {"before_per_s", one.before_per_s}, {"now_per_s", one.now_per_s}, {"wrong", one.wrong}});
  const nlohmann::ordered_json object{
      {"code_bytes", options.code_bytes}, {"columns", options.columns}, {"versions", std::move(versions)}, {"steps", std::move(shared)}};
  io.out << object.dump(2) << '\n';
  return {};
}

}  // namespace argosy
