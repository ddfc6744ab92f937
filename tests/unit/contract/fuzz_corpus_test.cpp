// Every input that the fuzzer ever found worth keeping, on every build and without a fuzzer.
#include <gtest/gtest.h>

#include "base/file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size);
#include "../../fuzz/toml.cpp"

TEST(FuzzCorpus, of_contract_files_is_survived) {
  size_t seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(HYOPS_SOURCE_DIR "/tests/fuzz/corpus/toml")) {
    const auto bytes = hyops::read_file(entry.path());
    ASSERT_TRUE(bytes) << entry.path();
    SCOPED_TRACE(entry.path().filename().string());
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(bytes->data()),
                                     bytes->size()),
              0);
    for (size_t cut = 0; cut < bytes->size(); cut += 1 + bytes->size() / 200)
      LLVMFuzzerTestOneInput(reinterpret_cast<const unsigned char*>(bytes->data()), cut);
    ++seen;
  }
  EXPECT_GT(seen, 10u);
}
