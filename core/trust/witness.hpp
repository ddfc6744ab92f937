// The memory of somebody who is not the runner: which checkpoints it was shown. A runner that tells
// one story today and another tomorrow signs both with its own key; only who remembers can tell.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "trust/approval.hpp"
#include "trust/checkpoint.hpp"
#include "trust/keys.hpp"

namespace hyops::trust {

// A folder: of a runner, of a dispatcher, on a USB key. Readable without us:
//   RUN/000001.json, .json.minisig            the checkpoint as the runner signed it
//   RUN/000001.json.witness.minisig           the witness's own signature on the same bytes
//   RUN/SHA256SUMS, .minisig, .witness.minisig    the files of the newest record that was shown
//   RUN/fork-<12 digits>.json, .json.minisig  what was refused: proof against the runner
//   lanes/LANE/<token>-<16 digits>            which run of which runner had this fencing token
class Witness {
 public:
  explicit Witness(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Checkpoints of one run in their order, from its first or from one that is known here. Each must
  // be signed by one of `runners`, the same for the whole run. Those that are new are kept and,
  // with a key, signed. Nothing is kept from the first on that is wrong:
  //   trust.checkpoint.{malformed,signature,gap}
  //   trust.checkpoint.fork: it contradicts one that is remembered; this one is kept as proof
  // Returns how many were new.
  Result<int> take(const std::vector<SignedDocument>& checkpoints,
                   const std::vector<PublicKey>& runners, const SecretKey* own, int64_t now_ms);

  // The list of files of a record that was checked, with its signature, in place of an older one.
  Status take_list(const std::string& run, const SignedDocument& list, const SecretKey* own,
                   int64_t now_ms);
  // Nothing where no record of the run was shown.
  Result<std::optional<SignedDocument>> list_of(const std::string& run) const;

  // What is remembered of a run, in order; empty where it was never seen.
  Result<std::vector<SignedDocument>> of_run(const std::string& run) const;
  std::vector<std::string> runs() const;
  bool signed_by_itself(const std::string& run, int64_t number) const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  struct Known;
  Status check(const SignedDocument& shown, const Checkpoint& checkpoint, const Known& known) const;
  Status check_token(const Checkpoint& checkpoint, const std::string& key) const;
  Status keep(const SignedDocument& shown, const Checkpoint& checkpoint, const std::string& key,
              const SecretKey* own, int64_t now_ms) const;
  void keep_proof(const SignedDocument& shown, const std::string& run) const;
  std::filesystem::path token_file(const Checkpoint& checkpoint, const std::string& key) const;
  std::filesystem::path file(const std::string& run, int64_t number) const;

  std::filesystem::path folder_;
};

}  // namespace hyops::trust
