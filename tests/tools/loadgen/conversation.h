#pragma once

// A talk with nobody below and above it: what it writes and what it tells can be looked at.

#include <sstream>
#include <string>
#include <vector>

#include "tests/engine/net/test_link.h"
#include "tools/loadgen/status_counts.h"
#include "tools/loadgen/talk.h"

namespace ringpost::loadgen {

class Ear final : public TalkTarget {
 public:
  void on_ready() override { ready = true; }
  void on_replies(std::uint64_t count) override { replies += count; }
  void on_failed(std::uint64_t count) override { failed += count; }
  void on_fault(Fault fault) override {
    faults.push_back(std::string(to_text(fault.kind)) + " " + std::to_string(fault.sequence));
  }
  void on_deliveries(std::uint64_t sender, std::uint64_t sequence, std::uint64_t count) override {
    deliveries += count;
    last_delivery = std::to_string(sender) + ":" + std::to_string(sequence + count - 1);
  }
  void on_missed(std::uint64_t, std::uint64_t, std::uint64_t count) override { missed += count; }
  void on_acknowledged(std::uint64_t count) override { acknowledged += count; }
  void on_statuses(std::uint16_t status, std::uint64_t count) override {
    statuses.add(status, count);
  }
  void on_retired() override { retired = true; }
  void on_goodbye(std::string why) override { goodbye = std::move(why); }
  void on_lost_track() override { lost_track = true; }

  std::string told() const {
    std::ostringstream text;
    if (deliveries + missed != 0) {
      text << deliveries << " heard, " << missed << " missed";
    } else {
      text << replies << " right, " << failed << " failed";
    }
    if (acknowledged != 0) text << ", " << acknowledged << " acknowledged";
    for (const std::string& fault : faults) text << ", " << fault;
    if (retired) text << ", retired";
    if (!goodbye.empty()) text << ", " << goodbye;
    if (lost_track) text << ", lost track";
    return text.str();
  }

  bool ready = false;
  bool lost_track = false;
  bool retired = false;
  std::string goodbye;
  StatusCounts statuses;
  std::uint64_t replies = 0;
  std::uint64_t failed = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t missed = 0;
  std::uint64_t acknowledged = 0;
  std::string last_delivery;
  std::vector<std::string> faults;
};

template <typename TalkType>
struct Conversation {
  template <typename... Arguments>
  explicit Conversation(Arguments&&... arguments) : talk(arguments...) {
    talk.open(link, ear);
  }

  // As a connection offers its input: what was not dealt with comes again, with more behind it.
  void arrive(Bytes bytes) {
    held += bytes;
    held.erase(0, talk.read(held));
  }

  engine::LinkWorld world;
  engine::TestLink link{world};
  Ear ear;
  TalkType talk;
  std::string held;
};

}  // namespace ringpost::loadgen
