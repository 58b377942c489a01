#include "tools/loadgen/orders_talk.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "tools/loadgen/excerpt.h"
#include "tools/loadgen/message_writer.h"

namespace ringpost::loadgen {

namespace {

constexpr Bytes get_line = "GET\n";
constexpr std::size_t messages_min = 4096;
// A server that adds in binary32, as the services do, cannot add 1 above it.
constexpr std::uint64_t exact_max = std::uint64_t{1} << 24;

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

OrdersScript::OrdersScript(const OrderMix& mix, bool checks_own_buys)
    : requests(make(mix)),
      answered(requests.message_count()),
      bought(requests.message_count() + 1),
      own_buys(checks_own_buys),
      has_buys(mix.buys != 0) {
  for (std::uint32_t i = 0; i < requests.message_count(); ++i) {
    bought[i + 1] = bought[i];
    const Bytes message = requests.message(i);
    for (std::size_t ticker = 0; ticker < tickers.size(); ++ticker) {
      if (message.find(tickers[ticker]) != Bytes::npos) ++bought[i + 1][ticker];
    }
  }
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
  const std::uint64_t answered =
      unanswered_ == 0 ? 1  // of nothing: let the target complain
                       : std::min<std::uint64_t>(script_.answered[next_answered_], unanswered_);
  unanswered_ -= std::min(answered, unanswered_);
  advance(answered);
  if (right && has_own_buys()) {
    target_->on_replies(answered);
  } else {
    target_->on_failed(answered);
  }
}

void OrdersTalk::advance(std::uint64_t answered) {
  const std::uint64_t next = next_answered_ + answered;
  const std::uint32_t count = script_.requests.message_count();
  cycles_answered_ += next / count;
  next_answered_ = static_cast<std::uint32_t>(next % count);
}

// Whether the last state has what was bought here in front of the GET that it answers.
bool OrdersTalk::has_own_buys() {
  if (!script_.own_buys) return true;
  const OrdersScript::Purchases& all = script_.bought.back();
  const OrdersScript::Purchases& rest = script_.bought[next_answered_];
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::uint64_t own = std::min(exact_max, cycles_answered_ * all[i] + rest[i]);
    const double held = own_[i] < book_.size() ? book_[own_[i]].amount : 0;
    if (held >= static_cast<double>(own)) continue;
    target_->on_fault({FaultKind::lost, replies_ - 1,
                       "of " + std::to_string(own) + " bought here before, the book has " +
                           std::to_string(held) + " " + std::string(OrdersScript::tickers[i])});
    return false;
  }
  return true;
}

// What is wrong with a state line; takes it over if nothing is. Empty: nothing.
std::string OrdersTalk::check(Bytes line) {
  if (ready_ && !script_.has_buys) return "the book changed, though nobody bought";
  if (const std::string wrong = read_state(line); !wrong.empty()) return wrong;
  if (!is_in_order_of_before()) return take_anew();
  for (std::size_t i = 0; i < shown_.size(); ++i) {
    if (shown_[i].amount < book_[i].amount) {
      return "has less of " + book_[i].ticker + " than before";
    }
  }
  for (std::size_t i = 0; i < shown_.size(); ++i) book_[i].amount = shown_[i].amount;
  return "";
}

std::string OrdersTalk::read_state(Bytes line) {
  shown_.clear();
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
    shown_.push_back({entry.substr(0, colon), value});
  }
  return "";
}

// The tickers of before, and so each once. Nearly always.
bool OrdersTalk::is_in_order_of_before() const {
  return std::ranges::equal(shown_, book_, {}, &Shown::ticker, &Holding::ticker);
}

std::string OrdersTalk::take_anew() {
  std::map<Bytes, double> book;
  for (const Shown& shown : shown_) {
    if (!book.emplace(shown.ticker, shown.amount).second) return "names a ticker twice";
  }
  for (const Holding& holding : book_) {
    const auto now = book.find(holding.ticker);
    if (now == book.end()) return "lost ticker " + holding.ticker;
    if (now->second < holding.amount) return "has less of " + holding.ticker + " than before";
  }
  book_.clear();
  for (const Shown& shown : shown_) book_.push_back({std::string(shown.ticker), shown.amount});
  for (std::size_t i = 0; i < own_.size(); ++i) {
    const auto at = std::ranges::find(book_, OrdersScript::tickers[i], &Holding::ticker);
    own_[i] = static_cast<std::size_t>(at - book_.begin());
  }
  return "";
}

}  // namespace ringpost::loadgen
