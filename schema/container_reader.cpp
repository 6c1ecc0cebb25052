#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "schema/container.hpp"
#include "schema/container_format.hpp"
#include "schema/container_generated.h"
#include "schema/folder.hpp"
#include "schema/partial.hpp"

namespace argosy {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t blocks_ahead = 8;  // ours: being read from the disk while one is verified

std::string_view name_of(element of) {
  constexpr std::string_view names[] = {"u8", "u16", "u32", "u64", "i32", "i64", "f32", "f64"};
  return names[static_cast<std::size_t>(of)];
}

std::string in_quotes(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) text += c >= ' ' && c <= '~' ? std::string(1, c) : "\\x" + hex_text(static_cast<std::uint8_t>(c)).substr(14);
  return text + "\"";
}

struct difference {
  std::string_view what;
  std::uint64_t offset;
  std::string want, found;
};

status unlike(errc code, const fs::path& path, const difference& of) {
  return {code, path.string() + ": offset " + std::to_string(of.offset) + ": " + std::string(of.what) + ": want " + of.want + ", found " +
                    of.found};
}

status expect(const fs::path& path, std::string_view what, std::uint64_t offset, std::uint64_t want, std::uint64_t found) {
  if (want == found) return {};
  return unlike(errc::corrupt, path, {what, offset, std::to_string(want), std::to_string(found)});
}

status expect_hash(const fs::path& path, std::string_view what, std::uint64_t offset, std::uint64_t want, std::uint64_t found) {
  if (want == found) return {};
  return unlike(errc::corrupt, path, {what, offset, "xxh3 " + hex_text(want), "xxh3 " + hex_text(found)});
}

struct mapped_section {
  std::string name;
  element type = element::u8;
  std::uint64_t offset = 0, bytes = 0;
  std::vector<std::uint64_t> block_xxh3;
  std::unique_ptr<std::atomic<bool>[]> verified = {};  // by block
};

}  // namespace

struct container_reader::mapping {
  fs::path path;
  std::span<const std::byte> file;
  std::string kind;
  std::uint32_t version = 0;
  std::uint64_t block_bytes = 0;
  std::uint64_t header_offset = 0;
  std::vector<mapped_section> sections;

  mapping() = default;
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;
  ~mapping() {
    if (!file.empty()) ::munmap(const_cast<std::byte*>(file.data()), file.size());
  }

  static result<std::shared_ptr<mapping>> open(const fs::path&);
  status map();
  result<container_preamble> preamble() const;
  status read_header(const container_preamble&);
  status take_sections(const schema::container&);
  status take_section(const schema::section&, std::uint64_t offset);
  status check_end(const container_preamble&) const;
  result<const mapped_section*> find(std::string_view name) const;
  status verify_block(const mapped_section&, std::uint64_t block) const;
  void ask_for_block(const mapped_section&, std::uint64_t block) const noexcept;
  status verify_blocks(const mapped_section&, std::uint64_t first, std::uint64_t end) const;
  status verify_padding(std::uint64_t first, std::uint64_t end) const;
  std::uint64_t end_of_sections() const {
    return sections.empty() ? sizeof(container_preamble) : sections.back().offset + sections.back().bytes;
  }
};

status container_reader::mapping::map() {
  std::uint64_t bytes = 0;
  ARGOSY_ASSIGN(const auto descriptor, open_to_read(path, &bytes));
  if (bytes < sizeof(container_preamble)) {
    return unlike(
        errc::corrupt, path,
        {"end of file", bytes, "at least " + std::to_string(sizeof(container_preamble)) + " bytes", std::to_string(bytes) + " bytes"});
  }
  void* mapped = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor.get(), 0);
  if (mapped == MAP_FAILED) return system_failure(path, "mmap", errno);
  file = {static_cast<const std::byte*>(mapped), bytes};
  return {};
}

result<container_preamble> container_reader::mapping::preamble() const {
  container_preamble found;
  std::memcpy(&found, file.data(), sizeof(found));
  if (found.magic != container_magic) {
    return unlike(errc::corrupt, path, {"magic", 0, in_quotes({container_magic.data(), 8}), in_quotes({found.magic.data(), 8})});
  }
  constexpr auto hash_at = offsetof(container_preamble, preamble_xxh3);
  ARGOSY_TRY(expect_hash(path, "preamble", 0, found.preamble_xxh3, xxh3(file.first(hash_at))));
  if (found.version != container_version) {
    return unlike(
        errc::version_mismatch, path,
        {"container version", offsetof(container_preamble, version), std::to_string(container_version), std::to_string(found.version)});
  }
  return found;
}

