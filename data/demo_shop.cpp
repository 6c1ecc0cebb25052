#include "data/demo_shop.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/random.hpp"
#include "data/demo_words.hpp"
#include "data/parallel.hpp"
#include "schema/folder.hpp"

namespace argosy {
namespace {

namespace fs = std::filesystem;

// Shares of a hundred (ours): how often a title says what its picture shows, how often a click is an accident.
constexpr unsigned title_colour = 45, title_pattern = 12, title_cut = 8, title_audience = 60, title_material = 40;
constexpr unsigned noise_clicks = 7, same_language = 85, chinese_titles = 33, purchases = 12;
constexpr unsigned held_back = 4;  // one combination of facets in so many is kept out of the log, for validation
constexpr std::uint64_t first_second = 1'704'067'200, month = 30ull * 24 * 3600;
constexpr std::size_t validation_queries = 300;
constexpr std::uint64_t images_at_once = 64;

// A stream of draws of its own for each thing that is made, so that one more product changes no other.
class dice {
public:
  dice(std::uint64_t seed, std::uint32_t what, std::uint64_t which) noexcept : seed_(seed), what_(what), which_(which) {}
  std::uint32_t bits() noexcept {
    const auto site = static_cast<std::uint32_t>(draw_site::demo_shop);
    return philox(seed_ + (which_ >> 32 << 32), {next_++, static_cast<std::uint32_t>(which_), what_, site})[0];
  }
  // 0 .. n-1, n >= 1.
  std::uint64_t below(std::uint64_t n) noexcept { return (std::uint64_t{bits()} << 32 | bits()) % n; }
  bool percent(unsigned share) noexcept { return bits() % 100 < share; }

private:
  std::uint64_t seed_;
  std::uint32_t what_, next_ = 0;
  std::uint64_t which_;
};
enum stream : std::uint32_t { product_stream, user_stream, log_stream, validation_stream };

struct shop_product {
  demo_product looks;
  std::size_t brand = 0, audience = 0, material = 0, line = 0;
  int price = 0;
  tongue language = tongue::english;
  std::string id, title;
};

// What a query can name. A facet that does not apply to a product has no place in its list.
enum class facet : std::uint8_t { kind, colour, pattern, sleeve, neck, brand, audience };
using facet_value = std::pair<facet, std::size_t>;
using combination = std::set<facet_value>;

bool is_garment_with_sleeves(demo_product::shape s) { return s <= demo_product::shape::dress || s == demo_product::shape::jacket; }
bool shows_pattern(demo_product::shape s) { return s != demo_product::shape::watch && s != demo_product::shape::sandal; }

std::vector<facet_value> facets_of(const shop_product& p) {
  const auto number = [](auto e) { return static_cast<std::size_t>(e); };
  std::vector<facet_value> all{
      {facet::kind, number(p.looks.kind)}, {facet::colour, p.looks.colour}, {facet::brand, p.brand}, {facet::audience, p.audience}};
  if (shows_pattern(p.looks.kind)) all.emplace_back(facet::pattern, number(p.looks.print));
  if (!is_garment_with_sleeves(p.looks.kind)) return all;
  if (p.looks.kind != demo_product::shape::jacket) all.emplace_back(facet::sleeve, number(p.looks.arms));
  all.emplace_back(facet::neck, number(p.looks.neckline));
  return all;
}

const demo_term& term_of(facet_value f) {
  switch (f.first) {
    case facet::kind: return demo_kind(static_cast<demo_product::shape>(f.second));
    case facet::colour: return demo_colour(f.second).name;
    case facet::pattern: return demo_pattern(static_cast<demo_product::pattern>(f.second));
    case facet::sleeve: return demo_sleeve(static_cast<demo_product::sleeve>(f.second));
    case facet::neck: return demo_neck(static_cast<demo_product::neck>(f.second));
    case facet::brand: return demo_brand(f.second);
    case facet::audience: return demo_audiences()[f.second];
  }
  return demo_brand(0);
}

// The title's own name for it, or any of a shopper's.
std::string_view first_name(const demo_term& t, tongue in) { return in == tongue::english ? t.english[0] : t.chinese; }
std::string_view any_name(const demo_term& t, tongue in, dice& d) {
  if (in == tongue::chinese) return t.chinese;
  const auto names = static_cast<std::uint64_t>(std::ranges::count_if(t.english, [](auto n) { return !n.empty(); }));
  return t.english[d.percent(60) ? 0 : d.below(names)];
}

std::string joined(const std::vector<std::string_view>& words, tongue in) {
  std::string out;
  for (const auto w : words) out.append(out.empty() || in == tongue::chinese ? "" : " ").append(w);
  return out;
}

std::string title_of(const shop_product& p, dice& d) {
  std::vector<std::string_view> words{first_name(demo_brand(p.brand), p.language), first_name(demo_lines()[p.line], p.language)};
  const auto maybe = [&](unsigned share, const demo_term& t) {
    if (d.percent(share)) words.push_back(first_name(t, p.language));
  };
  maybe(title_audience, demo_audiences()[p.audience]);
  maybe(title_colour, demo_colour(p.looks.colour).name);
  maybe(title_material, demo_materials()[p.material]);
  if (shows_pattern(p.looks.kind) && p.looks.print != demo_product::pattern::plain) maybe(title_pattern, demo_pattern(p.looks.print));
  if (is_garment_with_sleeves(p.looks.kind)) {
    maybe(title_cut, demo_sleeve(p.looks.arms));
    maybe(title_cut, demo_neck(p.looks.neckline));
  }
  words.push_back(first_name(demo_kind(p.looks.kind), p.language));
  return joined(words, p.language);
}

shop_product make_product(std::uint64_t seed, std::uint64_t number) {
  dice d(seed, product_stream, number);
  shop_product p;
  p.id = std::to_string(100001 + number);
  p.looks.kind = static_cast<demo_product::shape>(d.below(demo_kinds));
  p.looks.print = d.percent(40) ? demo_product::pattern::plain : static_cast<demo_product::pattern>(1 + d.below(4));
  p.looks.arms = static_cast<demo_product::sleeve>(d.below(3));
  p.looks.neckline = static_cast<demo_product::neck>(d.below(3));
  if (p.looks.kind == demo_product::shape::shirt) p.looks.neckline = demo_product::neck::collar;
  if (p.looks.kind == demo_product::shape::jacket) p.looks.arms = demo_product::sleeve::long_;
  p.looks.colour = static_cast<std::uint8_t>(d.below(demo_colours));
  p.looks.second_colour = static_cast<std::uint8_t>((p.looks.colour + 1 + d.below(demo_colours - 1)) % demo_colours);
  p.brand = d.below(demo_brands);
  p.audience = d.below(demo_audiences().size());
  p.material = d.below(demo_materials().size());
  p.line = d.below(demo_lines().size());
  p.price = static_cast<int>(10 + 5 * d.below(40));
  p.language = d.percent(chinese_titles) ? tongue::chinese : tongue::english;
  p.title = title_of(p, d);
  return p;
}

struct shopper {
  std::size_t brand, colour;
  int price;
};

shopper make_shopper(std::uint64_t seed, std::uint64_t number) {
  dice d(seed, user_stream, number);
  return {d.below(demo_brands), d.below(demo_colours), static_cast<int>(10 + 5 * d.below(40))};
}

// Popularity falls with rank as 1 / (rank + 8); ranks are the order of the products.
class popularity {
public:
  explicit popularity(std::size_t products) {
    std::uint64_t sum = 0;
    for (std::size_t rank = 0; rank < products; ++rank) sum_.push_back(sum += 1'000'000'000 / (rank + 8));
  }
  std::size_t draw(dice& d) const { return static_cast<std::size_t>(std::ranges::upper_bound(sum_, d.below(sum_.back())) - sum_.begin()); }

private:
  std::vector<std::uint64_t> sum_;
};

std::size_t draw_click(const std::vector<shop_product>& products, const popularity& popular, const shopper& who, dice& d) {
  std::size_t at = popular.draw(d);
  for (int attempt = 0; attempt < 8; ++attempt, at = popular.draw(d)) {
    const auto& p = products[at];
    const unsigned liked = 20U + (p.brand == who.brand ? 40U : 0U) + (p.looks.colour == who.colour ? 30U : 0U) +
                           (std::abs(p.price - who.price) < 40 ? 20U : 0U);
    if (d.percent(liked)) break;
  }
  return at;
}

// One to four facets, the kind almost always among them.
std::vector<facet_value> draw_facets(const shop_product& p, dice& d) {
  auto all = facets_of(p);
  std::vector<facet_value> named;
  if (d.percent(92)) named.push_back(all.front());
  all.erase(all.begin());
  const auto wanted = 1 + d.below(3);
  while (!all.empty() && named.size() < wanted + 1) {
    const auto at = static_cast<std::ptrdiff_t>(d.below(all.size()));
    named.push_back(all[static_cast<std::size_t>(at)]);
    all.erase(all.begin() + at);
  }
  return named;
}

// Whether these facets together are kept for validation; single facets never are.
bool kept_out(const combination& c, std::uint64_t seed) {
  if (c.size() < 3) return false;
  philox_block mix{17, 0, 0, 0};
  for (const auto& [which, value] : c)
    mix = philox(seed, {mix[0], static_cast<std::uint32_t>(which), static_cast<std::uint32_t>(value), mix[1]});
  return mix[0] % held_back == 0;
}

std::string say(std::vector<facet_value> named, tongue in, dice& d) {
  for (std::size_t i = named.size(); i > 1; --i) std::swap(named[i - 1], named[d.below(i)]);
  std::vector<std::string_view> words;
  for (const auto& f : named) words.push_back(any_name(term_of(f), in, d));
  auto text = joined(words, in);
  if (in == tongue::english)
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return c < 128 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
  return text;
}

tongue language_for(const shop_product& p, dice& d) {
  const bool same = d.percent(same_language);
  return (p.language == tongue::english) == same ? tongue::english : tongue::chinese;
}

status io(const fs::path& path, const std::string& why) { return {errc::io_error, path.string() + ": " + why}; }

// gzip without a time or a name, so that the same text gives the same bytes.
status write_gzip(const fs::path& path, const std::string& text) {
  const auto file = gzopen(path.c_str(), "wb6");
  if (file == nullptr) return io(path, "cannot be written");
  bool whole = true;
  for (std::size_t at = 0; whole && at < text.size();) {
    const auto piece = static_cast<unsigned>(std::min<std::size_t>(text.size() - at, 1u << 20));
    whole = gzwrite(file, text.data() + at, piece) == static_cast<int>(piece);
    at += piece;
  }
  if (gzclose(file) != Z_OK || !whole) return io(path, "could not be written whole; is the disk full?");
  return {};
}

class tar_writer {
public:
  explicit tar_writer(fs::path path) : path_(std::move(path)), archive_(archive_write_new()) {}
  tar_writer(const tar_writer&) = delete;
  tar_writer& operator=(const tar_writer&) = delete;
  ~tar_writer() { archive_write_free(archive_); }

