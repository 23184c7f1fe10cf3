// Runs a `.ms` in the official inference runtime on raw little-endian tensors.
//
//   run MODEL.ms FOLDER…       for each folder reads FOLDER/in<i>.bin, writes FOLDER/out<i>.bin
//   run MODEL.ms               only describes the inputs
//
// A folder with a file `shapes` (one input a line, dimensions separated by blanks) has the model resized first.
// Prints "in <i> <dtype> <bytes> <rank> <dims…> <name>" for every input and the same with "out" for every output.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "include/api/context.h"
#include "include/api/model.h"

namespace {
constexpr int kUsage = 64;
constexpr int kRefused = 2;
constexpr int kPredictFailed = 3;
constexpr int kBadInput = 4;

void Describe(const char *role, const std::vector<mindspore::MSTensor> &tensors) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto &tensor = tensors[i];
    std::printf("%s %zu %d %zu %zu", role, i, static_cast<int>(tensor.DataType()), tensor.DataSize(),
                tensor.Shape().size());
    for (const auto dim : tensor.Shape()) {
      std::printf(" %lld", static_cast<long long>(dim));
    }
    std::printf(" %s\n", tensor.Name().c_str());
  }
}

bool Fill(mindspore::MSTensor *tensor, const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto *target = static_cast<char *>(tensor->MutableData());
  if (!file || target == nullptr || bytes.size() != tensor->DataSize()) {
    std::fprintf(stderr, "%s: %zu bytes, the model takes %zu\n", path.c_str(), bytes.size(), tensor->DataSize());
    return false;
  }
  std::copy(bytes.begin(), bytes.end(), target);
  return true;
}

// Gives the inputs the shapes that a folder asks for; true when it asks for none.
bool Resize(mindspore::Model *model, const std::string &folder) {
  std::ifstream file(folder + "shapes");
  if (!file) {
    return true;
  }
  std::vector<std::vector<int64_t>> shapes;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    shapes.emplace_back(std::istream_iterator<int64_t>(words), std::istream_iterator<int64_t>());
  }
  return model->Resize(model->GetInputs(), shapes).IsOk();
}

void Save(mindspore::MSTensor tensor, const std::string &path) {
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char *>(tensor.MutableData()), static_cast<std::streamsize>(tensor.DataSize()));
}
int Run(mindspore::Model *model, const std::string &folder) {
  if (!Resize(model, folder)) {
    std::fprintf(stderr, "the official runtime cannot resize the model\n");
    return kBadInput;
  }
  auto inputs = model->GetInputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!Fill(&inputs[i], folder + "in" + std::to_string(i) + ".bin")) {
      return kBadInput;
    }
  }
  std::vector<mindspore::MSTensor> outputs;
  if (model->Predict(inputs, &outputs).IsError()) {
    std::fprintf(stderr, "the official runtime fails to run the model\n");
    return kPredictFailed;
  }
  Describe("out", outputs);
  for (size_t i = 0; i < outputs.size(); ++i) {
    Save(outputs[i], folder + "out" + std::to_string(i) + ".bin");
  }
  return 0;
}
}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: run MODEL.ms [FOLDER]\n");
    return kUsage;
  }
  auto context = std::make_shared<mindspore::Context>();
  context->SetThreadNum(1);  // with two threads the runtime's LayerNorm is wrong
  context->MutableDeviceInfo().push_back(std::make_shared<mindspore::CPUDeviceInfo>());
  mindspore::Model model;
  if (model.Build(std::string(argv[1]), mindspore::kMindIR_Lite, context).IsError()) {
    std::fprintf(stderr, "the official runtime refuses the model\n");
    return kRefused;
  }
  Describe("in", model.GetInputs());
  for (int i = 2; i < argc; ++i) {
    const int status = Run(&model, std::string(argv[i]) + "/");
    if (status != 0) {
      return status;
    }
  }
  return 0;
}
