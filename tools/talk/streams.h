#pragma once

// Streams: standard input, output and error. Reading them may wait for ever, and a shard never
// waits; so threads of their own copy between them and a socket, which the shard serves like any
// other. The socket holds them back when the shard does, and the other way round.

#include <string>

namespace ringpost::talk {

// One line on standard error, with our name. Called on: any thread.
void say(const std::string& text);

// Copies standard input to `socket` until the one ends or the other breaks, then ends that
// direction.
void copy_input_to(int socket);
// The same with a text instead of standard input.
void copy_text_to(int socket, const std::string& text);
// Copies `socket` to standard output until the socket ends. False: standard output broke; says why.
bool copy_to_output(int socket);

}  // namespace ringpost::talk
