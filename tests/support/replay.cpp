// Every input that a fuzzer found worth keeping, whole and cut, on every build and without a
// fuzzer.
#include <gtest/gtest.h>

#include "base/file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size);

TEST(Corpus, is_survived_whole_and_cut) {
  size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HYOPS_CORPUS)) {
    const auto bytes = hyops::read_file(entry.path());
    ASSERT_TRUE(bytes) << entry.path();
    SCOPED_TRACE(entry.path().filename().string());
    const auto* data = reinterpret_cast<const unsigned char*>(bytes->data());
    EXPECT_EQ(LLVMFuzzerTestOneInput(data, bytes->size()), 0);
    for (size_t cut = 0; cut < bytes->size(); cut += 1 + bytes->size() / 50)
      LLVMFuzzerTestOneInput(data, cut);
    ++seen;
  }
  EXPECT_GE(seen, 4u);
}
