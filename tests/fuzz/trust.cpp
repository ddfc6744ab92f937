// Any bytes as anything this folder reads: nothing may crash, pass without a signature, or be read
// in two ways.
#include <cstdlib>

#include "trust/trust.hpp"

namespace {

using namespace hyops;
using namespace hyops::trust;

void must(bool holds) {
  if (!holds) std::abort();
}

// A key that nobody holds the other half of: whatever verifies with it is a forgery.
const std::vector<PublicKey>& trusted() {
  static const std::vector<PublicKey> keys{SecretKey::generate()->public_key()};
  return keys;
}

const contract::Lane& lane() {
  static const contract::Lane one = [] {
    contract::Lane out;
    out.name = "drill";
    out.approvers = {{"alice", trusted().front().text}};
    out.deciders = {{"edge", trusted().front().text}};
    return out;
  }();
  return one;
}

// What was read and is written again must be the same bytes, or its digest would mean two things.
template <class Parsed>
void same_bytes(const Parsed& parsed, std::string_view text) {
  if (!parsed) return;
  const auto again = to_document(*parsed);
  must(again && *again == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto key = parse_public_key(text)) {
    must(key->text.size() == 56 && key->material().size() == 32);
    must(parse_public_key(public_key_file(*key))->text == key->text);
  }
  must(!verify("message", text, trusted()));
  same_bytes(parse_decision(text), text);
  same_bytes(parse_approval(text), text);
  must(!check_decision(text, text, lane(), 1));
  ApprovalNeed need;
  need.lane = "drill";
  must(!check_approvals({{"input", std::string(text), std::string(text)}}, need, lane(), 1));
  if (const auto listing = list_bundle(text)) must(listing->about.version >= 1);

  static const SealKey seal = SealKey::generate().value();
  must(!seal.unseal(text));
  (void)seal_to(text, "bytes");
  return 0;
}
