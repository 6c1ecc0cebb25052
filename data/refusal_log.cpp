#include "data/refusal_log.hpp"

namespace argosy {
namespace {

// One field of a TSV line: control characters become spaces, what is long is cut.
std::string field(std::string_view text) {
  constexpr std::size_t longest = 300;
  std::string made(text.substr(0, longest));
  for (char& c : made)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  return made;
}

}  // namespace

result<refusal_log> refusal_log::create(const std::filesystem::path& path, bool strict) {
  refusal_log made;
  made.path_ = path;
  made.strict_ = strict;
  made.out_.open(path, std::ios::binary | std::ios::trunc);
  made.out_ << "file\tline\treason\tdetail\n";
  if (!made.out_) return status{errc::io_error, path.string() + ": cannot be written"};
  return made;
}

status refusal_log::refuse(const std::filesystem::path& file, const refusal& why) {
  if (strict_)
    return {errc::invalid_argument,
            file.string() + ":" + std::to_string(why.line) + ": " + why.reason + (why.detail.empty() ? "" : ": " + why.detail)};
  ++counts_[why.reason];
  out_ << field(file.filename().string()) << '\t' << why.line << '\t' << why.reason << '\t' << field(why.detail) << '\n';
  if (!out_) return {errc::io_error, path_.string() + ": cannot be written; is the disk full?"};
  return {};
}

status refusal_log::close() {
  out_.close();
  if (!out_) return {errc::io_error, path_.string() + ": cannot be written; is the disk full?"};
  return {};
}

std::string refusal_log::summary() const {
  std::string text;
  for (const auto& [reason, count] : counts_)
    text.append(text.empty() ? "" : ", ").append(std::to_string(count)).append(" ").append(reason);
  return text.empty() ? "nothing" : text;
}

}  // namespace argosy
