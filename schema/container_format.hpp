// The preamble of a container, as FORMATS.md gives it. Not for other rooms.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace argosy {

static_assert(std::endian::native == std::endian::little, "files are little-endian and are mapped as they are");

inline constexpr std::array<char, 8> container_magic = {'A', 'R', 'G', 'O', 'S', 'Y', '\r', '\n'};
inline constexpr std::uint32_t container_version = 1;
inline constexpr std::uint64_t section_alignment = 64;
inline constexpr std::uint64_t container_block_bytes = 1 << 20;
inline constexpr std::uint64_t container_header_limit = 1 << 30;  // FlatBuffers end at 2^31

struct container_preamble {
  std::array<char, 8> magic = container_magic;
  std::uint32_t version = container_version;
  std::uint32_t zero = 0;
  std::uint64_t header_offset = 0;
  std::uint64_t header_bytes = 0;
  std::uint64_t header_xxh3 = 0;
  std::array<std::uint64_t, 2> zeros = {};
  std::uint64_t preamble_xxh3 = 0;  // of the 56 bytes before it
};
static_assert(sizeof(container_preamble) == 64);

constexpr std::uint64_t aligned(std::uint64_t offset) noexcept {
  return (offset + section_alignment - 1) / section_alignment * section_alignment;
}
constexpr std::uint64_t blocks_of(std::uint64_t bytes, std::uint64_t block) noexcept {
  return bytes / block + (bytes % block != 0 ? 1 : 0);
}

}  // namespace argosy
