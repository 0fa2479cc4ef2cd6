// What a peer can send to a TLS engine. The first byte of an input says what
// the rest is:
//   bit 0  the engine under test: client or server
//   bit 1  TLS 1.3, else 1.2
//   bit 2  the rest changes what an honest peer sends: five bytes each are how
//   many bytes
//          to go on (two), what to XOR with, and how many bytes to drop or
//          double; else it is what the peer sends
//   bit 3  after a handshake that nobody has disturbed
#include <algorithm>
#include <memory>

#include "base/check.h"
#include "fuzz/target.h"
#include "tls/engine.h"
#include "tls/issue.h"

using namespace tonio::tls;
using Status = Engine::Status;

namespace {

std::shared_ptr<const Config> make_config(Side side, Version version) {
  static const CertificatePair pair = [] {
    std::string error;
    return issue_certificate({.names = {"fuzz.test"}}, error).value();
  }();
  std::string error;
  Settings settings;
  settings.side = side;
  settings.minimum = settings.maximum = version;
  settings.alpn = {"h2", "http/1.1"};
  TONIO_CHECK(load_trust(pair.certificate, settings.trust, error));
  if (side == Side::kServer) {
    settings.verify = Verify::kOptional;
    settings.identities = {Identity::load(pair.certificate, pair.key, "", error)};
  }
  auto made = Config::make(settings, error);
  TONIO_CHECK(made);
  return made;
}

std::unique_ptr<Engine> make_engine(Side side, Version version) {
  static const std::shared_ptr<const Config> configs[2][2] = {
      {make_config(Side::kClient, Version::kTls12), make_config(Side::kClient, Version::kTls13)},
      {make_config(Side::kServer, Version::kTls12), make_config(Side::kServer, Version::kTls13)}};
  std::string error;
  return Engine::make(configs[side == Side::kServer][version == Version::kTls13],
                      side == Side::kClient ? "fuzz.test" : "", error);
}

void carry(Engine& from, Engine& to) {
  Bytes bytes;
  from.take_output(bytes);
  to.add_input(bytes);
}

// Everything that the engine's user may do, and what must hold whatever the
// peer has sent.
void use(Engine& engine) {
  Status status = engine.handshake();
  if (status == Status::kDone) {
    unsigned char buffer[1000];
    std::size_t size = 0;
    for (int i = 0; i < 100 && (status = engine.read(buffer, size)) == Status::kDone; ++i) {
      TONIO_CHECK(size > 0 && size <= sizeof buffer);
    }
    const unsigned char text[] = "answer";
    (void)engine.write(text);
  }
  if (status == Status::kFailed || status == Status::kTruncated)
    TONIO_CHECK(!engine.error().empty());
  (void)engine.peer_certificate();
  (void)engine.alpn();
}

class Changes {
 public:
  Changes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  Bytes apply(const Bytes& sent) {
    Bytes changed;
    std::size_t from = 0;
    while (size_ >= 5) {
      const std::size_t distance = data_[0] * 256U + data_[1];
      const std::size_t at = from + distance;
      if (at >= sent.size()) {
        break;
      }
      changed.insert(changed.end(), sent.begin() + static_cast<long>(from),
                     sent.begin() + static_cast<long>(at));
      changed.push_back(sent[at] ^ data_[2]);
      const std::size_t after = at + 1;
      const std::size_t dropped = std::min<std::size_t>(data_[3] % 8, sent.size() - after);
      const std::size_t doubled = std::min<std::size_t>(data_[4] % 8, sent.size() - after);
      changed.insert(changed.end(), sent.begin() + static_cast<long>(after),
                     sent.begin() + static_cast<long>(after + doubled));
      from = after + dropped;
      data_ += 5;
      size_ -= 5;
    }
    changed.insert(changed.end(), sent.begin() + static_cast<long>(from), sent.end());
    return changed;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned mode = *data++;
  --size;
  const Version version = mode & 2 ? Version::kTls13 : Version::kTls12;
  const auto tested = make_engine(mode & 1 ? Side::kServer : Side::kClient, version);
  const auto honest = make_engine(mode & 1 ? Side::kClient : Side::kServer, version);
  if (mode & 8) {
    for (int round = 0; round < 6; ++round) {
      tested->handshake();
      carry(*tested, *honest);
      honest->handshake();
      carry(*honest, *tested);
    }
    TONIO_CHECK(tested->handshake_done() && honest->handshake_done());
    const Bytes text(3000, 'x');
    TONIO_CHECK(honest->write(text) == Status::kDone);
  }
  if (mode & 4) {
    Changes changes(data, size);
    for (int round = 0; round < 6; ++round) {
      use(*tested);
      carry(*tested, *honest);
      honest->handshake();
      Bytes sent;
      honest->take_output(sent);
      tested->add_input(changes.apply(sent));
    }
  } else {
    if (mode & 1) tested->handshake();
    // In two parts.
    tested->add_input({data, size / 2});
    use(*tested);
    tested->add_input({data + size / 2, size - size / 2});
  }
  use(*tested);
  tested->end_input();
  use(*tested);
  tested->close();
  use(*tested);
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds;
  for (const char version : {0, 2}) {
    for (const char side : {0, 1}) {
      // The first flight of an honest peer.
      const auto peer = make_engine(side ? Side::kClient : Side::kServer,
                                    version ? Version::kTls13 : Version::kTls12);
      const auto other = make_engine(side ? Side::kServer : Side::kClient,
                                     version ? Version::kTls13 : Version::kTls12);
      other->handshake();
      if (!side) carry(*other, *peer);
      peer->handshake();
      Bytes flight;
      peer->take_output(flight);
      seeds.push_back(static_cast<char>(side | version) +
                      std::string(flight.begin(), flight.end()));
      for (const char after : {0, 8}) {
        const char mode = static_cast<char>(side | version | 4 | after);
        seeds.push_back(mode + std::string("\0\x05\x01\0\0\0\x30\x80\0\0\x01\0\xff\0\x01", 15));
        seeds.push_back(mode + std::string("\0\x50\x01\x01\0", 5));
        seeds.push_back(std::string(1, mode));
      }
    }
  }
  return seeds;
}
