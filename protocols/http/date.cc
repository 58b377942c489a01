#include "protocols/http/date.h"

#include <algorithm>
#include <chrono>
#include <string_view>

namespace ringpost::http {

namespace {

char* put(char* out, std::string_view text) { return std::copy(text.begin(), text.end(), out); }

char* put_number(char* out, unsigned number, int digits) {
  for (int i = digits - 1; i >= 0; --i, number /= 10) out[i] = static_cast<char>('0' + number % 10);
  return out + digits;
}

}  // namespace

engine::Bytes Date::at(std::int64_t unix_s) {
  if (unix_s != unix_s_) {
    constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    unix_s_ = unix_s;
    const std::chrono::sys_seconds time{std::chrono::seconds(unix_s)};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    char* out = text_.data();
    out = put(out, days[std::chrono::weekday(day).c_encoding()]);
    out = put(out, ", ");
    out = put_number(out, static_cast<unsigned>(date.day()), 2);
    out = put(out, " ");
    out = put(out, months[static_cast<unsigned>(date.month()) - 1]);
    out = put(out, " ");
    out = put_number(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out = put(out, " ");
    out = put_number(out, static_cast<unsigned>(clock.hours().count()), 2);
    out = put(out, ":");
    out = put_number(out, static_cast<unsigned>(clock.minutes().count()), 2);
    out = put(out, ":");
    out = put_number(out, static_cast<unsigned>(clock.seconds().count()), 2);
    put(out, " GMT");
  }
  return {text_.data(), text_.size()};
}

}  // namespace ringpost::http
