#include "engine/net/name_lookup.h"

#include <ares.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "engine/base/assert.h"

namespace ringpost::engine {

namespace {

void initialize_library_once() {
  static std::once_flag once;
  std::call_once(once, [] { ASSERT(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS); });
}

// For people; what is not named here is rare enough for the library's own words.
const char* explain(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
      return "no such name";
    case ARES_EBADNAME:
      return "not a valid host name";
    case ARES_ETIMEOUT:
      return "no DNS server answered in time";
    case ARES_ECONNREFUSED:  // also what is left when every server said that it cannot
      return "no DNS server could be reached, or each failed";
    case ARES_EBADRESP:
      return "the DNS server's answer makes no sense";
    default:
      return ares_strerror(status);
  }
}

std::uint64_t server_count(ares_channeldata* channel) {
  ares_addr_port_node* servers = nullptr;
  if (ares_get_servers_ports(channel, &servers) != ARES_SUCCESS) return 0;
  std::uint64_t count = 0;
  for (const ares_addr_port_node* server = servers; server != nullptr; server = server->next) {
    ++count;
  }
  ares_free_data(servers);
  return count;
}

// As c-ares spends it on one name: every further round waits twice as long as the one before.
Nanos time_for_one_name(const NameLookupOptions& options, std::uint64_t servers) {
  const std::uint64_t rounds = (std::uint64_t{1} << options.tries) - 1;
  return options.timeout * static_cast<Nanos>(rounds * std::max<std::uint64_t>(servers, 1));
}

timeval to_timeval(Nanos span) {
  timeval result;
  result.tv_sec = span / nanos_per_s;
  result.tv_usec = span % nanos_per_s / nanos_per_us;
  return result;
}

}  // namespace

std::optional<std::string> validate(const NameLookupOptions& options) {
  initialize_library_once();
  ares_channel channel;
  const int made = ares_init(&channel);
  if (made != ARES_SUCCESS) return std::string("cannot look names up: ") + ares_strerror(made);
  const int set = options.servers.empty()
                      ? ARES_SUCCESS
                      : ares_set_servers_ports_csv(channel, options.servers.c_str());
  const bool some = server_count(channel) != 0;
  ares_destroy(channel);
  if (set == ARES_SUCCESS && some) return std::nullopt;
  return "'" + options.servers + "' is no list of DNS servers such as 127.0.0.1:5353,[::1]:53";
}

void NameLookup::Destroy::operator()(ares_channeldata* channel) const { ares_destroy(channel); }

void NameLookup::start(const NameLookupOptions& options, Nanos now) {
  ASSERT(options.tries >= 1 && options.tries <= 16);
  initialize_library_once();
  channel_.reset();
  descriptors_.clear();
  list_.clear();
  error_.clear();
  done_ = false;

  ares_options ares = {};
  ares.timeout = static_cast<int>(std::max<Nanos>(options.timeout / nanos_per_ms, 1));
  ares.tries = static_cast<int>(options.tries);
  ares.sock_state_cb = &NameLookup::on_socket;
  ares.sock_state_cb_data = this;
  ares_channel channel = nullptr;
  int status = ares_init_options(&channel, &ares,
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) return fail(status);
  channel_.reset(channel);
  if (!options.servers.empty()) {
    status = ares_set_servers_ports_csv(channel, options.servers.c_str());
    if (status != ARES_SUCCESS) return fail(status);
  }
  end_ = now + time_for_one_name(options, server_count(channel)) + options.timeout;

  ares_addrinfo_hints hints = {};
  hints.ai_flags = ARES_AI_ENVHOSTS;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel, host_.c_str(), nullptr, &hints, &NameLookup::on_answer, this);
}

Nanos NameLookup::next_time(Nanos now) const {
  DASSERT(!done_);
  const Nanos left = std::max<Nanos>(end_ - now, 0);
  timeval most = to_timeval(left);
  timeval storage;
  const timeval* next = ares_timeout(channel_.get(), &most, &storage);
  return now + std::min(left, next->tv_sec * nanos_per_s + next->tv_usec * nanos_per_us);
}

void NameLookup::on_ready(const pollfd& descriptor) {
  if (done_) return;
  // An error or a hang-up is found by whoever reads or writes.
  const bool failed = (descriptor.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
  const bool readable = (descriptor.revents & POLLIN) != 0;
  const bool writable = (descriptor.revents & POLLOUT) != 0;
  const bool read = readable || (failed && (descriptor.events & POLLIN) != 0);
  const bool write = writable || (failed && (descriptor.events & POLLOUT) != 0);
  ares_process_fd(channel_.get(), read ? descriptor.fd : ARES_SOCKET_BAD,
                  write ? descriptor.fd : ARES_SOCKET_BAD);
}

void NameLookup::on_time(Nanos now) {
  if (done_) return;
  ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  if (!done_ && now >= end_) cancel(explain(ARES_ETIMEOUT));
}

void NameLookup::cancel(const char* why) {
  if (done_) return;
  fail(why);
  channel_.reset();  // calls `on_answer`, which has heard already
}

// Called on: the library's way through its sockets, with the channel in use.
void NameLookup::on_socket(void* self, int socket, int readable, int writable) {
  std::vector<pollfd>& descriptors = static_cast<NameLookup*>(self)->descriptors_;
  std::erase_if(descriptors, [socket](const pollfd& known) { return known.fd == socket; });
  const int events = (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
  if (events != 0) descriptors.push_back({socket, static_cast<short>(events), 0});
}

void NameLookup::on_answer(void* self, int status, int, ares_addrinfo* answer) {
  auto& lookup = *static_cast<NameLookup*>(self);
  if (!lookup.done_) {
    if (status == ARES_SUCCESS && answer != nullptr) {
      lookup.take(*answer);
    } else {
      lookup.fail(status);
    }
  }
  if (answer != nullptr) ares_freeaddrinfo(answer);
}

void NameLookup::take(const ares_addrinfo& answer) {
  for (const ares_addrinfo_node* node = answer.nodes; node != nullptr; node = node->ai_next) {
    const bool known = node->ai_family == AF_INET || node->ai_family == AF_INET6;
    if (!known || node->ai_addrlen > sizeof(sockaddr_storage)) continue;
    SocketAddress& address = list_.emplace_back();
    std::memcpy(&address.storage, node->ai_addr, node->ai_addrlen);
    address.length = node->ai_addrlen;
  }
  if (list_.empty()) return fail(ARES_ENODATA);
  done_ = true;
}

void NameLookup::fail(int status) {
  if (status != ARES_ENODATA) return fail(explain(status));
  error_ = '\'' + host_ + "' could not resolve to any address";
  done_ = true;
}

void NameLookup::fail(const char* why) {
  error_ = '\'' + host_ + "' could not be resolved: " + why;
  done_ = true;
}

}  // namespace ringpost::engine
