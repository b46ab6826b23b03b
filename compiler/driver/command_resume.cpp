#include <filesystem>
#include <iostream>
#include <system_error>
#include <variant>

#include "compiler/driver/commands.h"
#include "compiler/driver/machine_run.h"
#include "compiler/driver/messages.h"

namespace borel::driver {

int run_resume(const ResumeArguments& arguments) {
  const auto fail = [](int code, const std::string& text) {
    std::cerr << "error: " << text << '\n';
    return code;
  };
  std::error_code error;
  const std::string folder = std::filesystem::absolute(arguments.folder, error).string();
  if (error || !holds_run(folder))
    return fail(exit_usage, "`" + arguments.folder +
                                "` holds no run: it wants the folder of `borel sample … "
                                "--checkpoint FOLDER`");
  auto read = read_record(folder);
  if (const auto* why = std::get_if<std::string>(&read)) return fail(exit_data, *why);
  const RunRecord& record = std::get<RunRecord>(read);
  // Paths mean what they meant, and the program's places are called what they were.
  std::filesystem::current_path(record.working_folder, error);
  if (error)
    return fail(exit_data, "the run was begun in the folder `" + record.working_folder +
                               "`, which cannot be entered: " + error.message());
  if (const std::string why = changed_file(record); !why.empty()) return fail(exit_data, why);

  SampleArguments sample = record.arguments;
  // The folder may have been moved; where it was not, messages and files call it what they did.
  if (!std::filesystem::equivalent(sample.checkpoint, folder, error) || error)
    sample.checkpoint = folder;
  if (arguments.threads) sample.threads = *arguments.threads;
  if (arguments.checkpoint_every) sample.checkpoint_every = *arguments.checkpoint_every;
  sample.quiet = sample.quiet || arguments.quiet;
  return sample.smc ? run_smc(sample, &record) : run_sample(sample, &record);
}

}  // namespace borel::driver
