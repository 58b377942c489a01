#include "tests/sim/scenario_client.h"

#include "tests/sim/scenario.h"

namespace ringpost::sim {

namespace {

constexpr std::size_t unsent_bytes_max = 2000;
constexpr std::uint64_t long_run_one_in = 8;
constexpr std::uint64_t habit_one_in = 64;  // steps

Habit draw(std::initializer_list<Habit> habits, engine::Prng& prng) {
  return habits.begin()[prng.below(habits.size())];
}

}  // namespace

ScenarioClient::ScenarioClient(Scenario& scenario, std::uint32_t number,
                               std::initializer_list<Habit> habits, const Rhythm& rhythm)
    : SimClient(scenario.world(), number),
      scenario_(scenario),
      habit_(draw(habits, scenario.world().prng())),
      rhythm_(rhythm) {}

bool ScenarioClient::may_talk() const { return scenario_.is_talking() && !has_said_all(); }

void ScenarioClient::finish() {
  is_finishing_ = true;
  half_close();
}

void ScenarioClient::leave() {
  was_cut_ = true;
  close();
}

bool ScenarioClient::on_step() {
  if (!may_talk()) return false;
  engine::Prng& prng = world().prng();
  const bool is_willing = habit_ != Habit::silent && has_more_to_say();
  if (is_willing && unsent_bytes() < unsent_bytes_max && prng.one_in(rhythm_.one_in)) {
    const bool is_long = prng.one_in(long_run_one_in);
    std::uint64_t count = prng.below(1 + (is_long ? rhythm_.long_run_max : rhythm_.run_max));
    for (; count > 0; --count) say();
  }
  if (prng.one_in(habit_one_in)) act_by_habit();
  return !is_over();
}

void ScenarioClient::act_by_habit() {
  switch (habit_) {
    case Habit::talks:
    case Habit::silent:
      return;
    case Habit::stops_reading:
      return set_pace({.read_bytes_max = is_reading() ? std::uint64_t{0} : 65536});
    case Habit::ends_inside_a_message:
      say_part();
      return finish();
    case Habit::half_closes:
      return finish();
    case Habit::says_too_long:
      return say_too_long();
    case Habit::resets:
      was_cut_ = true;
      return reset();
    case Habit::closes:
      return leave();
  }
}

}  // namespace ringpost::sim
