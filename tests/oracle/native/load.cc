// load FILE...    Prints the files that the official runtime's reader refuses, and is 2 then. No kernel is looked for, so
// training models and quantized ones load, too.
#include <cstdio>

namespace mindspore::lite {
// The part of the library's class that is used here; the wheel has no header for it.
struct Model {
  static Model *Import(const char *file);
};
}  // namespace mindspore::lite

int main(int argc, char **argv) {
  int refused = 0;
  for (int i = 1; i < argc; ++i) {
    if (mindspore::lite::Model::Import(argv[i]) == nullptr) {
      std::printf("%s\n", argv[i]);
      refused = 2;
    }
  }
  return refused;
}
