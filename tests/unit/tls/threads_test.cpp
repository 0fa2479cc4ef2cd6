// Connections on many threads share their settings, their tickets and mbedTLS's
// random generator and key store.
#include <doctest/doctest.h>

#include <atomic>

#include "support/parallelize.h"
#include "unit/tls/engines.h"

using namespace tonio::tls;

TEST_CASE("connections on many threads share their settings") {
  Settings client_set = client_settings();
  Settings server_set = server_settings();
  server_set.identities.push_back(identity_for("other.test", true));
  const auto client = config(client_set);
  const auto server = config(server_set);
  std::atomic<int> resumed{0};
  std::atomic<int> failed{0};
  tonio::test::parallelize(6, [&](int) {
    for (int round = 0; round < 8; ++round) {
      // doctest's assertions cost too much here, and its REQUIRE can't leave a
      // thread.
      Pair pair(client, server, round % 2 ? "server.test" : "other.test");
      pair.shake();
      unsigned char text[] = "data", got[10];
      std::size_t size = 0;
      const bool good =
          pair.client->handshake_done() && pair.server->handshake_done() &&
          pair.server->write(text) == Engine::Status::kDone && carry(*pair.server, *pair.client) &&
          pair.client->read(got, size) == Engine::Status::kDone && size == sizeof text;
      if (!good) ++failed;
      if (pair.client->resumed()) ++resumed;
    }
  });
  CHECK(failed == 0);
  // Each connection leaves a ticket for a later one.
  CHECK(resumed > 0);
}
