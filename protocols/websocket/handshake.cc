#include "protocols/websocket/handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <string>

#include "engine/base/assert.h"

namespace ringpost::websocket {

AcceptKey accept_key(engine::Bytes key) {
  constexpr std::size_t digest_bytes = 20;
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[digest_bytes];
  const int hashed = EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr);
  ASSERT(hashed == 1);
  unsigned char encoded[AcceptKey().size() + 1];  // with the 0 that EVP_EncodeBlock puts
  const int bytes = EVP_EncodeBlock(encoded, digest, digest_bytes);
  AcceptKey accept;
  ASSERT(bytes == static_cast<int>(accept.size()));
  std::copy_n(encoded, accept.size(), accept.begin());
  return accept;
}

}  // namespace ringpost::websocket