  status open() {
    archive_write_set_format_ustar(archive_);
    return checked(archive_write_open_filename(archive_, path_.c_str()));
  }
  status add(const std::string& name, std::span<const std::byte> bytes) {
    auto* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(bytes.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    const auto header = checked(archive_write_header(archive_, entry));
    archive_entry_free(entry);
    ARGOSY_TRY(header);
    if (archive_write_data(archive_, bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size())) return {};
    return io(path_, archive_error_string(archive_));
  }
  status close() { return checked(archive_write_close(archive_)); }

private:
  status checked(int code) { return code == ARCHIVE_OK ? status{} : io(path_, archive_error_string(archive_)); }
  fs::path path_;
  archive* archive_;
};

struct maker {
  const demo_shop_options& options;
  const std::function<void(std::uint64_t, std::uint64_t)>& progress;
  std::stop_token stop;
  std::vector<shop_product> products;
  std::set<combination> logged;
  demo_shop_report report;

  std::uint64_t log_lines() const { return options.log_lines > 0 ? options.log_lines : 20 * options.products; }

  status step(std::uint64_t done) {
    if (stop.stop_requested()) return {errc::aborted, "interrupted"};
    progress(done, options.products);
    return {};
  }

  using jpeg_file = result<std::vector<std::byte>>;

