// A shard of the pair table.
#include "index/pair_table.hpp"

#include "index/pair_file_format.hpp"
#include "tests/fuzz/files.hpp"

namespace argosy::fuzz {
namespace {

constexpr section_type sections[] = {{"facts", element::u64}, {"slot", element::u64}, {"answer"}};

pair_key key_of(std::uint32_t i) { return {i * 0x10000001u, i * std::uint64_t{0x9E3779B97F4A7C15}}; }

void check_answer(const std::vector<hit>& hits, const pair_subject& about, std::size_t most) {
  ARGOSY_CHECK(hits.size() <= most);
  for (const hit& one : hits) ARGOSY_CHECK(one.row < about.products);
}

void take(std::span<const std::byte> input) {
  write_container(folder() / "pairs", pair_file_kind, sections, input);
  const auto opened = pair_file::open(folder() / "pairs");
  if (!opened.ok()) return;
  require(opened->verify());
  std::vector<hit> hits;
  for (std::uint32_t i = 0; i < 16; ++i) {
    const auto found = opened->find(key_of(i), 3, hits);
    if (found.ok() && *found) check_answer(hits, opened->subject(), 3);
    if (!found.ok() || !*found) ARGOSY_CHECK(hits.empty());
  }
  static_cast<void>(opened->for_each([&](pair_key, std::vector<hit>& all) {
    check_answer(all, opened->subject(), opened->subject().k);
    return status{};
  }));
  require(opened->warm());
}

std::vector<bytes> seeds() {
  const pair_subject about{100, 7, 5};
  auto writer = required(pair_file_writer::create(folder() / "seed", {0, 1}, about));
  for (std::uint32_t i = 0; i < 12; ++i) {
    std::vector<hit> hits;
    for (std::uint32_t j = 0; j < i % 6; ++j) hits.push_back({i * 7 + j, 1.0f - 0.1f * static_cast<float>(j)});
    bytes answer;
    require(encode_answer(hits, about.products, answer));
    require(writer.add(key_of(i), answer));
  }
  require(writer.finish());
  return {input_of(folder() / "seed", pair_file_kind, sections)};
}

const registered one({"pair_table", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
