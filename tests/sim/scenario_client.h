#pragma once

// ScenarioClient: a client of a scenario. It talks as long as the unrest lasts, a little at a time,
// and now and then does what its habit is; it knows how to come to an end. What it says and what it
// must hear is up to the class derived from it.

#include <cstdint>
#include <initializer_list>
#include <string>

#include "tests/sim/sim_client.h"

namespace ringpost::sim {

class Scenario;

// What a client does apart from talking.
enum class Habit : std::uint8_t {
  talks,                  // nothing
  silent,                 // does not even talk
  stops_reading,          // and starts again
  half_closes,            // after its last message
  ends_inside_a_message,  // half-closes where only part of one was said
  says_too_long,          // what is over a limit
  resets,
  closes,
};

// How it talks: once in `one_in` steps, each time 0 .. `run_max` messages, and rarely up to
// `long_run_max`; nothing while much is still to be sent.
struct Rhythm {
  std::uint64_t one_in = 2;
  std::uint64_t run_max = 2;
  std::uint64_t long_run_max = 29;
};

class ScenarioClient : public SimClient {
 public:
  // Draws one of the habits.
  ScenarioClient(Scenario& scenario, std::uint32_t number, std::initializer_list<Habit> habits,
                 const Rhythm& rhythm = {});

  // To which of the scenario's listeners it connects.
  virtual std::uint32_t listener() const { return 0; }
  // The world is healed: last words, from whoever has not said them.
  virtual void say_last_words() {}
  // Everything that others said has come.
  virtual bool is_content() const { return true; }
  // Ends in an orderly way.
  virtual void finish();
  // What it waits for, in a few words.
  virtual std::string describe() const { return {}; }

  // The connection ended before all was said and heard: by this client, or because it broke.
  bool was_cut() const { return was_cut_; }

 protected:
  // One message of its own choice.
  virtual void say() = 0;
  // Part of one, if the protocol has such a thing.
  virtual void say_part() {}
  virtual void say_too_long() {}
  // Nothing will be said any more.
  virtual bool has_said_all() const { return is_finishing_; }
  // There is room for more in what the scenario keeps of it.
  virtual bool has_more_to_say() const { return true; }
  // Closes, or the next best thing.
  virtual void leave();
  bool on_step() override;

  Habit habit() const { return habit_; }
  // `finish` was called.
  bool is_finishing() const { return is_finishing_; }
  // As `finish` does, where the peer is to close first.
  void set_finishing() { is_finishing_ = true; }
  bool may_talk() const;
  void set_cut() { was_cut_ = true; }

 private:
  void act_by_habit();

  Scenario& scenario_;
  const Habit habit_;
  const Rhythm rhythm_;
  bool is_finishing_ = false;
  bool was_cut_ = false;
};

}  // namespace ringpost::sim