  // Of products [first, first + count).
  std::vector<jpeg_file> photographs(std::uint64_t first, std::uint64_t count) const {
    std::vector<jpeg_file> made(count, std::vector<std::byte>{});
    for_each_parallel(count, stop, [&](std::size_t i) {
      const auto number = first + i;
      const auto& looks = products[number].looks;
      made[i] = or_out_of_memory(
          [&] { return encode_jpeg(render(looks, options.seed * 1'000'003 + number, options.image_width, options.image_height), 90); });
    });
    return made;
  }

  status write_images(const fs::path& path) {
    tar_writer tar(path);
    ARGOSY_TRY(tar.open());
    for (std::uint64_t first = 0; first < options.products; first += images_at_once) {
      const auto count = std::min(images_at_once, options.products - first);
      const auto made = photographs(first, count);
      ARGOSY_TRY(step(first));
      for (std::uint64_t i = 0; i < count; ++i) {
        if (!made[i].ok()) return made[i].failure();
        ARGOSY_TRY(tar.add("images/" + products[first + i].id + ".jpg", *made[i]));
      }
    }
    return tar.close();
  }

  std::string catalogue() const {
    std::string text;
    for (const auto& p : products) {
      const auto name = [](const demo_term& t) { return std::string(t.english[0]); };
      nlohmann::ordered_json line{{"id", p.id},
                                  {"title", p.title},
                                  {"brand", name(demo_brand(p.brand))},
                                  {"category", name(demo_kind(p.looks.kind))},
                                  {"colour", name(demo_colour(p.looks.colour).name)},
                                  {"price", p.price},
                                  {"image", "images/" + p.id + ".jpg"}};
      for (const auto& f : facets_of(p)) {
        if (f.first == facet::pattern) line["attributes"]["pattern"] = name(term_of(f));
        if (f.first == facet::sleeve) line["attributes"]["sleeve"] = name(term_of(f));
        if (f.first == facet::neck) line["attributes"]["neck"] = name(term_of(f));
        if (f.first == facet::audience) line["attributes"]["audience"] = name(term_of(f));
      }
      text += line.dump() + "\n";
    }
    return text;
  }

