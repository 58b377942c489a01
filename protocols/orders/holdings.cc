#include "protocols/orders/holdings.h"

#include <algorithm>
#include <cstring>

#include "engine/base/assert.h"

namespace ringpost::orders {

namespace {

constexpr std::size_t slots_min = 64;
static_assert((slots_min & (slots_min - 1)) == 0, "slots are found by a mask");

}  // namespace

Holdings::Holdings(const HoldingsOptions& options)
    : options_(options),
      hash_(options.seed),
      separator_bytes_(options.style == ReplyStyle::spaced ? 2 : 1),
      slots_(slots_min) {
  ASSERT(options.tickers_max < UINT32_MAX);
}

BuyOutcome Holdings::buy(Bytes ticker, float amount) {
  DASSERT(amount > 0);
  DASSERT(!ticker.empty());
  DASSERT(ticker.size() <= ticker_bytes_max);
  const float sum = amount + total_;
  if (sum >= options_.cap) return BuyOutcome::rejected_by_cap;

  const std::uint32_t hash = hash_(ticker);
  const std::size_t slot = find_slot(ticker, hash);
  const bool is_new = slots_[slot].entry_after == 0;
  if (is_new && entries_.size() == options_.tickers_max) return BuyOutcome::too_many_tickers;

  Entry& entry = is_new ? add_entry(ticker, hash, slot) : entries_[slots_[slot].entry_after - 1];
  entry.amount += amount;
  if (!entry.stale) mark_stale(entry);
  total_ = sum;
  ++version_;
  return BuyOutcome::accepted;
}

std::optional<float> Holdings::amount_of(Bytes ticker) const {
  const std::size_t slot = find_slot(ticker, hash_(ticker));
  if (slots_[slot].entry_after == 0) return std::nullopt;
  return entries_[slots_[slot].entry_after - 1].amount;
}

std::size_t Holdings::find_slot(Bytes ticker, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot slot = slots_[at];
    if (slot.entry_after == 0) return at;
    if (slot.hash != hash) continue;
    const Entry& entry = entries_[slot.entry_after - 1];
    if (entry.ticker_bytes == ticker.size() &&
        same_bytes(entry.piece, ticker.data(), ticker.size()))
      return at;
  }
}

Holdings::Entry& Holdings::add_entry(Bytes ticker, std::uint32_t hash, std::size_t slot) {
  const auto index = static_cast<std::uint32_t>(entries_.size());
  Entry& entry = entries_.emplace_back();
  entry.hash = hash;
  entry.ticker_bytes = static_cast<std::uint8_t>(ticker.size());
  std::memcpy(entry.piece, ticker.data(), ticker.size());
  std::memcpy(entry.piece + ticker.size(), ": ", separator_bytes_);
  fresh_.push_back(index);
  // A buy of a known ticker marks it without growing anything.
  changed_.reserve(entries_.capacity());
  slots_[slot] = {hash, index + 1};
  if (entries_.size() * 2 > slots_.size()) grow_slots();
  return entry;
}

void Holdings::grow_slots() {
  slots_.assign(slots_.size() * 2, Slot{});
  const std::size_t mask = slots_.size() - 1;
  for (std::uint32_t index = 0; index < entries_.size(); ++index) {
    std::size_t at = entries_[index].hash & mask;
    while (slots_[at].entry_after != 0) at = (at + 1) & mask;
    slots_[at] = {entries_[index].hash, index + 1};
  }
}

void Holdings::mark_stale(Entry& entry) {
  entry.stale = true;
  changed_.push_back(static_cast<std::uint32_t>(&entry - entries_.data()));
}

void Holdings::refresh_pieces() {
  for (const std::uint32_t index : changed_) {
    Entry& entry = entries_[index];
    std::size_t bytes = entry.ticker_bytes + separator_bytes_;
    bytes += format_amount(entry.amount, entry.piece + bytes);
    entry.piece[bytes++] = ';';
    pieces_bytes_ += bytes - entry.piece_bytes;
    entry.piece_bytes = static_cast<std::uint8_t>(bytes);
    entry.stale = false;
  }
  changed_.clear();
}

// Merges the new tickers in from the back, so that every old one moves at most once, as part of a
// block.
void Holdings::sort_in_fresh() {
  if (fresh_.empty()) return;
  const auto ascending = [this](std::uint32_t a, std::uint32_t b) {
    return entries_[a].ticker() < entries_[b].ticker();
  };
  std::sort(fresh_.begin(), fresh_.end(), ascending);
  auto unmoved_end = order_.insert(order_.end(), fresh_.size(), 0);
  for (std::size_t left = fresh_.size(); left > 0; --left) {
    const std::uint32_t index = fresh_[left - 1];
    const auto place = std::upper_bound(order_.begin(), unmoved_end, index, ascending);
    const auto moved =
        std::move_backward(place, unmoved_end, unmoved_end + static_cast<std::ptrdiff_t>(left));
    *(moved - 1) = index;
    unmoved_end = place;
  }
  fresh_.clear();
}

std::size_t Holdings::rendered_bytes() {
  refresh_pieces();
  sort_in_fresh();
  return pieces_bytes_ + 1;
}

std::size_t Holdings::render(char* out, std::size_t room) {
  const std::size_t bytes = rendered_bytes();
  ASSERT(room >= bytes);
  // Most pieces are short, and a copy of fixed length is a few moves; what it writes beyond a piece
  // is overwritten by the next one, so it must only stay inside the line.
  constexpr std::size_t short_piece = 32;
  static_assert(short_piece <= piece_bytes_max);
  char* at = out;
  const char* const end = out + bytes;
  for (const std::uint32_t index : order_) {
    const Entry& entry = entries_[index];
    if (entry.piece_bytes <= short_piece && static_cast<std::size_t>(end - at) >= short_piece)
      std::memcpy(at, entry.piece, short_piece);
    else
      std::memcpy(at, entry.piece, entry.piece_bytes);
    at += entry.piece_bytes;
  }
  *at++ = '\n';
  ASSERT(at == end);
  return bytes;
}

void Holdings::check_invariants() const {
  ASSERT(entries_.size() <= options_.tickers_max);
  ASSERT(entries_.size() * 2 <= slots_.size());
  ASSERT(order_.size() + fresh_.size() == entries_.size());
  ASSERT(total_ < options_.cap || entries_.empty());
  for (std::size_t i = 1; i < order_.size(); ++i)
    ASSERT(entries_[order_[i - 1]].ticker() < entries_[order_[i]].ticker());
  std::size_t bytes = 0;
  std::size_t stale_count = 0;
  for (std::uint32_t index = 0; index < entries_.size(); ++index) {
    const Entry& entry = entries_[index];
    ASSERT(slots_[find_slot(entry.ticker(), entry.hash)].entry_after == index + 1);
    ASSERT(entry.amount > 0);
    bytes += entry.piece_bytes;
    stale_count += entry.stale ? 1 : 0;
  }
  ASSERT(bytes == pieces_bytes_);
  ASSERT(stale_count == changed_.size());
  for (const std::uint32_t index : changed_) ASSERT(entries_[index].stale);
}

}  // namespace ringpost::orders
