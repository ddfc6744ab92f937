#include "lab/kept_record.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "engine/transfer.hpp"
#include "trust/trust.hpp"

namespace hyops::lab {

Result<KeptRecord> fetch_record(const Lab& lab, const Runner& runner, const std::string& run,
                                const std::filesystem::path& into) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return fail_errno("process.spawn", "cannot make a pipe", errno);
  Fd from(out[0]), to(out[1]);
  auto sender =
      lab.start(dispatcher, {"/usr/bin/hyops", "run", "send", run}, to.get(), STDERR_FILENO);
  if (!sender) return pass(sender);
  to.reset();
  std::error_code ignored;
  std::filesystem::remove_all(into, ignored);
  const Status got = engine::receive_record(from.get(), into);
  if (auto ended = sender->wait(10'000); !ended) return pass(ended);
  if (!got) return Failure(got.error());
  auto key = trust::parse_public_key(runner.key);
  if (!key) return pass(key);
  auto verified = record::verify(
      into, [&](std::string_view message, std::string_view signature) -> Result<std::string> {
        auto good = trust::verify(message, signature, {*key});
        if (!good) return pass(good);
        return runner.name;
      });
  if (!verified) return pass(verified);
  auto summary = record::summary(into);
  if (!summary) return pass(summary);
  return KeptRecord{std::move(*verified), std::move(*summary)};
}

Status complete_record(const Lab& lab, const Runner& runner, const std::string& run,
                       const Measurement& measured) {
  std::vector<std::string> words{"/usr/bin/hyops",
                                 "run",
                                 "measured",
                                 run,
                                 "--rows-lost",
                                 std::to_string(measured.rows_lost),
                                 "--rows-acknowledged",
                                 std::to_string(measured.rows_acknowledged),
                                 "--lost",
                                 std::to_string(measured.lost_ms) + "ms",
                                 "--source",
                                 "the log of the client that writes through the name",
                                 "--by",
                                 "drill"};
  if (measured.served_ms)
    words.insert(words.end(), {"--served-at", to_rfc3339(measured.served_ms)});
  if (auto noted = lab.run(runner.host, words); !noted) return pass(noted);
  auto collected =
      lab.run(dispatcher, {"/usr/bin/hyops", "run", "collect", run, "--runner", runner.name});
  if (!collected) return pass(collected);
  return {};
}

}  // namespace hyops::lab
