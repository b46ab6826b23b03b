#include "compiler/driver/checkpointed_run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <utility>
#include <variant>

#include "compiler/driver/messages.h"
#include "compiler/driver/run_start.h"

namespace borel::driver {
namespace {

int fail(int code, const std::string& text) {
  std::cerr << "error: " << text << '\n';
  return code;
}

}  // namespace

std::string output_folder(const SampleArguments& arguments) {
  return arguments.output.empty() ? arguments.checkpoint : arguments.output;
}

std::string output_stem(const SampleArguments& arguments) {
  return std::filesystem::path(arguments.program.file).stem().string();
}

int CheckpointedRun::prepare_folder() {
  if (!enabled()) return exit_ok;
  const std::string& folder = arguments_.checkpoint;
  std::error_code code;
  for (const std::string& path :
       {arguments_.program.file, arguments_.data, initial_file(arguments_)}) {
    // Files that are not there are errors of those who read them.
    if (!path.empty() && std::filesystem::exists(path, code) &&
        !std::filesystem::is_regular_file(path, code))
      return fail(exit_usage,
                  "--checkpoint wants files that can be read again; '" + path + "' is none");
  }
  std::filesystem::create_directories(folder, code);
  if (code) return fail(exit_output, "cannot make the folder `" + folder + "`: " + code.message());
  if (const std::string why = lock_.take(folder); !why.empty())
    return fail(why.starts_with("another") ? exit_usage : exit_output, why);
  if (earlier_ == nullptr && holds_run(folder))
    return fail(exit_usage, "`" + folder + "` holds a run already: `borel resume " + folder +
                                "` goes on with it; remove the folder to begin anew");
  return exit_ok;
}

int CheckpointedRun::load(const BoundProgram& bound, const runtime::Parameters& parameters,
                          std::uint64_t seed, std::vector<runtime::Chain>& from,
                          std::vector<io::CsvMark>& kept) {
  if (!enabled()) return exit_ok;
  const std::string& folder = arguments_.checkpoint;
  const std::int64_t chains = parameters.get_int("chains");
  record_ = describe_run(arguments_, bound, parameters, seed);
  if (earlier_ == nullptr) {
    // What another run left before its record was removed is none of this one's.
    std::error_code ignored;
    for (std::int64_t c = 0; c < chains; ++c)
      std::filesystem::remove(io::checkpoint_path(folder, c), ignored);
    return exit_ok;
  }
  if (const std::string why = changed_run(*earlier_, record_); !why.empty())
    return fail(exit_data, why);
  for (std::int64_t c = 0; c < chains; ++c) {
    const std::string help = "\n  help: put back what was there, or remove `" +
                             io::checkpoint_path(folder, c) +
                             "`: its chain then begins anew, with the same draws";
    auto read = io::read_checkpoint(folder, record_.identity, c);
    if (const auto* why = std::get_if<std::string>(&read)) return fail(exit_data, *why + help);
    auto& saved = std::get<io::SavedChain>(read);
    if (saved.csv.bytes > 0) {
      const std::string csv = (std::filesystem::path(output_folder(arguments_)) /
                               (output_stem(arguments_) + "_" + std::to_string(c + 1) + ".csv"))
                                  .string();
      if (const std::string why = io::read_draws(*bound.instance, csv, saved.csv, saved.chain);
          !why.empty())
        return fail(exit_data, why + help);
    }
    iterations_.push_back(saved.chain.iterations);
    kept.push_back(saved.csv);
    from.push_back(std::move(saved.chain));
  }
  return exit_ok;
}

int CheckpointedRun::begin(const runtime::Parameters& parameters, io::CsvWriter& csv) {
  if (!enabled()) return exit_ok;
  if (earlier_ == nullptr) {
    if (const std::string why = write_record(arguments_.checkpoint, record_); !why.empty())
      return fail(exit_output, why);
  } else if (!arguments_.quiet) {
    const std::int64_t all = parameters.get_int("warmup") + parameters.get_int("draws");
    if (std::all_of(iterations_.begin(), iterations_.end(), [&](auto n) { return n == all; })) {
      std::cerr << "the run is finished: there is nothing left to draw\n";
    } else {
      std::string text;
      for (const std::int64_t n : iterations_)
        text += (text.empty() ? "" : ", ") + std::to_string(n);
      std::cerr << "the chains go on after iterations " << text << " of " << all << '\n';
    }
  }
  const auto warn = [](const std::string& problem) {
    std::cerr << "warning: " + problem +
                     "\n  The run goes on; the checkpoint before this one stays as it is.\n";
  };
  writer_ = std::make_unique<io::CheckpointWriter>(
      arguments_.checkpoint, record_.identity, parameters,
      std::chrono::duration<double>(arguments_.checkpoint_every), csv, warn);
  return exit_ok;
}

std::string CheckpointedRun::advice() const {
  return enabled() ? "  help: `borel resume " + arguments_.checkpoint + "` goes on from there\n"
                   : std::string();
}

}  // namespace borel::driver
