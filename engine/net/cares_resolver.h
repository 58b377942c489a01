#pragma once

// CaresResolver: names looked up by c-ares on one thread of its own, many at a time, so that a name
// whose server hangs delays no other.
//
// Each name has at most one lookup under way. Who asks for it meanwhile shares the next one, which
// begins as that one ends: every answer was asked for after its question, and a thousand clients
// that need the same name make two lookups and not a thousand. So an answer comes within the time
// of two lookups (see NameLookup::on_time for that of one).
//
// Owned by: one thread, which destroys it once nobody calls `resolve` any more.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/actor/message_sink.h"
#include "engine/base/result.h"
#include "engine/net/name_lookup.h"
#include "engine/net/resolver.h"

namespace ringpost::engine {

struct CaresResolverOptions {
  NameLookupOptions lookup;
  std::uint32_t requests_max = 16'384;  // that wait for an answer; above: refused
  std::uint32_t names_max = 256;        // looked up at a time, each 1-3 sockets; above: refused
};

struct ResolverCounters {
  std::uint64_t requests = 0;  // asked, numeric addresses too
  std::uint64_t lookups = 0;   // begun
  std::uint64_t failed = 0;    // of these, without an address
  std::uint64_t refused = 0;   // requests over a bound
};

class CaresResolver final : public Resolver {
 public:
  // Starts the thread. `sink` outlives the resolver. The error is for people.
  static Result<std::unique_ptr<CaresResolver>, std::string> open(
      const CaresResolverOptions& options, MessageSink& sink);
  // Answers what still waits with an error, and ends the thread.
  ~CaresResolver() override;

  // A numeric address is answered before this returns.
  void resolve(std::string_view host, std::uint16_t port, ActorRef asker,
               std::uint64_t token) override;

  // Called on: any thread.
  ResolverCounters counters() const;

 private:
  class Desk;

  explicit CaresResolver(std::unique_ptr<Desk> desk);

  std::unique_ptr<Desk> desk_;
};

}  // namespace ringpost::engine
