#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "schema/container.hpp"
#include "schema/container_format.hpp"
#include "schema/container_generated.h"
#include "schema/folder.hpp"
#include "schema/partial.hpp"

namespace argosy {
namespace {

struct written_section {
  std::string name;
  argosy::element type;
  std::uint64_t offset = 0, bytes = 0;
  std::vector<std::uint64_t> block_xxh3;
};

std::span<const std::byte> bytes_of_preamble(const container_preamble& preamble) { return std::as_bytes(std::span(&preamble, 1)); }

}  // namespace

struct container_writer::state {
  partial_file file;
  std::string kind;
  std::uint32_t version;
  std::vector<written_section> sections = {};
  std::vector<std::byte> block = {};  // of the open section, not yet written
  bool finished = false;
  status failure = {};

  status begin(std::string_view name, element type);
  status append(std::span<const std::byte>);
  status finish();

private:
  status write_block();
  status end_section();
  status pad();
  flatbuffers::DetachedBuffer header() const;
};

status container_writer::state::begin(std::string_view name, element type) {
  ARGOSY_TRY(end_section());
  const bool taken = std::any_of(sections.begin(), sections.end(), [&](const auto& section) { return section.name == name; });
  if (taken) return {errc::invalid_argument, file.target().string() + ": section " + std::string(name) + " is written twice"};
  ARGOSY_TRY(pad());
  sections.push_back({std::string(name), type, file.bytes(), 0, {}});
  return {};
}

status container_writer::state::append(std::span<const std::byte> bytes) {
  ARGOSY_CHECK(!sections.empty());
  while (!bytes.empty()) {
    const auto take = std::min<std::size_t>(bytes.size(), container_block_bytes - block.size());
    block.insert(block.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(take));
    bytes = bytes.subspan(take);
    if (block.size() == container_block_bytes) ARGOSY_TRY(write_block());
  }
  return {};
}

status container_writer::state::write_block() {
  sections.back().block_xxh3.push_back(xxh3(block));
  sections.back().bytes += block.size();
  ARGOSY_TRY(file.append(block));
  block.clear();
  return {};
}

status container_writer::state::end_section() {
  if (sections.empty()) return {};
  if (!block.empty()) ARGOSY_TRY(write_block());
  const auto& section = sections.back();
  if (section.bytes % size_of(section.type) == 0) return {};
  return {errc::invalid_argument, file.target().string() + ": section " + section.name + ": want a multiple of " +
                                      std::to_string(size_of(section.type)) + " bytes, got " + std::to_string(section.bytes)};
}

status container_writer::state::pad() {
  const std::vector<std::byte> zeros(aligned(file.bytes()) - file.bytes());
  return file.append(zeros);
}

flatbuffers::DetachedBuffer container_writer::state::header() const {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<schema::section>> list;
  for (const auto& section : sections) {
    list.push_back(schema::CreatesectionDirect(builder, section.name.c_str(), static_cast<std::uint8_t>(section.type), section.offset,
                                               section.bytes, &section.block_xxh3));
  }
  builder.Finish(schema::CreatecontainerDirect(builder, kind.c_str(), version, container_block_bytes, &list));
  return builder.Release();
}

status container_writer::state::finish() {
  ARGOSY_TRY(end_section());
  ARGOSY_TRY(pad());
  const auto buffer = header();
  const auto bytes = std::as_bytes(std::span(buffer.data(), buffer.size()));
  if (bytes.size() > container_header_limit) {
    return {errc::out_of_range, file.target().string() + ": a header of " + std::to_string(bytes.size()) +
                                    " bytes is beyond the limit of " + std::to_string(container_header_limit)};
  }
  container_preamble preamble{.header_offset = file.bytes(), .header_bytes = bytes.size(), .header_xxh3 = xxh3(bytes)};
  preamble.preamble_xxh3 = xxh3(bytes_of_preamble(preamble).first(offsetof(container_preamble, preamble_xxh3)));
  ARGOSY_TRY(file.append(bytes));
  ARGOSY_TRY(file.write_at(0, bytes_of_preamble(preamble)));
  ARGOSY_TRY(file.commit());
  finished = true;
  return {};
}

container_writer::container_writer(std::unique_ptr<state> made) : state_(std::move(made)) {}
container_writer::container_writer(container_writer&&) noexcept = default;
container_writer& container_writer::operator=(container_writer&&) noexcept = default;
container_writer::~container_writer() = default;

result<container_writer> container_writer::create(const std::filesystem::path& path, file_kind kind) {
  ARGOSY_ASSIGN(auto file, partial_file::create(path));
  return begin_with(std::move(file), kind);
}

result<container_writer> container_writer::in_memory(const std::string& name, file_kind kind) {
  ARGOSY_ASSIGN(auto file, partial_file::in_memory(name));
  return begin_with(std::move(file), kind);
}

result<container_reader> container_writer::reader() const {
  ARGOSY_CHECK(state_ && state_->finished);
  return container_reader::open(state_->file.opened_at(), {state_->kind, state_->version});
}

result<container_writer> container_writer::begin_with(partial_file file, file_kind kind) {
  const std::array<std::byte, sizeof(container_preamble)> unwritten = {};
  ARGOSY_TRY(file.append(unwritten));
  auto made = std::make_unique<state>(state{std::move(file), std::string(kind.name), kind.version});
  made->block.reserve(container_block_bytes);
  return container_writer(std::move(made));
}

status container_writer::begin(std::string_view name, element type) {
  ARGOSY_CHECK(state_ && !state_->finished);
  if (state_->failure.ok()) state_->failure = state_->begin(name, type);
  return state_->failure;
}

status container_writer::append(std::span<const std::byte> bytes) {
  ARGOSY_CHECK(state_ && !state_->finished);
  if (state_->failure.ok()) state_->failure = state_->append(bytes);
  return state_->failure;
}

status container_writer::finish() {
  ARGOSY_CHECK(state_ && !state_->finished);
  if (state_->failure.ok()) state_->failure = state_->finish();
  return state_->failure;
}

}  // namespace argosy
