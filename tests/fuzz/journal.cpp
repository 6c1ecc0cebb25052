// A store's journal of changes: the bytes behind its preamble, the checksums of whole records put right.
#include "schema/journal.hpp"

#include "schema/folder.hpp"
#include "schema/product_change.hpp"
#include "tests/fuzz/files.hpp"

namespace argosy::fuzz {
namespace {

constexpr std::size_t preamble_bytes = 64;
struct record_head {
  std::uint32_t bytes, complement;
  std::uint64_t xxh3;
};

void mend(bytes& records) {
  for (std::size_t at = 0; records.size() - at >= sizeof(record_head);) {
    record_head head;
    std::memcpy(&head, records.data() + at, sizeof(head));
    const std::size_t left = records.size() - at - sizeof(head);
    if (head.bytes > left) return;
    head.complement = ~head.bytes;
    head.xxh3 = xxh3(std::span(records).subspan(at + sizeof(head), head.bytes));
    std::memcpy(records.data() + at, &head, sizeof(head));
    at += sizeof(head) + head.bytes;
  }
}

std::size_t bytes_in(const product_change& of) {
  std::size_t all = of.id.size() + of.title.size() + of.image.size() + of.vector.size() * sizeof(float);
  for (const field_value& field : of.fields) all += field.field.size() + field.text.size();
  return all;
}

void check_record(std::span<const std::byte> record) {
  const auto change = decode_change(record);
  if (!change.ok()) return;
  ARGOSY_CHECK(bytes_in(*change) <= record.size());
  const auto again = encode(*change);
  ARGOSY_CHECK(encode(required(decode_change(again))) == again);
}

std::vector<bytes> records_of(const std::filesystem::path& path, result<std::uint64_t>& end) {
  std::vector<bytes> found;
  end = read_journal(path, change_journal_kind, [&](std::uint64_t, std::span<const std::byte> record) {
    found.emplace_back(record.begin(), record.end());
    return status{};
  });
  return found;
}

const take_record nothing = [](std::uint64_t, std::span<const std::byte>) { return status{}; };

bytes empty_journal() {
  const std::filesystem::path path = folder() / "empty";
  std::filesystem::remove(path);
  require(journal::open(path, change_journal_kind, nothing).failure());
  return bytes_of(required(read_file(path, preamble_bytes)));
}

void take(std::span<const std::byte> input) {
  static const bytes preamble = empty_journal();
  const std::filesystem::path path = folder() / "journal";
  bytes records(input.begin(), input.end());
  mend(records);
  records.insert(records.begin(), preamble.begin(), preamble.end());
  write_file(path, records);

  result<std::uint64_t> end = std::uint64_t{0}, end_again = std::uint64_t{0};
  const auto found = records_of(path, end);
  for (const bytes& record : found) check_record(record);
  auto opened = journal::open(path, change_journal_kind, nothing);
  ARGOSY_CHECK(opened.ok() == end.ok());
  if (!opened.ok()) return;
  ARGOSY_CHECK(opened->bytes() == *end && opened->bytes() + opened->cut() == records.size());
  require(opened->append(bytes_of("one more")));
  auto more = found;
  more.push_back(bytes_of("one more"));
  ARGOSY_CHECK(records_of(path, end_again) == more && end_again.ok());
}

std::vector<bytes> seeds() {
  const std::filesystem::path path = folder() / "seed";
  std::filesystem::remove(path);
  auto made = required(journal::open(path, change_journal_kind, nothing));
  require(made.append(encode({"p1", false, "red dress", "p1.jpg", {{"brand", "Nike", false}, {"price", "49.5", true}}, {0.5f, -1.0f}})));
  require(made.append(encode({"p2", true, "", ""})));
  bytes records = bytes_of(required(read_file(path, 1 << 20)));
  records.erase(records.begin(), records.begin() + preamble_bytes);
  bytes cut(records.begin(), records.end() - 5), zeros = records;
  zeros.resize(zeros.size() + 40);
  return {records, cut, zeros};
}

const registered one({"journal", take, seeds});

}  // namespace
}  // namespace argosy::fuzz