  std::string log() {
    const popularity popular(products.size());
    const auto users = std::max<std::uint64_t>(1, options.products / 4);
    std::string text = "timestamp\tuser_id\tquery\tproduct_id\tevent\n";
    for (std::uint64_t i = 0; i < log_lines(); ++i) {
      dice d(options.seed, log_stream, i);
      const auto user = d.below(users);
      const auto clicked = draw_click(products, popular, make_shopper(options.seed, user), d);
      std::vector<facet_value> named;
      combination set;
      do {
        named = draw_facets(products[clicked], d);
        set = {named.begin(), named.end()};
      } while (kept_out(set, options.seed));
      logged.insert(set);
      const auto query = say(named, language_for(products[clicked], d), d);
      const auto shown = d.percent(noise_clicks) ? d.below(products.size()) : clicked;
      text += std::to_string(first_second + month * i / log_lines()) + "\tu" + std::to_string(user) + "\t" + query + "\t" +
              products[shown].id + "\t" + (d.percent(purchases) ? "purchase" : "click") + "\n";
    }
    return text;
  }

  std::vector<std::size_t> matching(const combination& wanted) const {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < products.size(); ++i) {
      const auto has = facets_of(products[i]);
      if (std::ranges::all_of(wanted, [&](const facet_value& f) { return std::ranges::find(has, f) != has.end(); })) rows.push_back(i);
    }
    return rows;
  }

