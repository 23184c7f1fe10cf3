// flatbuffers_verifier FILE...    Prints the files that FlatBuffers' own verifier refuses, and is 1 then. flatc makes
// ms_generated.h from converter/_generated/ms.fbs.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "ms_generated.h"

int main(int argc, char **argv) {
  int refused = 0;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    flatbuffers::Verifier verifier(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    if (!converter::_generated::ms::VerifyMetaGraphBuffer(verifier)) {
      std::printf("%s\n", argv[i]);
      refused = 1;
    }
  }
  return refused;
}
