/// The sub-commands of `borel`. Each returns the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace borel::driver {

/// What every command that reads a program takes.
struct ProgramArguments {
  std::string file, infer, model, library, cpu;
  bool time_passes = false;
};

struct CheckArguments {
  ProgramArguments program;
};
int run_check(const CheckArguments& arguments);

struct BuildArguments {
  ProgramArguments program;
  std::string dump_after, output, depfile;
  bool address_sanitizer = false, bridgestan = false;
  bool hessian = false;  // products with the Hessian; asked for by bridgestan where they can be had
};
int run_build(const BuildArguments& arguments);

struct LogpArguments {
  ProgramArguments program;
  std::string data, at;
  std::vector<std::string> settings;  // NAME=VALUE, numbers among the data
  bool jacobian = true;
};
int run_logp(const LogpArguments& arguments);

/// Of `sample`, and of `smc`, whose runs are chains.
struct SampleArguments {
  bool smc = false;
  ProgramArguments program;
  std::string data, initial, output, summary;
  std::vector<std::string> settings;  // NAME=VALUE, numbers among the data, machine's parameters
  std::optional<std::int64_t> chains, warmup, draws, max_depth;
  std::optional<double> target_accept;
  std::optional<std::uint64_t> seed;
  int threads = 0;
  bool save_warmup = false, quiet = false;
  std::string figure;           // file for a picture of the steps; empty: none
  std::string checkpoint;       // folder; empty: no checkpoints
  double checkpoint_every = 5;  // seconds
};
int run_sample(const SampleArguments& arguments);
int run_smc(const SampleArguments& arguments);

struct ResumeArguments {
  std::string folder;
  std::optional<int> threads;
  std::optional<double> checkpoint_every;
  bool quiet = false;
};
int run_resume(const ResumeArguments& arguments);

}  // namespace borel::driver
