// Who said so: keys and signatures in minisign's formats, decisions and approvals that can be checked
// offline with `minisign -V` alone.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "contract/types.hpp"

namespace hyops::trust {

// --- keys -----------------------------------------------------------------------------------------

struct PublicKey {               // Ed25519, minisign
  std::string id;                // 16 hex digits, as minisign prints it
  std::string text;              // the base64 line of a minisign .pub file ("RW...")
};
Result<PublicKey> parse_public_key(std::string_view text);   // one line, or a whole .pub file

class SecretKey {                // an unencrypted minisign secret key (minisign -G -W), mode 0600 or refused
 public:
  static Result<SecretKey> generate();
  static Result<SecretKey> load(const std::filesystem::path& file);   // trust.key.*; refuses mode beyond 0600
  Status save(const std::filesystem::path& file, std::string_view comment) const;  // also <stem>.pub beside it
  PublicKey public_key() const;
  // A minisign signature file (prehashed "ED"), with a signed trusted comment.
  Result<std::string> sign(std::string_view message, std::string_view trusted_comment) const;

 private:
  explicit SecretKey(Secret bytes) : bytes_(std::move(bytes)) {}
  Secret bytes_;
};

struct Signed {
  std::string key_id;
  std::string trusted_comment;
};
// trust.signature.malformed, trust.signature.unknown_key, trust.signature.wrong
Result<Signed> verify(std::string_view message, std::string_view signature,
                      const std::vector<PublicKey>& keys);

// --- decisions (D3) -------------------------------------------------------------------------------

struct Decision {                // canonical JSON on disk, beside it <file>.minisig
  int version = 1;
  std::string id, type;          // burst failover failback hold
  std::string lane, target, dr_mode, execution_plane;
  bool requires_approval = true;
  std::string rationale, repository;   // repository: the declared backup source ("stanza@host")
  int64_t issued_ms = 0, expires_ms = 0;
  std::string nonce;
  int64_t epoch = 0;             // of the lane: a drill's decision is worthless elsewhere (E9)
  std::map<std::string, std::string> signals;  // name -> digest of what was observed
  std::string policy;                          // digest
};
Result<std::string> to_document(const Decision& decision);
Result<Decision> parse_decision(std::string_view document);   // trust.decision.malformed

// Everything that can be judged without a ledger: signature by one of the lane's deciders, lane, epoch,
// validity at `now_ms`, type != hold. Codes: trust.decision.{signature,lane,epoch,expired,not_yet,hold,type}.
Result<Decision> check_decision(std::string_view document, std::string_view signature,
                                const contract::Lane& lane, int64_t now_ms);

// --- approvals ------------------------------------------------------------------------------------

struct Approval {                // canonical JSON, signed like a decision
  int version = 1;
  std::string approver;          // name in the lane's [approvers]
  std::string decision;          // digest of the decision document, or of the request
  std::string plan;              // plan digest
  std::string lane;
  std::string blast_radius;      // digest of the plan's blast radius
  int64_t cost_cap_micro = 0;
  int64_t from_ms = 0, until_ms = 0;
  std::string nonce;
};
Result<std::string> to_document(const Approval& approval);
Result<Approval> parse_approval(std::string_view document);   // an empty file is trust.approval.empty

struct SignedDocument { std::string name, document, signature; };

struct ApprovalNeed {
  std::string decision, plan, lane, blast_radius;   // as above
  int64_t cost_micro = 0;                           // the plan's estimate; must be within each cap
  int required = 1;
  std::string requester;                            // may not approve where the profile says so
  bool requester_may_approve = false;
};
// n distinct approvers, each good now; each bad one is named with its own code:
// trust.approval.{empty,malformed,signature,unknown_approver,other_plan,other_lane,other_decision,
// other_blast_radius,cost,expired,not_yet,requester,duplicate,too_few}.
Result<std::vector<Approval>> check_approvals(const std::vector<SignedDocument>& documents,
                                              const ApprovalNeed& need, const contract::Lane& lane,
                                              int64_t now_ms);

// --- sealing (secrets travel sealed to the runners that may open them) ------------------------------

class SealKey {                  // X25519 key pair of a runner
 public:
  static Result<SealKey> generate();
  static Result<SealKey> load(const std::filesystem::path& file);
  Status save(const std::filesystem::path& file) const;
  std::string public_text() const;                       // base64 of 32 bytes
  Result<Secret> unseal(std::string_view sealed) const;  // crypto_box_seal_open; trust.seal.*
 private:
  explicit SealKey(Secret bytes) : bytes_(std::move(bytes)) {}
  Secret bytes_;                                         // secret key, then public key
};
Result<std::string> seal_to(std::string_view public_text, std::string_view bytes);

// The offline bundle: {"bundle":1,"name","version","created_ms","expires_ms","recipients":{public:sealed data key},
// "names":[...],"nonce","body"} where body is XChaCha20-Poly1305 over the canonical JSON {name: base64 value}, with all the other
// members but "body" as additional data. Documented in plugins/secrets/offline-bundle/README.md; that plugin reads it.
struct BundleContents {
  std::string name;
  int64_t version = 1, created_ms = 0, expires_ms = 0;
  std::vector<std::string> recipients;              // public_text of runners
};
Result<std::string> seal_bundle(const BundleContents& about,
                                const std::vector<std::pair<std::string, Secret>>& secrets);

}  // namespace hyops::trust