  // Held-back combinations of real products, each once, worded in either language.
  void validation(std::string& queries, std::string& qrels) {
    queries = "query_id\tquery\tcategory\tbrand\tneeds_image\trelevant\n";
    qrels = "query_id\tproduct_id\tgrade\n";
    std::set<combination> taken;
    for (std::uint64_t attempt = 0; attempt < 40 * validation_queries && taken.size() < validation_queries; ++attempt) {
      dice d(options.seed, validation_stream, attempt);
      const auto& like = products[d.below(products.size())];
      const auto named = draw_facets(like, d);
      const combination wanted(named.begin(), named.end());
      if (!kept_out(wanted, options.seed) || logged.contains(wanted) || !taken.insert(wanted).second) continue;
      const auto of = [&](facet which) { return std::ranges::find(named, which, &facet_value::first); };
      const bool needs_image = of(facet::pattern) != named.end() || of(facet::sleeve) != named.end() || of(facet::neck) != named.end();
      const auto in_words = [&](facet which) {
        return of(which) == named.end() ? std::string() : std::string(term_of(*of(which)).english[0]);
      };
      const auto id = "val" + std::to_string(10000 + taken.size()).substr(1);
      const auto rows = matching(wanted);
      queries += id + "\t" + say(named, like.language, d) + "\t" + in_words(facet::kind) + "\t" + in_words(facet::brand) + "\t" +
                 (needs_image ? "1" : "0") + "\t" + std::to_string(rows.size()) + "\n";
      for (const auto row : rows) qrels += id + "\t" + products[row].id + "\t1\n";
    }
    report.queries = taken.size();
  }

  // Everything, into a folder that is not yet there under its name.
  status make(const fs::path& folder) {
    for (std::uint64_t i = 0; i < options.products; ++i) products.push_back(make_product(options.seed, i));
    ARGOSY_TRY(write_images(folder / "images.tar"));
    ARGOSY_TRY(write_gzip(folder / "products.jsonl.gz", catalogue()));
    ARGOSY_TRY(write_gzip(folder / "train_log.tsv.gz", log()));
    std::string queries, qrels;
    validation(queries, qrels);
    ARGOSY_TRY(write_gzip(folder / "val_queries.tsv.gz", queries));
    ARGOSY_TRY(write_gzip(folder / "val_qrels.tsv.gz", qrels));
    report.products = products.size();
    report.log_lines = log_lines();
    report.sample_queries = {"red striped dress", "black floral handbag", "checked long sleeve shirt", "蓝色波点连衣裙", "碎花双肩包"};
    std::string samples;
    for (const auto& query : report.sample_queries) samples += query + "\n";
    ARGOSY_TRY(replace_file(folder / "sample_queries.txt", samples));
    return step(options.products);
  }
};

}  // namespace

result<demo_shop_report> make_demo_shop(const demo_shop_options& options, const std::function<void(std::uint64_t, std::uint64_t)>& progress,
                                        std::stop_token stop) {
  if (options.products < 1 || options.products > 1'000'000)
    return status{errc::out_of_range, "products: want 1 to 1000000, got " + std::to_string(options.products)};
  if (options.image_width < 4 || options.image_height < 4 || options.image_width > 4096 || options.image_height > 4096)
    return status{errc::out_of_range,
                  "image size: want 4 to 4096, got " + std::to_string(options.image_width) + " x " + std::to_string(options.image_height)};
  ARGOSY_ASSIGN(auto folder, folder_writer::create(options.out, "demo-shop", 1));
  maker m{options, progress, std::move(stop), {}, {}, {}};
  ARGOSY_TRY(m.make(folder.path()));
  ARGOSY_TRY(folder.seal());
  return m.report;
}

}  // namespace argosy
