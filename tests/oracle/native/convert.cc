// Drives the converter class of the official library, which the wheel's Python module does not expose whole:
// its Python class has no switch for training models.
//
//   convert MODEL.mindir OUTPUT.ms {train|infer} [CONFIG]
//
// The library prints its own result line. Last line here: "status <n>", the signed status code.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "include/api/status.h"
#include "include/registry/converter_context.h"

namespace mindspore {
struct ConverterPara;

// The wheel has the class but not its header. Only what is called here is declared; the layout is one shared pointer.
class Converter {
 public:
  Converter(converter::FmkType framework, const std::vector<char> &model, const std::vector<char> &output,
            const std::vector<char> &weights);
  void SetConfigFile(const std::vector<char> &path);
  void SetTrainModel(bool is_training);
  void SetSaveType(ModelType type);
  Status Convert();

 private:
  std::shared_ptr<ConverterPara> parameters_;
};
}  // namespace mindspore

namespace {
constexpr int kUsage = 64;

std::vector<char> Chars(const char *text) { return {text, text + std::strlen(text)}; }
}  // namespace

int main(int argc, char **argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: convert MODEL.mindir OUTPUT.ms {train|infer} [CONFIG]\n");
    return kUsage;
  }
  mindspore::Converter converter(mindspore::converter::kFmkTypeMs, Chars(argv[1]), Chars(argv[2]), {});
  converter.SetSaveType(mindspore::kMindIR_Lite);  // this build would write a `.mindir`, over its input if named alike
  converter.SetTrainModel(std::strcmp(argv[3], "train") == 0);
  if (argc > 4) {
    converter.SetConfigFile(Chars(argv[4]));
  }
  const mindspore::Status status = converter.Convert();
  const auto code = static_cast<int32_t>(static_cast<int>(status));
  std::printf("status %d\n", code);
  return code == 0 ? 0 : 1;
}
