// terms::names_in: restricted names in the words of a query.
#include "index/names.hpp"
#include "index/terms_file.hpp"

namespace argosy {
namespace {

// The values of one field that a name stands for.
struct target {
  std::uint32_t field = 0;
  index_range at;
  float evidence = 0;
};

// The first field's of enough evidence.
std::optional<target> target_of(const terms::impl& of, std::string_view name, float least_evidence) {
  const auto found = terms::impl::find(of.name, 0, of.name.size(), name);
  if (!found) return std::nullopt;
  const std::uint64_t end = of.first_target[*found + 1];
  for (std::uint64_t first = of.first_target[*found]; first < end;) {
    target one{of.field_of(of.target_value[first]), {first, first}, of.target_evidence[first]};
    while (one.at.end < end && of.field_of(of.target_value[one.at.end]) == one.field) ++one.at.end;
    if (one.evidence >= least_evidence) return one;
    first = one.at.end;
  }
  return std::nullopt;
}

}  // namespace

result<std::vector<name_match>> terms::names_in(std::span<const std::string> words, float least_evidence) const {
  std::vector<name_match> names;
  for_each_span(words, [&](std::size_t first, std::size_t count) {
    const auto span = words.subspan(first, count);
    auto found = target_of(*impl_, exact_name(span), least_evidence);
    if (!found) found = target_of(*impl_, singular_name(span), least_evidence);
    if (!found) return false;
    const auto values = impl_->target_value.subspan(found->at.first, found->at.size());
    names.push_back({exact_name(span), first, count, found->field, {values.begin(), values.end()}, found->evidence});
    return true;
  });
  return names;
}

}  // namespace argosy
