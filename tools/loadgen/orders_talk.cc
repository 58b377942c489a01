#include "tools/loadgen/orders_talk.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "tools/loadgen/excerpt.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {

namespace {

constexpr Bytes get_line = "GET\n";
constexpr std::array<Bytes, 5> tickers = {"BYND", "NODE", "PLTR", "POST", "RING"};
constexpr std::size_t messages_min = 4096;

bool is_get(Bytes message) { return message == get_line; }

}  // namespace

std::vector<std::string> OrdersScript::make(const OrderMix& mix) {
  const std::uint64_t cycle = mix.buys + mix.gets;
  std::vector<std::string> messages;
  std::size_t ticker = 0;
  while (messages.size() < messages_min) {
    for (std::uint64_t i = 0; i < cycle; ++i) {
      // A GET wherever the share of those that are due passes a whole number.
      const bool gets = (i + 1) * mix.gets / cycle != i * mix.gets / cycle;
      if (gets) {
        messages.emplace_back(get_line);
      } else {
        messages.push_back("BUY;1;" + std::string(tickers[ticker++ % tickers.size()]) + "\n");
      }
    }
  }
  return messages;
}

OrdersScript::OrdersScript(const OrderMix& mix)
    : requests(make(mix)), answered(requests.message_count()), has_buys(mix.buys != 0) {
  std::uint32_t until_get = 0;
  for (std::uint32_t i = requests.message_count(); i-- != 0;) {  // the last one is a GET
    until_get = is_get(requests.message(i)) ? 1 : until_get + 1;
    answered[i] = until_get;
    answered_max = std::max(answered_max, until_get);
  }
}

void OrdersTalk::open(engine::Link& link, TalkTarget& target) {
  link_ = &link;
  target_ = &target;
  link.write(get_line);
}

void OrdersTalk::request(std::uint64_t count) {
  write_messages(*link_, script_.requests, next_request_, count);
  unanswered_ += count;
}

std::uint64_t OrdersTalk::fitting(std::uint64_t bytes_max) const {
  return bytes_max / script_.requests.message_bytes_max();
}

void OrdersTalk::conclude() {
  const std::uint32_t count = script_.requests.message_count();
  const std::uint32_t last = (next_request_ + count - 1) % count;
  if (unanswered_ != 0 && !is_get(script_.requests.message(last))) link_->write(get_line);
}

std::size_t OrdersTalk::read(Bytes bytes) {
  std::size_t used = 0;
  while (used != bytes.size()) {
    const Bytes rest = bytes.substr(used);
    if (!last_.empty() && rest.starts_with(last_)) [[likely]] {
      used += last_.size();
      on_reply(true);
      continue;
    }
    const std::size_t end = rest.find('\n');
    if (end == Bytes::npos) break;
    on_line(rest.substr(0, end + 1));
    used += end + 1;
  }
  return used;
}

void OrdersTalk::on_line(Bytes line) {
  if (line.starts_with("ERR ")) {
    target_->on_fault({FaultKind::unexpected, replies_, excerpt(line, 60)});
    return;
  }
  on_state(line);
}

void OrdersTalk::on_state(Bytes line) {
  const std::string wrong = check(line);
  if (wrong.empty()) last_ = line;
  if (!wrong.empty()) {
    target_->on_fault({FaultKind::corrupt, replies_, wrong + ": " + excerpt(line, 60)});
  }
  on_reply(wrong.empty());
}

// A reply to a GET, right or wrong: what does it answer?
void OrdersTalk::on_reply(bool right) {
  if (!ready_) {
    ready_ = true;
    return target_->on_ready();
  }
  ++replies_;
  const std::uint32_t count = script_.requests.message_count();
  const std::uint64_t answered =
      unanswered_ == 0 ? 1  // of nothing: let the target complain
                       : std::min<std::uint64_t>(script_.answered[next_answered_], unanswered_);
  unanswered_ -= std::min(answered, unanswered_);
  next_answered_ = static_cast<std::uint32_t>((next_answered_ + answered) % count);
  if (right) {
    target_->on_replies(answered);
  } else {
    target_->on_failed(answered);
  }
}

// What is wrong with a state line; takes it over if nothing is. Empty: nothing.
std::string OrdersTalk::check(Bytes line) {
  if (ready_ && !script_.has_buys) return "the book changed, though nobody bought";
  Book book;
  Bytes rest = line;
  while (rest != "\n") {
    const std::size_t end = rest.find(';');
    if (end == Bytes::npos) return "is no state of the book";
    const Bytes entry = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    const std::size_t colon = entry.rfind(':');
    if (colon == Bytes::npos || colon == 0) return "has no ticker";
    Bytes amount = entry.substr(colon + 1);
    if (amount.starts_with(' ')) amount.remove_prefix(1);
    double value = 0;
    const auto [stop, error] = std::from_chars(amount.data(), amount.data() + amount.size(), value);
    if (error != std::errc() || stop != amount.data() + amount.size()) return "has no amount";
    if (!book.emplace(entry.substr(0, colon), value).second) return "names a ticker twice";
  }
  for (const auto& [ticker, amount] : book_) {
    const auto now = book.find(ticker);
    if (now == book.end()) return "lost ticker " + ticker;
    if (now->second < amount) return "has less of " + ticker + " than before";
  }
  book_ = std::move(book);
  return "";
}

}  // namespace ringpost::loadgen
