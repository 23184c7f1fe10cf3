// Drives the converter class of the official library, which the wheel's Python module does not expose whole:
// its Python class has no switch for training models.
//
//   convert MODEL.mindir OUTPUT.ms {train|infer} [CONFIG] [--FLAG=VALUE ...]
//
// The flags are those of converter_lite that the class has a setter for. A key is what its setter takes.
// The library prints its own result line. Last line here: "status <n>", the signed status code.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "include/api/data_type.h"
#include "include/api/format.h"
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
  void SetWeightFp16(bool is_on);
  void SetInputFormat(Format format);
  void SetInputDataType(DataType type);
  void SetOutputDataType(DataType type);
  void SetInputShape(const std::map<std::vector<char>, std::vector<int64_t>> &shapes);
  void SetInfer(bool is_on);
  void SetDecryptKey(const std::vector<char> &key);
  void SetDecryptMode(const std::vector<char> &mode);
  void SetEnableEncryption(bool is_on);
  void SetEncryptKey(const std::vector<char> &key);
  void SetNoFusion(bool is_on);
  Status Convert();

 private:
  std::shared_ptr<ConverterPara> parameters_;
};
}  // namespace mindspore

namespace {
using mindspore::Converter;
using mindspore::DataType;

constexpr int kUsage = 64;

std::vector<char> Chars(const std::string &text) { return {text.begin(), text.end()}; }

DataType Type(const std::string &name) {
  static const std::map<std::string, DataType> kTypes = {
    {"FLOAT16", DataType::kNumberTypeFloat16}, {"FLOAT", DataType::kNumberTypeFloat32},
    {"INT8", DataType::kNumberTypeInt8},       {"UINT8", DataType::kNumberTypeUInt8},
    {"INT32", DataType::kNumberTypeInt32},     {"INT64", DataType::kNumberTypeInt64},
    {"DEFAULT", DataType::kTypeUnknown}};
  return kTypes.at(name);
}

// "name:1,2;name2:3": the last colon ends a name.
std::map<std::vector<char>, std::vector<int64_t>> Shapes(const std::string &text) {
  std::map<std::vector<char>, std::vector<int64_t>> shapes;
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ';');) {
    const auto colon = part.rfind(':');
    std::istringstream dims(part.substr(colon + 1));
    auto &shape = shapes[Chars(part.substr(0, colon))];
    for (std::string dim; std::getline(dims, dim, ',');) {
      shape.push_back(std::stoll(dim));
    }
  }
  return shapes;
}

using Setter = std::function<void(Converter *, const std::string &)>;
const std::map<std::string, Setter> kSetters = {
  {"fp16", [](Converter *c, const std::string &v) { c->SetWeightFp16(v == "on"); }},
  {"inputDataFormat",
   [](Converter *c, const std::string &v) { c->SetInputFormat(v == "NCHW" ? mindspore::NCHW : mindspore::NHWC); }},
  {"inputDataType", [](Converter *c, const std::string &v) { c->SetInputDataType(Type(v)); }},
  {"outputDataType", [](Converter *c, const std::string &v) { c->SetOutputDataType(Type(v)); }},
  {"inputShape", [](Converter *c, const std::string &v) { c->SetInputShape(Shapes(v)); }},
  {"infer", [](Converter *c, const std::string &v) { c->SetInfer(v == "true"); }},
  {"decryptKey", [](Converter *c, const std::string &v) { c->SetDecryptKey(Chars(v)); }},
  {"decryptMode", [](Converter *c, const std::string &v) { c->SetDecryptMode(Chars(v)); }},
  {"encryption", [](Converter *c, const std::string &v) { c->SetEnableEncryption(v == "true"); }},
  {"encryptKey", [](Converter *c, const std::string &v) { c->SetEncryptKey(Chars(v)); }},
  {"NoFusion", [](Converter *c, const std::string &v) { c->SetNoFusion(v == "true"); }},
};

// Applies one argument after the third; false when it is neither a config file nor a known flag.
bool Apply(Converter *converter, const std::string &argument) {
  if (argument.rfind("--", 0) != 0) {
    converter->SetConfigFile(Chars(argument));
    return true;
  }
  const auto equals = argument.find('=');
  const auto setter = kSetters.find(argument.substr(2, equals - 2));
  if (equals == std::string::npos || setter == kSetters.end()) {
    return false;
  }
  setter->second(converter, argument.substr(equals + 1));
  return true;
}
}  // namespace

int main(int argc, char **argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: convert MODEL.mindir OUTPUT.ms {train|infer} [CONFIG] [--FLAG=VALUE ...]\n");
    return kUsage;
  }
  Converter converter(mindspore::converter::kFmkTypeMs, Chars(argv[1]), Chars(argv[2]), {});
  converter.SetSaveType(mindspore::kMindIR_Lite);  // this build would write a `.mindir`, over its input if named alike
  converter.SetTrainModel(std::strcmp(argv[3], "train") == 0);
  for (int i = 4; i < argc; ++i) {
    if (!Apply(&converter, argv[i])) {
      std::fprintf(stderr, "convert: %s is no flag of the converter class\n", argv[i]);
      return kUsage;
    }
  }
  const mindspore::Status status = converter.Convert();
  const auto code = static_cast<int32_t>(static_cast<int>(status));
  std::printf("status %d\n", code);
  return code == 0 ? 0 : 1;
}
