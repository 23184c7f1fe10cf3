// Times two `.ms` files against each other in one process: the same inputs, alternating runs, one thread.
//
//   race A.ms B.ms FOLDER SECONDS     reads FOLDER/in<i>.bin
//
// Prints "round <ns of A> <ns of B>" for every round, as many as fit into the time, but 5 to 101; who runs first
// alternates. The first round is not printed: it fills the caches. What is measured is the process's time on the CPU, which other processes on the machine disturb
// less than a clock on the wall.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "include/api/context.h"
#include "include/api/model.h"

namespace {
constexpr int kUsage = 64;
constexpr int kRefused = 2;
constexpr int kPredictFailed = 3;
constexpr int kBadInput = 4;
constexpr int kArguments = 5;
constexpr int kLeast = 5;
constexpr int kMost = 101;
constexpr double kSecond = 1e9;

long long Now() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct Racer {
  mindspore::Model model;
  std::vector<mindspore::MSTensor> inputs;

  int Start(const std::string &path, const std::string &folder) {
    auto context = std::make_shared<mindspore::Context>();
    context->SetThreadNum(1);
    context->MutableDeviceInfo().push_back(std::make_shared<mindspore::CPUDeviceInfo>());
    if (model.Build(path, mindspore::kMindIR_Lite, context).IsError()) {
      return kRefused;
    }
    inputs = model.GetInputs();
    for (size_t i = 0; i < inputs.size(); ++i) {
      std::ifstream file(folder + "/in" + std::to_string(i) + ".bin", std::ios::binary);
      const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
      auto *target = static_cast<char *>(inputs[i].MutableData());
      if (!file || target == nullptr || bytes.size() != inputs[i].DataSize()) {
        return kBadInput;
      }
      std::copy(bytes.begin(), bytes.end(), target);
    }
    return 0;
  }

  // Nanoseconds of one run; negative when it fails.
  long long Lap() {
    std::vector<mindspore::MSTensor> outputs;
    const auto start = Now();
    const bool failed = model.Predict(inputs, &outputs).IsError();
    return failed ? -1 : Now() - start;
  }
};
}  // namespace

int main(int argc, char **argv) {
  if (argc != kArguments) {
    std::fprintf(stderr, "usage: race A.ms B.ms FOLDER SECONDS\n");
    return kUsage;
  }
  Racer racers[2];
  for (int i = 0; i < 2; ++i) {
    if (const int problem = racers[i].Start(argv[1 + i], argv[3]); problem != 0) {
      return problem;
    }
  }
  const auto end = Now() + static_cast<long long>(std::atof(argv[4]) * kSecond);
  for (int round = 0; round <= kMost && (round <= kLeast || Now() < end); ++round) {
    long long laps[2];
    for (int turn = 0; turn < 2; ++turn) {
      const int who = (round + turn) % 2;
      laps[who] = racers[who].Lap();
      if (laps[who] < 0) {
        return kPredictFailed;
      }
    }
    if (round > 0) {
      std::printf("round %lld %lld\n", laps[0], laps[1]);
    }
  }
  return 0;
}
