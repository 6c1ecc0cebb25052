#include <sys/prctl.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <thread>

#include "data/records.hpp"
#include "net/http_client.hpp"
#include "net/search_client.hpp"
#include "net/secret_file.hpp"
#include "tools/commands.hpp"
#include "tools/format.hpp"
#include "tools/load.hpp"

namespace argosy {
namespace {

constexpr std::string_view http_scheme = "http://", https_scheme = "https://";

// The default of 50 microseconds would make rests twice as long as they are asked for.
void rest_exactly(std::chrono::nanoseconds duration) {
  static thread_local const int once = ::prctl(PR_SET_TIMERSLACK, 1);
  static_cast<void>(once);
  std::this_thread::sleep_for(duration);
}

// Queries of the log as they were asked, the first `most` of them.
result<std::vector<std::string>> queries_of(const std::filesystem::path& log, std::size_t most) {
  std::vector<std::string> queries;
  const auto take = [&](std::uint64_t, log_record record) -> status {
    if (queries.size() == most) return {errc::aborted, "enough"};
    queries.push_back(std::move(record.query));
    return {};
  };
  const status read = read_log(log, take, [](const refusal&) {});
  if (!read.ok() && queries.size() < most) return read;
  if (queries.empty()) return status(errc::invalid_argument, log.string() + ": want a search log, found no query in it");
  return queries;
}

class message_target final : public load_target {
public:
  message_target(search_client client, const bench_serve_options& options, std::vector<std::string> queries)
      : client_(std::move(client)), queries_(std::move(queries)) {
    request_.queries.emplace_back();
    request_.queries.front().k = static_cast<std::uint32_t>(options.k);
    request_.queries.front().live = options.live;
    request_.queries.front().restricts = options.restricts;
  }
  status ask(std::uint64_t number) override {
    request_.id = number + 1;  // 0 is what could not be read
    request_.queries.front().text = queries_[number % queries_.size()];
    return client_.send(request_);
  }
  status take(std::vector<load_answer>& answers) override {
    for (int i = 0; i < 256; ++i) {
      ARGOSY_ASSIGN(const auto reply, client_.receive(std::chrono::milliseconds(0)));
      if (!reply) return {};
      if (reply->id == 0) return {errc::corrupt, "the server could not read a request: " + reply->answers.front().error};
      answers.push_back({reply->id - 1, reply->answers.front().code == wire_code::ok});
    }
    return {};
  }
  void rest(std::chrono::nanoseconds duration) override { rest_exactly(duration); }

private:
  search_client client_;
  std::vector<std::string> queries_;
  wire_request request_;
};

std::string percent_encoded(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      encoded += c;
    } else {
      encoded += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return encoded;
}

class http_target final : public load_target {
public:
  http_target(std::unique_ptr<http_client> client, const bench_serve_options& options, const std::vector<std::string>& queries)
      : client_(std::move(client)) {
    const std::string rest = "&k=" + std::to_string(options.k) + (options.live ? "&live=1" : "") + (options.restricts ? "" : "&restrict=0");
    for (const auto& query : queries) targets_.push_back("/v1/search?q=" + percent_encoded(query) + rest);
  }
  status ask(std::uint64_t number) override {
    client_->get(targets_[number % targets_.size()], number);
    return {};
  }
  status take(std::vector<load_answer>& answers) override {
    taken_.clear();
    client_->take(taken_);
    for (const http_answer& one : taken_) answers.push_back({one.number, one.code == 200});
    return {};
  }
  void rest(std::chrono::nanoseconds duration) override { rest_exactly(duration); }

private:
  std::unique_ptr<http_client> client_;
  std::vector<std::string> targets_;
  std::vector<http_answer> taken_;
};

result<std::unique_ptr<load_target>> target_of(const bench_serve_options& options) {
  ARGOSY_ASSIGN(std::vector<std::string> queries, queries_of(options.log, options.queries));
  const bool secure = options.at.starts_with(https_scheme);
  if (secure || options.at.starts_with(http_scheme)) {
    http_client_options how{.secure = secure, .authorities = options.authorities};
    if (!options.key.empty()) {
      ARGOSY_ASSIGN(how.key, read_secret(options.key));
    }
    const std::string address = options.at.substr(secure ? https_scheme.size() : http_scheme.size());
    ARGOSY_ASSIGN(auto client, http_client::connect(address, options.connections, how));
    return std::unique_ptr<load_target>(std::make_unique<http_target>(std::move(client), options, queries));
  }
  ARGOSY_ASSIGN(search_client client, search_client::connect(options.at, options.curve));
  // Whether anybody is there, before all is sent to nobody.
  ARGOSY_TRY(client.search({.queries = {{.text = queries.front()}}}, std::chrono::seconds(5)).failure().within(options.at));
  return std::unique_ptr<load_target>(std::make_unique<message_target>(std::move(client), options, std::move(queries)));
}

void print_json(const bench_serve_options& options, const load_figures& found, std::ostream& out) {
  const nlohmann::ordered_json object{{"at", options.at},
                                      {"live", options.live},
                                      {"restrict", options.restricts},
                                      {"k", options.k},
                                      {"rate", options.rate},
                                      {"seconds", options.seconds},
                                      {"offered_per_s", found.offered_per_s},
                                      {"answered_per_s", found.answered_per_s},
                                      {"p50_ms", found.p50_ms},
                                      {"p99_ms", found.p99_ms},
                                      {"p999_ms", found.p999_ms},
                                      {"longest_ms", found.longest_ms},
                                      {"errors", found.errors}};
  out << object.dump(2) << '\n';
}

void print_table(const bench_serve_options& options, const load_figures& found, std::ostream& out) {
  const bool open = options.rate > 0;
  out << (open ? "open loop, " + fixed(options.rate, 0) + " queries/s"
               : "closed loop, " + counted(options.ahead, "query", "queries") + " ahead")
      << ", " << fixed(options.seconds, 0) << " s, " << options.at << (options.live ? ", without the pair table" : "") << "\n";
  text_table table;
  table.add({"offered/s", "answered/s", "p50 ms", "p99 ms", "p99.9 ms", "longest ms", "errors"});
  table.add({grouped(static_cast<std::uint64_t>(found.offered_per_s)), grouped(static_cast<std::uint64_t>(found.answered_per_s)),
             fixed(found.p50_ms, 2), fixed(found.p99_ms, 2), fixed(found.p999_ms, 2), fixed(found.longest_ms, 2), grouped(found.errors)});
  table.print(out);
}

}  // namespace

status run_bench_serve(const bench_serve_options& options, const console& io) {
  ARGOSY_ASSIGN(const auto target, target_of(options));
  const load_options how{.rate = options.rate, .ahead = options.ahead, .warm_up_s = options.warm_up, .seconds = options.seconds};
  ARGOSY_ASSIGN(const load_figures found, put_load(*target, how, io.clock, io.stop));
  if (options.json) {
    print_json(options, found, io.out);
  } else {
    print_table(options, found, io.out);
  }
  return {};
}

}  // namespace argosy
