// Damage to files, for tests that every reader notices it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace argosy::test {

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Calls `whole` with each byte of the file inverted in turn, and mends the file. Returns at how many bytes `whole` saw nothing.
template <class Whole>
std::size_t unnoticed_flips(const std::filesystem::path& path, Whole whole) {
  const std::string good = bytes_of_file(path);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);  // in place: truncating and rewriting waits for the disk
  const auto put = [&](std::size_t at, char byte) { file.seekp(static_cast<std::streamoff>(at)).put(byte).flush(); };
  std::size_t unnoticed = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    put(at, static_cast<char>(good[at] ^ 0x20));
    unnoticed += whole() ? 1 : 0;
    put(at, good[at]);
  }
  return unnoticed;
}

// The same for the file cut off at every length.
template <class Whole>
std::size_t unnoticed_cuts(const std::filesystem::path& path, Whole whole) {
  const std::string good = bytes_of_file(path);
  std::size_t unnoticed = 0;
  for (std::size_t length = good.size(); length-- > 0;) {
    std::filesystem::resize_file(path, length);
    unnoticed += whole() ? 1 : 0;
  }
  write_bytes(path, good);
  return unnoticed;
}

}  // namespace argosy::test
