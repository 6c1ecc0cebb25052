// The one container of every binary file Argosy writes, but weights (safetensors): named arrays behind a FlatBuffers header.
//     preamble (64 bytes) | sections | header
// Preamble  magic "ARGOSY\r\n", container version, where the header lies, its length and xxh3, the xxh3 of the preamble itself.
// Header    container.fbs: kind, version of that kind, sections with name, element type, offset, bytes, xxh3 of each block of 1 MiB.
//           It ends the file, since a writer that streams knows it last.
// All little-endian; sections and header start at multiples of 64, without gaps but the padding, which is zero. Byte by byte: FORMATS.md.
// Reading   memory-mapped. open() verifies magic, versions, both checksums, and that the sections fill the file exactly;
//           the bytes of a section are verified block by block on first touch, or all at once, padding too, by verify().
// Threads   a reader may be shared; a writer belongs to one thread.
// Errors    corrupt and version_mismatch name file, section, offset, what was expected and what was found; a container of another
//           kind is an invalid_argument.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace argosy {

class partial_file;

enum class element : std::uint8_t { u8, u16, u32, u64, i32, i64, f32, f64 };
template <class T>
inline constexpr element element_of = element::u8;
template <>
inline constexpr element element_of<std::uint16_t> = element::u16;
template <>
inline constexpr element element_of<std::uint32_t> = element::u32;
template <>
inline constexpr element element_of<std::uint64_t> = element::u64;
template <>
inline constexpr element element_of<std::int32_t> = element::i32;
template <>
inline constexpr element element_of<std::int64_t> = element::i64;
template <>
inline constexpr element element_of<float> = element::f32;
template <>
inline constexpr element element_of<double> = element::f64;

struct file_kind {
  std::string_view name;  // "products", "index-flat", ...; every one is listed in FORMATS.md
  std::uint32_t version;  // refused by a reader that knows another
};

constexpr std::size_t size_of(element of) noexcept {
  switch (of) {
    case element::u8: return 1;
    case element::u16: return 2;
    case element::u32:
    case element::i32:
    case element::f32: return 4;
    case element::u64:
    case element::i64:
    case element::f64: return 8;
  }
  return 0;
}
template <class T>
concept storable = sizeof(T) == size_of(element_of<T>);  // so that no struct passes for bytes

// The kind that a container names itself; all of its header is verified.
result<std::string> kind_of(const std::filesystem::path&);

class section_blocks;

class container_reader {
public:
  static result<container_reader> open(const std::filesystem::path&, file_kind expected);

  bool has(std::string_view section) const;
  // The section's elements, verified. Valid while any copy of this reader lives. not_found, corrupt, or
  // shape_mismatch when the section holds another element type.
  template <storable T>
  result<std::span<const T>> section(std::string_view name) const {
    ARGOSY_ASSIGN(const auto bytes, bytes_of(name, element_of<T>));
    return std::span<const T>(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
  }
  // The same without touching the data: verify what is used by touch().
  template <storable T>
  result<std::span<const T>> unverified(std::string_view name) const {
    ARGOSY_ASSIGN(const auto bytes, unverified_bytes(name, element_of<T>));
    return std::span<const T>(reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T));
  }
  // Verifies the blocks that hold [first_byte, first_byte + bytes) of a section, each once in the reader's life.
  status touch(std::string_view section, std::uint64_t first_byte, std::uint64_t bytes) const;
  // The same for many small touches of one section. not_found.
  result<section_blocks> blocks(std::string_view section) const;
  // Verifies every byte of the file.
  status verify() const;
  const std::filesystem::path& path() const noexcept;

private:
  struct mapping;
  friend result<std::string> kind_of(const std::filesystem::path&);
  explicit container_reader(std::shared_ptr<const mapping>);
  result<std::span<const std::byte>> bytes_of(std::string_view, element) const;
  result<std::span<const std::byte>> unverified_bytes(std::string_view, element) const;
  std::shared_ptr<const mapping> mapping_;
};

// Verifies the blocks of one section as they are touched, each once in the life of its reader and its copies; cheap once they are.
class section_blocks {
public:
  // REQUIRES the range to lie within the section, here and below.
  bool verified(std::uint64_t first_byte, std::uint64_t bytes) const noexcept {
    if (bytes == 0) return true;
    for (std::uint64_t block = first_byte >> shift_; block <= (first_byte + bytes - 1) >> shift_; ++block) {
      if (!flags_[block].load(std::memory_order_acquire)) return false;
    }
    return true;
  }
  status touch(std::uint64_t first_byte, std::uint64_t bytes) const {
    return verified(first_byte, bytes) ? status{} : reader_.touch(section_, first_byte, bytes);
  }

private:
  friend class container_reader;
  section_blocks(container_reader reader, std::string_view section, const std::atomic<bool>* flags, int shift)
      : reader_(std::move(reader)), section_(section), flags_(flags), shift_(shift) {}
  container_reader reader_;
  std::string_view section_;
  const std::atomic<bool>* flags_;
  int shift_;  // of a byte to its block
};

// Streams sections to `PATH.partial-PID-N`, in any size of pieces; finish() writes the header, fsyncs and renames. Until then, and after
// any failure, nothing stands under the final name but what stood there before. The first failure is repeated by all later calls.
class container_writer {
public:
  static result<container_writer> create(const std::filesystem::path&, file_kind);
  // Into memory instead; `name` stands in errors of writing. finish() leaves it to be opened with reader().
  static result<container_writer> in_memory(const std::string& name, file_kind);
  container_writer(container_writer&&) noexcept;
  container_writer& operator=(container_writer&&) noexcept;
  ~container_writer();

  // begin, append any number of times, and so on with the next section; or add() for all at once.
  status begin(std::string_view section, element);
  status append(std::span<const std::byte>);
  template <storable T>
  status append(std::span<const T> elements) {
    return append(std::as_bytes(elements));
  }
  template <storable T>
  status add(std::string_view section, std::span<const T> elements) {
    ARGOSY_TRY(begin(section, element_of<T>));
    return append(std::as_bytes(elements));
  }
  status finish();
  // REQUIRES one in memory, finished. The reader lives on by itself.
  result<container_reader> reader() const;

private:
  struct state;
  static result<container_writer> begin_with(partial_file, file_kind);
  explicit container_writer(std::unique_ptr<state>);
  std::unique_ptr<state> state_;
};

}  // namespace argosy