status container_reader::mapping::check_end(const container_preamble& found) const {
  constexpr auto offset_at = offsetof(container_preamble, header_offset), bytes_at = offsetof(container_preamble, header_bytes);
  if (found.header_bytes > container_header_limit) {
    return unlike(errc::corrupt, path,
                  {"header bytes", bytes_at, "at most " + std::to_string(container_header_limit), std::to_string(found.header_bytes)});
  }
  if (found.header_offset > file.size() || found.header_offset % section_alignment != 0) {
    return unlike(errc::corrupt, path,
                  {"header offset", offset_at, "a multiple of 64 within the " + std::to_string(file.size()) + " bytes of the file",
                   std::to_string(found.header_offset)});
  }
  return expect(path, "end of file", file.size(), found.header_offset + found.header_bytes, file.size());
}

status container_reader::mapping::read_header(const container_preamble& found) {
  ARGOSY_TRY(check_end(found));
  header_offset = found.header_offset;
  const auto bytes = file.subspan(found.header_offset);
  ARGOSY_TRY(expect_hash(path, "header", header_offset, found.header_xxh3, xxh3(bytes)));
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (!schema::VerifycontainerBuffer(verifier)) {
    return unlike(errc::corrupt, path, {"header", header_offset, "a FlatBuffers container", "something else"});
  }
  return take_sections(*schema::Getcontainer(bytes.data()));
}

status container_reader::mapping::take_sections(const schema::container& header) {
  kind = header.kind()->str();
  version = header.version();
  block_bytes = header.block_bytes();
  ARGOSY_TRY(expect(path, "block bytes", header_offset, container_block_bytes, block_bytes));
  for (const auto* section : *header.sections()) ARGOSY_TRY(take_section(*section, aligned(end_of_sections())));
  return expect(path, "end of the last section, padded", header_offset, header_offset, aligned(end_of_sections()));
}

status container_reader::mapping::take_section(const schema::section& given, std::uint64_t offset) {
  const std::string name = given.name()->str();
  const auto expect_here = [&](std::string_view what, std::uint64_t want, std::uint64_t found) {
    return expect(path, "section " + in_quotes(name) + ": " + std::string(what), header_offset, want, found);
  };
  const bool known = given.element() <= static_cast<std::uint8_t>(element::f64);
  if (!known) return expect_here("element type, at most", static_cast<std::uint8_t>(element::f64), given.element());
  const auto type = static_cast<element>(given.element());
  ARGOSY_TRY(expect_here("offset", offset, given.offset()));
  if (offset > header_offset || given.bytes() > header_offset - offset) {
    return expect_here("bytes, at most", header_offset - std::min(offset, header_offset), given.bytes());
  }
  ARGOSY_TRY(expect_here("bytes beyond whole elements", 0, given.bytes() % size_of(type)));
  const auto blocks = blocks_of(given.bytes(), block_bytes);
  ARGOSY_TRY(expect_here("checksums of blocks", blocks, given.block_xxh3() == nullptr ? 0 : given.block_xxh3()->size()));
  if (find(name).ok()) return expect_here("times it is there", 1, 2);
  mapped_section taken{name, type, offset, given.bytes(), {}, std::make_unique<std::atomic<bool>[]>(blocks)};
  if (blocks != 0) taken.block_xxh3.assign(given.block_xxh3()->begin(), given.block_xxh3()->end());
  sections.push_back(std::move(taken));
  return {};
}

result<std::shared_ptr<container_reader::mapping>> container_reader::mapping::open(const fs::path& path) {
  auto made = std::make_shared<mapping>();
  made->path = path;
  ARGOSY_TRY(made->map());
  ARGOSY_ASSIGN(const auto found, made->preamble());
  ARGOSY_TRY(made->read_header(found));
  return made;
}

result<const mapped_section*> container_reader::mapping::find(std::string_view name) const {
  for (const auto& section : sections) {
    if (section.name == name) return &section;
  }
  return status(errc::not_found, path.string() + ": no section " + in_quotes(name));
}

status container_reader::mapping::verify_block(const mapped_section& section, std::uint64_t block) const {
  const auto first = block * block_bytes;
  const auto bytes = file.subspan(section.offset + first, std::min(block_bytes, section.bytes - first));
  return expect_hash(path, "section " + in_quotes(section.name) + ": block " + std::to_string(block), section.offset + first,
                     section.block_xxh3[block], xxh3(bytes));
}

// From the disk, without waiting. What is left to page faults comes in pieces of the disk's read-ahead, one after the other: small ones wait
// many times, and large ones bring much more than this block. The kernel may do as it likes with it.
void container_reader::mapping::ask_for_block(const mapped_section& section, std::uint64_t block) const noexcept {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto first = section.offset + block * block_bytes, end = section.offset + std::min((block + 1) * block_bytes, section.bytes);
  const auto bytes = file.subspan(first / page * page, end - first / page * page);
  static_cast<void>(::madvise(const_cast<std::byte*>(bytes.data()), bytes.size(), MADV_WILLNEED));
}

