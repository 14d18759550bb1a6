#include "relay/process/signals.h"

#include <unistd.h>

#include <csignal>

namespace weft::relay {
namespace {

sigset_t Ends() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockSignals() {
  const sigset_t set = Ends();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void WaitForEnd() {
  const sigset_t set = Ends();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
}

bool WaitForEnd(std::chrono::milliseconds patience) {
  const sigset_t set = Ends();
  const timespec time{.tv_sec = patience.count() / 1000,
                      .tv_nsec = patience.count() % 1000 * 1'000'000};
  return sigtimedwait(&set, nullptr, &time) > 0;
}

void EndProcess() { ::kill(::getpid(), SIGTERM); }

}  // namespace weft::relay
