// ringpost-talk: a small client for people (options.cc has its help), and an example of the engine
// as a client library: one shard, which serves the terminal and the server. See talk.h.

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "engine/io/socket.h"
#include "engine/io/uring_check.h"
#include "engine/shard/shard_group.h"
#include "tools/talk/options.h"
#include "tools/talk/streams.h"
#include "tools/talk/talk.h"

namespace {

namespace engine = ringpost::engine;
namespace talk = ringpost::talk;

// One shard with little of everything: it has two connections, which bring their own buffers.
engine::ShardGroupOptions group_options(const talk::Options& options) {
  engine::ShardGroupOptions group;
  group.cpus = {static_cast<std::uint32_t>(sched_getcpu())};
  group.uring_entries = 32;
  group.completion_entries = 128;
  group.buffer_count = 2;
  group.buffer_bytes = 4 << 10;
  group.shard.seed = static_cast<std::uint64_t>(getpid());
  const bool numeric = engine::parse_address(to_text(options.talk.dial.endpoint)).has_value();
  if (!numeric) group.resolver.emplace().lookup = options.lookup;
  return group;
}

int fail(const std::string& why) {
  talk::say(why);
  return talk::exit_failed;
}

int run(const talk::Options& options) {
  const auto group_wanted = group_options(options);
  if (const auto checked = engine::check_io_uring(group_wanted.demand()); !checked) {
    return fail(checked.error());
  }
  int sockets[2];  // the streams' and the shard's
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
    return fail(std::string("cannot make a socket pair: ") + std::strerror(errno));
  }
  const int streams = sockets[0];
  int status = talk::exit_failed;
  engine::ShardGroup group(group_wanted);
  const auto why = group.start([&](engine::Shard& shard) {
    shard.serve(sockets[1],
                shard.add_service(std::make_unique<talk::Talk>(shard, options.talk, status)));
  });
  if (why) return fail(*why);

  std::thread input([&] {
    if (options.request) {
      talk::copy_text_to(streams, *options.request + "\n");
    } else {
      talk::copy_input_to(streams);
    }
  });
  const bool printed = talk::copy_to_output(streams);
  shutdown(streams, SHUT_RDWR);  // ends the other direction too
  input.join();
  group.drain_at_once();
  group.join();
  close(streams);
  return printed ? status : talk::exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  const auto command_line = talk::parse_command_line(argc, argv);
  if (command_line.options) return run(*command_line.options);
  std::fputs(command_line.text.c_str(), command_line.exit_code == 0 ? stdout : stderr);
  return command_line.exit_code;
}