status container_reader::mapping::verify_blocks(const mapped_section& section, std::uint64_t first, std::uint64_t end) const {
  const auto ask = [&](std::uint64_t block) {
    if (block < end && !section.verified[block].load(std::memory_order_acquire)) ask_for_block(section, block);
  };
  for (auto block = first; block < first + blocks_ahead; ++block) ask(block);
  for (auto block = first; block < end; ++block) {
    ask(block + blocks_ahead);
    if (section.verified[block].load(std::memory_order_acquire)) continue;
    ARGOSY_TRY(verify_block(section, block));
    section.verified[block].store(true, std::memory_order_release);
  }
  return {};
}

status container_reader::mapping::verify_padding(std::uint64_t first, std::uint64_t end) const {
  for (auto at = first; at < end; ++at) ARGOSY_TRY(expect(path, "padding", at, 0, std::to_integer<std::uint64_t>(file[at])));
  return {};
}

container_reader::container_reader(std::shared_ptr<const mapping> made) : mapping_(std::move(made)) {}

result<container_reader> container_reader::open(const fs::path& path, file_kind expected) {
  ARGOSY_ASSIGN(const auto made, mapping::open(path));
  if (made->kind != expected.name) {
    return unlike(errc::invalid_argument, path, {"kind", made->header_offset, in_quotes(expected.name), in_quotes(made->kind)});
  }
  if (made->version != expected.version) {
    return unlike(
        errc::version_mismatch, path,
        {"version of kind " + in_quotes(made->kind), made->header_offset, std::to_string(expected.version), std::to_string(made->version)});
  }
  return container_reader(made);
}

result<std::string> kind_of(const fs::path& path) {
  ARGOSY_ASSIGN(const auto made, container_reader::mapping::open(path));
  return made->kind;
}

bool container_reader::has(std::string_view section) const { return mapping_->find(section).ok(); }
const fs::path& container_reader::path() const noexcept { return mapping_->path; }

result<std::span<const std::byte>> container_reader::unverified_bytes(std::string_view name, element type) const {
  ARGOSY_ASSIGN(const auto* section, mapping_->find(name));
  if (section->type != type) {
    return unlike(errc::shape_mismatch, mapping_->path,
                  {"section " + in_quotes(name), section->offset, std::string(name_of(type)), std::string(name_of(section->type))});
  }
  return mapping_->file.subspan(section->offset, section->bytes);
}

result<std::span<const std::byte>> container_reader::bytes_of(std::string_view name, element type) const {
  ARGOSY_ASSIGN(const auto bytes, unverified_bytes(name, type));
  ARGOSY_TRY(touch(name, 0, bytes.size()));
  return bytes;
}

status container_reader::touch(std::string_view name, std::uint64_t first_byte, std::uint64_t bytes) const {
  ARGOSY_ASSIGN(const auto* section, mapping_->find(name));
  if (first_byte > section->bytes || bytes > section->bytes - first_byte) {
    return {errc::out_of_range, mapping_->path.string() + ": section " + in_quotes(name) + " of " + std::to_string(section->bytes) +
                                    " bytes: asked for " + std::to_string(bytes) + " from " + std::to_string(first_byte)};
  }
  if (bytes == 0) return {};
  return mapping_->verify_blocks(*section, first_byte / mapping_->block_bytes, (first_byte + bytes - 1) / mapping_->block_bytes + 1);
}

result<section_blocks> container_reader::blocks(std::string_view name) const {
  ARGOSY_ASSIGN(const auto* section, mapping_->find(name));
  return section_blocks(*this, section->name, section->verified.get(), std::countr_zero(mapping_->block_bytes));
}

status container_reader::verify() const {
  ARGOSY_ASSIGN(const auto found, mapping_->preamble());
  ARGOSY_TRY(
      expect_hash(path(), "header", mapping_->header_offset, found.header_xxh3, xxh3(mapping_->file.subspan(mapping_->header_offset))));
  std::uint64_t end = sizeof(container_preamble);
  for (const auto& section : mapping_->sections) {
    ARGOSY_TRY(mapping_->verify_padding(end, section.offset));
    for (std::uint64_t block = 0; block < section.block_xxh3.size(); ++block) ARGOSY_TRY(mapping_->verify_block(section, block));
    end = section.offset + section.bytes;
  }
  return mapping_->verify_padding(end, mapping_->header_offset);
}

}  // namespace argosy
