#include "data/records.hpp"

#include <charconv>

#include "data/record_reader.hpp"
#include "data/refusal_reasons.hpp"

namespace argosy {
namespace {

judge never_ending(const refuse& tell) {
  return [&tell](const refusal& why) {
    tell(why);
    return status{};
  };
}

refusal at_line(std::uint64_t line, std::string_view why, std::string detail = {}) { return {line, std::string(why), std::move(detail)}; }

bool is_yes(std::string_view value) { return value == "1" || value == "true" || value == "yes"; }
bool is_no(std::string_view value) { return value.empty() || value == "0" || value == "false" || value == "no"; }

}  // namespace

status read_products_until(const std::filesystem::path& path, const std::function<status(std::uint64_t, product_record)>& take,
                           const judge& refused) {
  static constexpr wanted_field fields[] = {{"id", true}, {"title", true}, {"image", false}};
  const auto check = [&](std::uint64_t line, field_values values) -> status {
    product_record record{std::move(values[0]), std::move(values[1]), std::move(values[2]), std::move(values.further)};
    if (record.id.empty()) return refused(at_line(line, reason::no_id));
    if (record.title.empty() && record.image.empty()) return refused(at_line(line, reason::nothing_to_match, record.id));
    return take(line, std::move(record));
  };
  return read_records(path, "a catalogue", fields, {check, refused, true});
}

status read_log_until(const std::filesystem::path& path, const std::function<status(std::uint64_t, log_record)>& take,
                      const judge& refused) {
  static constexpr wanted_field fields[] = {{"query", true}, {"product_id", true}};
  const auto check = [&](std::uint64_t line, field_values values) -> status {
    log_record record{std::move(values[0]), std::move(values[1])};
    if (record.query.empty()) return refused(at_line(line, reason::no_query));
    if (record.product_id.empty()) return refused(at_line(line, reason::no_product_id));
    return take(line, std::move(record));
  };
  return read_records(path, "a log", fields, {check, refused});
}

status read_products(const std::filesystem::path& path, const std::function<status(std::uint64_t, product_record)>& take,
                     const refuse& tell) {
  return read_products_until(path, take, never_ending(tell));
}

status read_log(const std::filesystem::path& path, const std::function<status(std::uint64_t, log_record)>& take, const refuse& tell) {
  return read_log_until(path, take, never_ending(tell));
}

status read_queries(const std::filesystem::path& path, bool* has_needs_image,
                    const std::function<status(std::uint64_t, query_record)>& take, const refuse& tell) {
  static constexpr wanted_field fields[] = {{"query_id", true}, {"query", true}, {"needs_image", false}};
  const judge refused = never_ending(tell);
  *has_needs_image = false;
  const auto check = [&](std::uint64_t line, field_values values) -> status {
    if (values[0].empty()) return refused(at_line(line, reason::no_query_id));
    if (values[1].empty()) return refused(at_line(line, reason::no_query, values[0]));
    if (!is_yes(values[2]) && !is_no(values[2]))
      return refused(at_line(line, reason::wrong_type, "needs_image: want 0 or 1, got `" + values[2].substr(0, 80) + "`"));
    *has_needs_image = *has_needs_image || !values[2].empty();
    return take(line, {std::move(values[0]), std::move(values[1]), is_yes(values[2])});
  };
  return read_records(path, "queries", fields, {check, refused});
}

status read_qrels(const std::filesystem::path& path, const std::function<status(std::uint64_t, qrel_record)>& take, const refuse& tell) {
  static constexpr wanted_field fields[] = {{"query_id", true}, {"product_id", true}, {"grade", true}};
  const judge refused = never_ending(tell);
  const auto check = [&](std::uint64_t line, field_values values) -> status {
    if (values[0].empty()) return refused(at_line(line, reason::no_query_id));
    if (values[1].empty()) return refused(at_line(line, reason::no_product_id));
    int grade = 0;
    const std::string& text = values[2];
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), grade);
    if (text.empty() || code != std::errc{} || end != text.data() + text.size())
      return refused(at_line(line, reason::wrong_number, "grade: want an integer, got `" + text.substr(0, 80) + "`"));
    return take(line, {std::move(values[0]), std::move(values[1]), grade});
  };
  return read_records(path, "judgements", fields, {check, refused});
}

}  // namespace argosy
