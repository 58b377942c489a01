#pragma once

// MessageRelayLedger: what clients of the message relay have said, and what became of it: the
// events of each topic in the order that its exchange gave them, and the registrations.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "tests/sim/sim_trace.h"

namespace ringpost::sim {

inline constexpr std::size_t nowhere = SIZE_MAX;

class MessageRelayLedger {
 public:
  static constexpr std::size_t topic_count = 6;
  // The first is everybody's at the beginning.
  static std::string topic_name(std::size_t topic) {
    return topic == 0 ? "tech" : "topic " + std::to_string(topic);
  }

  // What was asked to be published. Its text stands for it: no two are alike.
  struct Event {
    std::size_t topic = 0;
    std::uint32_t client = 0;
    std::uint64_t user = 0;
    bool for_user = false;
    std::size_t place = nowhere;  // in its topic's order
    bool is_for(std::uint64_t whom) const { return !for_user || user == whom; }
  };

  struct Registration {
    std::uint64_t user = 0;
    engine::Nanos expires = 0;  // if nobody connects, but not before
    bool is_gone = false;       // somebody has read that it was removed, or its own end
    std::size_t claims = 0;     // upgrades that were asked for
    std::size_t removals = 0;   // that were asked for
    std::size_t evictions = 0;  // connections that were sent away in an orderly way
  };

  void say(const std::string& text, const Event& event) { said_.emplace(text, event); }
  // Null: nobody said it.
  const Event* find(std::string_view text) const {
    const auto at = said_.find(std::string(text));
    return at == said_.end() ? nullptr : &at->second;
  }
  // The exchange of `shard` has an event in its hands, whose topic's order it makes.
  void place(std::string_view topic, std::string_view text, std::uint32_t shard,
             const Event& as_seen);
  const std::vector<const Event*>& order(std::size_t topic) const { return topics_[topic].order; }

  void register_id(const std::string& id, std::uint64_t user, engine::Nanos expires) {
    const Registration registration{.user = user, .expires = expires};
    SIM_CHECK(registrations_.emplace(id, registration).second, "an id comes twice");
    ids_.push_back(id);
  }
  const std::vector<std::string>& ids() const { return ids_; }
  void end(const std::string& id) {
    registrations_.at(id).is_gone = true;
    latest_gone_ = id;
  }
  // The id that has ended last, once; empty: there is none.
  std::string take_gone() { return std::exchange(latest_gone_, {}); }
  Registration& registration(const std::string& id) { return registrations_.at(id); }

 private:
  struct Topic {
    std::vector<const Event*> order;
    std::uint32_t shard = UINT32_MAX;               // that orders it
    std::map<std::uint32_t, std::uint64_t> latest;  // event of each client
  };

  std::unordered_map<std::string, Event> said_;  // looked up, never walked
  Topic topics_[topic_count];
  std::unordered_map<std::string, Registration> registrations_;  // looked up, never walked
  std::vector<std::string> ids_;
  std::string latest_gone_;
};

}  // namespace ringpost::sim
