// What a generation knows of its products in words and fields: filters, BM25, and the names that a query may hold.
//   fields     of text: every value has a posting list. Of numbers: rows by value, so that a range is two binary searches. Of long texts (a
//              mean of more than longest_mean_value bytes over the different values, ours): no lists, found by their words alone.
//   values     compare folded. A value written as a path, `Apparel > Shoes`, is found at every level: by `Apparel`, by `Apparel > Shoes`, by
//              `Shoes`. A value of more than longest_listed_value bytes has no list.
//   words      of title, and of fields, in the singular (index/names.hpp), how often in each row: bm25.
//   names      values of restricted fields as a query may hold them: names_in. A field of `endings` is found in singular and plural too.
// One container, terms.argosy (FORMATS.md), memory-mapped: opening reads the dictionaries, lists are verified on first touch.
// Text       folded and split into words by `text_rules` of who publishes; who searches folds and splits alike.
// Threads    a terms object is immutable and may be shared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "index/filter.hpp"
#include "index/row_set.hpp"
#include "index/vector_index.hpp"

namespace argosy {

inline constexpr std::size_t longest_mean_value = 80, longest_listed_value = 256;  // bytes

inline constexpr std::string_view terms_file_name = "terms.argosy";

struct text_rules {
  fold_text fold;
  std::function<result<std::vector<std::string>>(std::string_view)> words;
};

enum class field_kind : std::uint8_t { text, number, long_text };
constexpr std::optional<field_kind> number_or_any_text(bool number) noexcept {
  return number ? std::optional(field_kind::number) : std::nullopt;
}

struct restricted_field {
  std::string name;
  bool endings = false;  // also by the last words of a value: "shoes" means every category that ends so
};
struct name_alias {
  std::string alias, field, value;
};

struct terms_source {
  struct field {
    std::string name;
    std::optional<field_kind> kind = {};  // none: text, or long_text where the values are
  };
  struct value {
    std::uint32_t field = 0;
    std::string_view text;
  };
  std::size_t rows = 0;
  std::vector<field> fields;
  std::vector<value> values;  // each field and text once
  std::function<std::string_view(std::size_t row)> title;
  std::function<std::span<const std::uint32_t>(std::size_t row)> values_of;  // numbers of `values`, in any order
  std::vector<restricted_field> restricted;                                  // those that are no field are passed over
  std::vector<name_alias> aliases;
  bool strict_aliases = true;  // one of a value that is not there is refused (not_found); else passed over
  std::stop_token stop = {};   // aborted once it is asked for
};
status write_terms(const std::filesystem::path&, const terms_source&, const text_rules&);

struct bm25_options {
  double k1 = 1.2, b = 0.75;
  double field_weight = 0;  // what an occurrence in a field counts, 0: nothing; one in the title counts 1
};

// What idf and mean length are computed from, when the rows of several terms objects are searched as one collection. Rows that are not there
// any more count until they are rebuilt, as in Lucene.
struct bm25_collection {
  std::uint64_t rows = 0, title_words = 0, field_words = 0;
  std::map<std::string, std::uint64_t> rows_with;  // of each word of the query, as it is counted
};

// A name found in a query, and what it restricts to: rows with any of these values.
struct name_match {
  std::string text;  // the words of the query
  std::size_t first_word = 0, words = 0;
  std::uint32_t field = 0;
  std::vector<std::uint32_t> values;  // numbers of value_text
  float evidence = 0;  // of the titles that hold the name, the share whose rows have one of the values; 1 without such titles
};

class terms {
public:
  static result<terms> open(const std::filesystem::path&);
  // What write_terms() writes, in memory.
  static result<terms> make(const terms_source&, const text_rules&);
  status verify() const;

  std::size_t rows() const noexcept;
  std::size_t fields() const noexcept;
  std::string_view field_name(std::uint32_t field) const;
  field_kind kind_of(std::uint32_t field) const;
  std::string_view value_text(std::uint32_t value) const;

  // The rows that a filter keeps. invalid_argument for a field that is not there, with names near it, and for what a field is not for;
  // a value that no row has keeps none.
  result<row_set> keep(const filter_node&) const;
  // About how many that is, from the lengths of lists alone: exact for one condition; for more as if they were independent.
  result<double> estimate(const filter_node&) const;
  // `names` are of `from`, whose values are found here by their texts; none that this has not.
  result<row_set> keep(std::span<const name_match> names, const terms& from) const;
  result<row_set> keep(std::span<const name_match> names) const { return keep(names, *this); }

  // The values of a text field, by row; without such a field, none of any. Reads every list of the field.
  result<std::vector<std::vector<std::uint32_t>>> values_by_row(std::string_view folded_field) const;

  // The best rows by BM25, at most k, all of them above 0. `allowed`: as in search_options.
  //     sum over words w of the query of idf(w) tf (k1 + 1) / (tf + k1 (1 - b + b length / mean length))
  //     idf(w) = ln(1 + (N - n(w) + 0.5) / (n(w) + 0.5)), n(w) rows with tf > 0;  tf, length: title's + field_weight * fields'
  // Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, sections 3.2 and 3.6 (weights before saturation).
  // N, n and mean length are those of `collection`, or of this alone.
  // Cost  one pass over the words' lists, in blocks of rows that stay in cache.
  result<std::vector<hit>> search(std::span<const std::string> words, std::size_t k, const row_set* allowed, const bm25_options&,
                                  const bm25_collection* collection = nullptr) const;
  // Adds these rows to a collection.
  void count(std::span<const std::string> words, const bm25_options&, bm25_collection& to) const;

  // Names in the words of a query, as they stand there, longest first and then from the left; none overlap. A name of several fields is the
  // first field's of which its evidence is at least `least_evidence`; names below it are passed over.
  result<std::vector<name_match>> names_in(std::span<const std::string> words, float least_evidence) const;

  struct impl;

private:
  explicit terms(std::shared_ptr<const impl>);
  std::shared_ptr<const impl> impl_;
};

}  // namespace argosy
