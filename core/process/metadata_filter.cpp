// Four small programs for the kernel, put together here: that takes two calls of bpf(2), where a
// compiler for it and a library to load what it made would be a second toolchain.
#include "process/metadata_filter.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <mutex>
#include <vector>

#include "process/metadata.hpp"

namespace hyops::process {
namespace {

// Where machines of today's clouds ask for their credentials; docs/contracts.md says whose each is.
constexpr std::array<uint32_t, 2> addresses = {metadata_address, 0xa83f8110};
constexpr std::array<std::array<uint32_t, 4>, 2> long_addresses = {
    {{0xfd000ec2, 0, 0, 0x0254}, {0xfd2000ce, 0, 0, 0x0254}}};
// Names and time come from the same addresses, and are nobody's credentials.
constexpr std::array<uint16_t, 2> open_ports = {53, 123};

// Registers, as the verifier counts them.
constexpr uint8_t answer = 0, about = 1, value = 2;
constexpr size_t nowhere = 0;

class Program {
 public:
  void load(size_t field) {
    add({BPF_LDX | BPF_MEM | BPF_W, value, about, static_cast<int16_t>(field), 0});
  }
  // Compares what was loaded, both in network order. The place of the jump, for land().
  size_t if_equal(uint32_t with) { return jump(BPF_JEQ, with); }
  size_t if_other(uint32_t than) { return jump(BPF_JNE, than); }
  // Those jumps lead to what is added next.
  void land(const std::vector<size_t>& jumps) {
    for (const size_t from : jumps) code_[from].off = static_cast<int16_t>(code_.size() - from - 1);
  }
  void end(bool allowed) {
    add({BPF_ALU64 | BPF_MOV | BPF_K, answer, 0, 0, allowed});
    add({BPF_JMP | BPF_EXIT, 0, 0, 0, 0});
  }
  const std::vector<bpf_insn>& code() const { return code_; }

 private:
  size_t jump(uint8_t how, uint32_t with) {
    add({static_cast<uint8_t>(BPF_JMP32 | how | BPF_K), value, 0, nowhere,
         static_cast<int32_t>(with)});
    return code_.size() - 1;
  }
  void add(const bpf_insn& instruction) { code_.push_back(instruction); }
  std::vector<bpf_insn> code_;
};

void check_short(Program& program, size_t field, std::vector<size_t>& found) {
  program.load(field);
  for (const uint32_t address : addresses) found.push_back(program.if_equal(htonl(address)));
}

// All words of `wanted`, or on to what comes next.
std::vector<size_t> check_words(Program& program, const uint32_t* wanted, size_t words) {
  std::vector<size_t> others;
  for (size_t i = 0; i < words; ++i) {
    program.load(offsetof(bpf_sock_addr, user_ip6) + i * sizeof(uint32_t));
    others.push_back(program.if_other(htonl(wanted[i])));
  }
  return others;
}

Program make(bool long_ones) {
  constexpr std::array<uint32_t, 3> mapped = {0, 0, 0xffff};  // ::ffff:0:0/96, which is IPv4
  Program program;
  std::vector<size_t> found;
  if (long_ones) {
    for (const auto& address : long_addresses) {
      const auto others = check_words(program, address.data(), address.size() - 1);
      program.load(offsetof(bpf_sock_addr, user_ip6) + 3 * sizeof(uint32_t));
      found.push_back(program.if_equal(htonl(address[3])));
      program.land(others);
    }
    const auto others = check_words(program, mapped.data(), mapped.size());
    check_short(program, offsetof(bpf_sock_addr, user_ip6) + 3 * sizeof(uint32_t), found);
    program.land(others);
  } else {
    check_short(program, offsetof(bpf_sock_addr, user_ip4), found);
  }
  program.end(true);
  program.land(found);
  program.load(offsetof(bpf_sock_addr, user_port));
  std::vector<size_t> open;
  for (const uint16_t port : open_ports) open.push_back(program.if_equal(htons(port)));
  program.end(false);
  program.land(open);
  program.end(true);
  return program;
}

// The kernel looks at as much of it as it is told the size of, and wants the rest to be zero.
long bpf(int command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

Failure refused(const std::string& what, int reason) {
  return fail_errno("process.metadata", "the kernel " + what, reason);
}

Result<Fd> load(bpf_attach_type where, const Program& program) {
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
  load.expected_attach_type = where;
  load.insns = reinterpret_cast<uintptr_t>(program.code().data());
  load.insn_cnt = static_cast<uint32_t>(program.code().size());
  load.license = reinterpret_cast<uintptr_t>("");
  constexpr std::string_view shown = "hyops_metadata";
  shown.copy(load.prog_name, sizeof load.prog_name - 1);
  Fd program_fd(static_cast<int>(bpf(BPF_PROG_LOAD, load)));
  if (!program_fd) return refused("takes no program that looks at where a socket goes", errno);
  return program_fd;
}

struct Hook {
  bpf_attach_type where;
  bool long_ones;
};
// What sends to a mapped address without having connected is seen as IPv4 by the kernel, what
// connects to one is not: so the programs for IPv6 know both.
constexpr std::array<Hook, metadata_programs> hooks = {{{BPF_CGROUP_INET4_CONNECT, false},
                                                        {BPF_CGROUP_UDP4_SENDMSG, false},
                                                        {BPF_CGROUP_INET6_CONNECT, true},
                                                        {BPF_CGROUP_UDP6_SENDMSG, true}}};

struct Loaded {
  std::mutex mutex;
  std::array<Fd, metadata_programs> programs;  // all of them, or none
};

Loaded& loaded() {
  static Loaded here;
  return here;
}

}  // namespace

void inherit_metadata_programs(int first) {
  Loaded& here = loaded();
  const std::lock_guard lock(here.mutex);
  if (::fcntl(first, F_GETFD) < 0) return;
  for (auto& program : here.programs) {
    ::fcntl(first, F_SETFD, FD_CLOEXEC);
    program = Fd(first++);
  }
}

Result<std::array<int, metadata_programs>> loaded_metadata_programs() {
  Loaded& here = loaded();
  const std::lock_guard lock(here.mutex);
  if (!here.programs.back()) {
    std::array<Fd, metadata_programs> programs;
    for (size_t i = 0; i < hooks.size(); ++i) {
      auto program = load(hooks[i].where, make(hooks[i].long_ones));
      if (!program) return Failure(program.error());
      programs[i] = std::move(*program);
    }
    here.programs = std::move(programs);
  }
  std::array<int, metadata_programs> numbers{};
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = here.programs[i].get();
  return numbers;
}

Status refuse_metadata(int cgroup) {
  const auto programs = loaded_metadata_programs();
  if (!programs) return Failure(programs.error());
  for (size_t i = 0; i < hooks.size(); ++i) {
    bpf_attr attachment{};
    attachment.target_fd = static_cast<uint32_t>(cgroup);
    attachment.attach_bpf_fd = static_cast<uint32_t>((*programs)[i]);
    attachment.attach_type = hooks[i].where;
    attachment.attach_flags = BPF_F_ALLOW_MULTI;  // others may add more, and nobody can take away
    if (bpf(BPF_PROG_ATTACH, attachment) != 0)
      return refused("lets no program look at the sockets of a control group", errno);
  }
  return {};
}

}  // namespace hyops::process
