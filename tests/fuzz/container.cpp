// The container of every file, with its checksums put right, so that what lies behind them is reached.
#include "schema/container.hpp"

#include "schema/container_format.hpp"
#include "schema/container_generated.h"
#include "schema/folder.hpp"
#include "tests/fuzz/files.hpp"

namespace argosy::fuzz {
namespace {

std::span<const std::byte> header_of(std::span<const std::byte> file, const container_preamble& preamble) {
  // The reader takes no other offset; and FlatBuffers reads in place.
  if (preamble.header_offset > file.size() || preamble.header_offset % 64 != 0) return {};
  return file.subspan(preamble.header_offset);
}

const schema::container* verified(std::span<const std::byte> header) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(header.data());
  flatbuffers::Verifier verifier(data, header.size());
  return !header.empty() && schema::VerifycontainerBuffer(verifier) ? schema::Getcontainer(data) : nullptr;
}

// Into the header, where they stand: a hostile header may have them lie over its other fields, so these are read before.
void mend_blocks(const schema::section& of, std::span<const std::byte> file) {
  const std::uint64_t offset = of.offset(), bytes = of.bytes();
  if (of.block_xxh3() == nullptr || offset > file.size() || bytes > file.size() - offset) return;
  auto* sums = const_cast<std::uint8_t*>(of.block_xxh3()->Data());
  const std::uint64_t blocks =
      std::min<std::uint64_t>(of.block_xxh3()->size(), (bytes + container_block_bytes - 1) / container_block_bytes);
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const std::uint64_t first = block * container_block_bytes;
    const std::uint64_t sum = xxh3(file.subspan(offset + first, std::min(container_block_bytes, bytes - first)));
    std::memcpy(sums + block * sizeof(sum), &sum, sizeof(sum));
  }
}

void mend(bytes& file) {
  container_preamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  const auto header = header_of(file, preamble);
  // Verified anew for each section, since what was written for the one before may have changed it.
  const schema::container* read = nullptr;
  for (unsigned section = 0; (read = verified(header)) != nullptr && section < read->sections()->size(); ++section)
    mend_blocks(*read->sections()->Get(section), file);
  preamble.header_bytes = header.size();
  preamble.header_xxh3 = xxh3(header);
  preamble.preamble_xxh3 = xxh3(std::as_bytes(std::span(&preamble, 1)).first(offsetof(container_preamble, preamble_xxh3)));
  std::memcpy(file.data(), &preamble, sizeof(preamble));
}

template <class T>
void check_section(const container_reader& file, const std::string& name, bool whole) {
  const auto read = file.section<T>(name);
  ARGOSY_CHECK(read.ok() || !whole || read.failure().code() == errc::shape_mismatch);
  if (read.ok()) ARGOSY_CHECK(xxh3(std::as_bytes(*read)) == xxh3(std::as_bytes(*file.unverified<T>(name))));
}

void check(const container_reader& file, const schema::container& header) {
  const bool whole = file.verify().ok();
  for (const schema::section* section : *header.sections()) {
    const std::string name = section->name()->str();
    ARGOSY_CHECK(file.has(name));
    check_section<std::uint8_t>(file, name, whole);
    check_section<float>(file, name, whole);
    check_section<std::uint64_t>(file, name, whole);
    ARGOSY_CHECK(file.touch(name, section->bytes(), 1).code() == errc::out_of_range);
    if (section->bytes() > 0 && whole) ARGOSY_CHECK(required(file.blocks(name)).touch(section->bytes() - 1, 1).ok());
  }
}

void take(std::span<const std::byte> input) {
  const std::filesystem::path path = folder() / "container";
  bytes file(input.begin(), input.end());
  if (file.size() >= sizeof(container_preamble)) mend(file);
  write_file(path, file);
  const auto kind = kind_of(path);
  if (!kind.ok()) return;
  container_preamble preamble;
  std::memcpy(&preamble, file.data(), sizeof(preamble));
  const auto* header = verified(header_of(file, preamble));
  ARGOSY_CHECK(header != nullptr);
  check(required(container_reader::open(path, {*kind, header->version()})), *header);
  ARGOSY_CHECK(!container_reader::open(path, {"another kind", header->version()}).ok());
}

std::vector<bytes> seeds() {
  const std::filesystem::path path = folder() / "seed";
  auto writer = required(container_writer::create(path, {"numbers", 3}));
  const float numbers[] = {1, -2.5f, 1e30f};
  const std::uint64_t offsets[] = {0, 3};
  require(writer.add("text", std::span<const char>("abc", 3)));
  require(writer.add("numbers", std::span<const float>(numbers)));
  require(writer.add("offsets", std::span<const std::uint64_t>(offsets)));
  require(writer.begin("nothing", element::u8));
  require(writer.finish());
  return {bytes_of(required(read_file(path, 1 << 20)))};
}

const registered one({"container", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
