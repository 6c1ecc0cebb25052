#include "base/check.hpp"
#include "index/terms_file.hpp"

namespace argosy {

terms::terms(std::shared_ptr<const impl> opened) : impl_(std::move(opened)) {}

result<terms> terms::open(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(auto file, container_reader::open(path, terms_kind));
  ARGOSY_ASSIGN(auto opened, impl::open(std::move(file)));
  return terms(std::move(opened));
}

result<terms> terms::make(const terms_source& source, const text_rules& rules) {
  ARGOSY_ASSIGN(auto writer, container_writer::in_memory("terms in memory", terms_kind));
  ARGOSY_TRY(write_terms(writer, source, rules));
  ARGOSY_ASSIGN(auto file, writer.reader());
  ARGOSY_ASSIGN(auto opened, impl::open(std::move(file)));
  return terms(std::move(opened));
}

status terms::verify() const { return impl_->file.verify(); }
std::size_t terms::rows() const noexcept { return impl_->rows; }
std::size_t terms::fields() const noexcept { return impl_->field_name.size(); }

std::string_view terms::field_name(std::uint32_t field) const {
  ARGOSY_CHECK(field < fields());
  return impl_->field_name[field];
}

field_kind terms::kind_of(std::uint32_t field) const {
  ARGOSY_CHECK(field < fields());
  return static_cast<field_kind>(impl_->field_kinds[field]);
}

std::string_view terms::value_text(std::uint32_t value) const {
  ARGOSY_CHECK(value < impl_->value_text.size());
  return impl_->value_text[value];
}

}  // namespace argosy
