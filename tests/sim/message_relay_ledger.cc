#include "tests/sim/message_relay_ledger.h"

#include <cstdlib>

namespace ringpost::sim {

void MessageRelayLedger::place(std::string_view topic, std::string_view text, std::uint32_t shard,
                               const Event& as_seen) {
  const auto at = said_.find(std::string(text));
  SIM_CHECK(at != said_.end(), "an event of nobody: %s", std::string(text).c_str());
  Event& event = at->second;
  SIM_CHECK(event.place == nowhere, "an event is published twice: %s", std::string(text).c_str());
  SIM_CHECK(topic_name(event.topic) == topic && event.for_user == as_seen.for_user &&
                event.user == as_seen.user,
            "an event is published as another: %s", std::string(text).c_str());
  Topic& own = topics_[event.topic];
  SIM_CHECK(own.shard == UINT32_MAX || own.shard == shard, "topic %zu is ordered by two shards",
            event.topic);
  own.shard = shard;
  // "client.number ..."
  const std::uint64_t number =
      std::strtoull(text.substr(text.find('.') + 1).data(), nullptr, 10) + 1;
  std::uint64_t& latest = own.latest[event.client];
  SIM_CHECK(number > latest, "client %u: a later event is in front of %s", event.client,
            std::string(text).c_str());
  latest = number;
  event.place = own.order.size();
  own.order.push_back(&event);
}

}  // namespace ringpost::sim
