// A shop of a few products in a scratch folder, for tests of preparing and of what follows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/image.hpp"
#include "data/prepared.hpp"
#include "tests/support/folders.hpp"

namespace argosy::test {

class small_shop {
public:
  // Five products; `4` has no image, `5` no title; a log with repeats, so that there are 7 pairs of 4 queries.
  small_shop();

  void catalogue(std::string_view content);
  void log(std::string_view content);
  void image(const std::string& name, std::string_view bytes);

  // The options for its files; `out` is DIR/prepared.
  prepare_options options() const;
  result<prepare_report> prepare() const { return prepare(options()); }
  result<prepare_report> prepare(const prepare_options&) const;
  prepared_data open() const;
  prepared_data prepared() const;

  std::filesystem::path operator/(const std::filesystem::path& name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_.path(); }

private:
  scratch_folder folder_{memory_parent()};
};

// A picture of one colour.
std::string jpeg_of(std::uint8_t grey, int width, int height);
// A valid start of a PNG that says it is this large.
std::string png_header(std::uint32_t width, std::uint32_t height);

struct tar_entry {
  std::string name, content;
};
// In libarchive's name of a format: "ustar", "pax", "gnutar".
void write_tar(const std::filesystem::path&, const std::string& format, bool gzip, const std::vector<tar_entry>&);
void write_gzip(const std::filesystem::path&, std::string_view content);

}  // namespace argosy::test
