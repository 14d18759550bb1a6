#include "cli/memory_limit.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <csignal>
#include <limits>
#include <new>
#include <string_view>
#include <utility>

#include "cli/commands.h"

namespace weft::cli {
namespace {

// Called where there is no memory left, so it takes none.
[[noreturn]] void OutOfMemory() {
  constexpr std::string_view kMessage =
      "weft: the memory allowed by --memory-limit is used up; raise it, or verify less at once\n";
  if (::write(STDERR_FILENO, kMessage.data(), kMessage.size()) < 0) ::_exit(kExitCannot);
  ::_exit(kExitCannot);
}

// Libraries that cannot throw abort when they get no memory, or use what they did not get. A fault
// with memory to spare is left to go its way.
void Fault(int signal) {
  constexpr std::size_t kProbe = std::size_t{64} << 20;  // more than an allocator takes at once
  void* probe = ::mmap(nullptr, kProbe, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) OutOfMemory();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

std::optional<std::uint64_t> ParseSize(const std::string& text) {
  static constexpr std::array<std::pair<std::string_view, std::uint64_t>, 8> kUnits = {{
      {"", 1},
      {"B", 1},
      {"KB", 1'000},
      {"MB", 1'000'000},
      {"GB", 1'000'000'000},
      {"KiB", std::uint64_t{1} << 10},
      {"MiB", std::uint64_t{1} << 20},
      {"GiB", std::uint64_t{1} << 30},
  }};
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number == 0) return std::nullopt;
  const std::string_view unit(at, static_cast<std::size_t>(end - at));
  for (const auto& [name, factor] : kUnits) {
    if (unit != name) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

bool LimitMemory(std::uint64_t bytes) {
  const rlimit limit{bytes, bytes};
  if (::setrlimit(RLIMIT_DATA, &limit) != 0) return false;
  std::set_new_handler(OutOfMemory);
  ::signal(SIGABRT, Fault);
  ::signal(SIGSEGV, Fault);
  return true;
}

}  // namespace weft::cli
