#include "tools/passing_folder.hpp"

#include "schema/folder.hpp"
#include "schema/partial.hpp"

namespace argosy {

passing_folder::passing_folder(std::unique_ptr<locked_path> folder) : folder_(std::move(folder)) {}
passing_folder::passing_folder(passing_folder&&) noexcept = default;

result<passing_folder> passing_folder::make(const std::filesystem::path& parent, std::string_view name) {
  remove_leftovers(parent / name);
  ARGOSY_ASSIGN(locked_path made, make_partial_folder(parent / name));
  return passing_folder(std::make_unique<locked_path>(std::move(made)));
}

passing_folder::~passing_folder() {
  std::error_code ignored;
  if (folder_) std::filesystem::remove_all(folder_->path, ignored);
}

const std::filesystem::path& passing_folder::path() const noexcept { return folder_->path; }

}  // namespace argosy
