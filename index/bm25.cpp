// terms::search: BM25. Rows are taken in blocks whose scores stay in cache; every word's list is read once, from its place in the block on.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "index/names.hpp"
#include "index/terms_file.hpp"
#include "index/top_hits.hpp"

namespace argosy {
namespace {

constexpr std::size_t block_rows = 32768;  // 128 KiB of scores

struct word_list {
  index_range left;  // entries not read yet
  float weight;      // idf (k1 + 1), for each time the query has the word
};

class scorer {
public:
  scorer(const terms::impl& of, const bm25_options& options, const bm25_collection& collection)
      : of_(of), options_(options), collection_(collection), scores_(block_rows) {
    const double words = static_cast<double>(collection.title_words) + options.field_weight * static_cast<double>(collection.field_words);
    const double mean = words > 0 ? words / static_cast<double>(collection.rows) : 1;
    base_ = static_cast<float>(options.k1 * (1 - options.b));
    slope_ = static_cast<float>(options.k1 * options.b / mean);
  }

  status search(std::span<const std::string> words, const row_set* allowed, top_hits& best) {
    ARGOSY_TRY(find_lists(words));
    for (std::size_t first = 0; first < of_.rows && !lists_.empty(); first += block_rows) {
      const std::size_t rows = std::min<std::size_t>(block_rows, of_.rows - first);
      std::fill_n(scores_.begin(), rows, 0.0f);
      for (word_list& list : lists_) ARGOSY_TRY(add(list, first, rows));
      offer(first, rows, allowed, best);
    }
    return {};
  }

private:
  status find_lists(std::span<const std::string> words) {
    std::map<std::string, int> counts;
    for (const std::string& word : words) ++counts[singular_of(word)];
    for (const auto& [word, count] : counts) {
      const auto found = terms::impl::find(of_.word, 0, of_.word.size(), word);
      if (!found) continue;
      const index_range entries{of_.first_entry[*found], of_.first_entry[*found + 1]};
      ARGOSY_TRY(of_.file.touch("entry_row", 4 * entries.first, 4 * entries.size()));
      ARGOSY_TRY(of_.file.touch("entry_title", entries.first, entries.size()));
      ARGOSY_TRY(of_.file.touch("entry_field", entries.first, entries.size()));
      const auto with = static_cast<double>(collection_.rows_with.at(word));
      const double idf = std::log(1 + (static_cast<double>(collection_.rows) - with + 0.5) / (with + 0.5));
      if (with > 0) lists_.push_back({entries, static_cast<float>(count * idf * (options_.k1 + 1))});
    }
    return {};
  }

  status add(word_list& list, std::size_t first, std::size_t rows) {
    const auto field_weight = static_cast<float>(options_.field_weight);
    for (; list.left.first < list.left.end; ++list.left.first) {
      const std::uint64_t entry = list.left.first;
      const std::size_t at = of_.entry_row[entry] - first;
      if (at >= rows && of_.entry_row[entry] >= first) break;
      if (at >= rows) return of_.corrupt("entry_row", "element " + std::to_string(entry) + ": want rows that rise, found others");
      const float count = static_cast<float>(of_.entry_title[entry]) + field_weight * of_.entry_field[entry];
      const float length = static_cast<float>(of_.title_length[first + at]) + field_weight * of_.field_length[first + at];
      if (count > 0) scores_[at] += list.weight * count / (count + base_ + slope_ * length);
    }
    return {};
  }

  void offer(std::size_t first, std::size_t rows, const row_set* allowed, top_hits& best) const {
    float threshold = std::max(best.threshold(), 0.0f);
    for (std::size_t i = 0; i < rows; ++i) {
      if (!(scores_[i] > threshold)) continue;
      const auto row = static_cast<std::uint32_t>(first + i);
      if (allowed != nullptr && !allowed->contains(row)) continue;
      best.offer({row, scores_[i]});
      threshold = std::max(best.threshold(), 0.0f);
    }
  }

  const terms::impl& of_;
  const bm25_options& options_;
  const bm25_collection& collection_;
  float base_ = 0, slope_ = 0;
  std::vector<word_list> lists_;
  std::vector<float> scores_;
};

bool is_weight(double value) { return std::isfinite(value) && value >= 0; }

}  // namespace

result<std::vector<hit>> terms::search(std::span<const std::string> words, std::size_t k, const row_set* allowed,
                                       const bm25_options& options, const bm25_collection* collection) const {
  if (k == 0) return status(errc::invalid_argument, "k: want at least 1, got 0");
  if (!is_weight(options.k1) || !is_weight(options.b) || options.b > 1 || !is_weight(options.field_weight))
    return status(errc::invalid_argument, "bm25: want k1 and a weight of at least 0, and b from 0 to 1");
  if (allowed != nullptr && allowed->rows() != impl_->rows) {
    return status(errc::shape_mismatch,
                  "allowed: want a set of " + std::to_string(impl_->rows) + " rows, got " + std::to_string(allowed->rows()));
  }
  if (impl_->rows == 0) return std::vector<hit>{};
  bm25_collection own;
  if (collection == nullptr) count(words, options, own);
  top_hits best(std::min<std::size_t>(k, impl_->rows));
  ARGOSY_TRY(scorer(*impl_, options, collection != nullptr ? *collection : own).search(words, allowed, best));
  return best.sorted();
}

void terms::count(std::span<const std::string> words, const bm25_options& options, bm25_collection& to) const {
  to.rows += impl_->rows;
  to.title_words += impl_->title_words;
  to.field_words += impl_->field_words;
  std::set<std::string> different;
  for (const std::string& word : words) different.insert(singular_of(word));
  for (const std::string& word : different) {
    std::uint64_t& with = to.rows_with[word];
    const auto found = impl::find(impl_->word, 0, impl_->word.size(), word);
    if (!found) continue;
    with += options.field_weight > 0 ? impl_->first_entry[*found + 1] - impl_->first_entry[*found] : impl_->word_titles[*found];
  }
}

}  // namespace argosy
