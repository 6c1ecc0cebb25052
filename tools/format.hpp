// Numbers and tables as people read them.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace argosy {

std::string grouped(std::uint64_t);                                                    // 1,234,567
std::string counted(std::uint64_t, std::string_view one, std::string_view many = {});  // 1 query, 2 queries; many: one with an s
std::string fixed(double, int decimals);                                               // 0.893
std::string duration_text(double seconds);                                             // 2.4 s, 3 min 20 s, 1 h 05 min
std::string bytes_text(std::uint64_t);                                                 // 812 B, 3.4 MB
std::string_view first_letters(std::string_view utf8, std::size_t letters) noexcept;

// Columns as wide as their widest cell. The first column is flush left, the others right, and so is the last one when told.
class text_table {
public:
  explicit text_table(bool last_is_text = false) : last_is_text_(last_is_text) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  void print(std::ostream&) const;

private:
  std::vector<std::size_t> widths() const;
  bool last_is_text_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace argosy
