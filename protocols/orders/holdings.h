#pragma once

// Holdings: what the order book holds: the sum of each ticker, and the total under the cap. All of
// it is binary32 (OB-11), added in the order in which buys come.
//
// A buy of a ticker that is known costs a hash, one slot and one entry, and allocates nothing. The
// state line is kept in parts: every entry carries its own piece of it, and only pieces whose
// amount changed since the last rendering are written anew. The order by ticker is kept the same
// way: only tickers that are new since then are sorted in.
//
// Invariants: `order_` holds every entry but those in `fresh_`, ascending by ticker bytes.
//             `changed_` holds exactly the entries that are marked stale; their pieces are old.
//             `pieces_bytes_` is the sum of all entries' `piece_bytes`.
//             The slots are at most half full, so every probe ends.
// Owned by: one order book.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/constants.h"
#include "protocols/orders/amount.h"
#include "protocols/orders/format.h"
#include "protocols/orders/ticker_hash.h"

namespace ringpost::orders {

// The two published forms of the state line (C1).
enum class ReplyStyle : std::uint8_t {
  spaced,   // `BYND: 8;PLTR: 9;`
  compact,  // `BYND:8;PLTR:9;`
};

enum class BuyOutcome : std::uint8_t {
  // The buy counts.
  accepted,
  // It would have reached the cap (OB-9). Nothing changed, and clients are not told (OB-5).
  rejected_by_cap,
  // The cap has room, but the ticker is new and no more are taken (OB-31). Nothing changed.
  too_many_tickers,
};

struct HoldingsOptions {
  float cap = cap_default;
  std::size_t tickers_max = tickers_max_default;
  ReplyStyle style = ReplyStyle::spaced;
  std::uint64_t seed = 0;  // of the hash; clients must not be able to guess it
};

class Holdings {
 public:
  explicit Holdings(const HoldingsOptions& options);

  // Requires: `amount` is finite and above zero; `ticker` is good (see parser.h).
  BuyOutcome buy(Bytes ticker, float amount);

  // Grows by one with each accepted buy, so equal versions have equal state lines.
  std::uint64_t version() const { return version_; }
  float total() const { return total_; }
  std::size_t ticker_count() const { return entries_.size(); }
  std::optional<float> amount_of(Bytes ticker) const;

  // The exact length of the state line as it is now. It brings the pieces up to date, so render
  // finds little left to do.
  std::size_t rendered_bytes();
  // Writes the state line (OB-6, OB-7), tickers in ascending byte order (C2), to `out` and returns
  // its length. Requires: room is at least rendered_bytes().
  std::size_t render(char* out, std::size_t room);

  void check_invariants() const;

 private:
  static constexpr std::size_t piece_bytes_max = ticker_bytes_max + 2 + amount_bytes_max + 1;

  // The piece starts with the ticker, which is stored nowhere else. A short ticker's entry is all
  // in its first cache line.
  struct alignas(engine::cache_line_size) Entry {
    std::uint32_t hash;
    float amount;
    std::uint8_t ticker_bytes;
    std::uint8_t piece_bytes;  // 0 until rendered for the first time
    bool stale;
    char piece[piece_bytes_max];

    Bytes ticker() const { return Bytes(piece, ticker_bytes); }
  };
  static_assert(sizeof(Entry) == 2 * engine::cache_line_size);
  static_assert(piece_bytes_max <= UINT8_MAX);

  struct Slot {
    std::uint32_t hash;
    std::uint32_t entry_after;  // the entry's index + 1; 0 in a free slot
  };

  // Where the ticker's slot is, or the free one where it belongs.
  std::size_t find_slot(Bytes ticker, std::uint32_t hash) const;
  Entry& add_entry(Bytes ticker, std::uint32_t hash, std::size_t slot);
  void grow_slots();
  void mark_stale(Entry& entry);
  void refresh_pieces();
  void sort_in_fresh();

  HoldingsOptions options_;
  TickerHash hash_;
  std::size_t separator_bytes_;  // between ticker and amount
  float total_ = 0;
  std::uint64_t version_ = 0;

  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> fresh_;
  std::vector<std::uint32_t> changed_;
  std::size_t pieces_bytes_ = 0;
};

}  // namespace ringpost::orders
