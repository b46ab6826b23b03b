/// borel: compiles probabilistic programs and runs them.
#include <CLI/CLI.hpp>
#include <iostream>

#include "compiler/driver/commands.h"
#include "compiler/driver/messages.h"
#include "compiler/support/diagnostics.h"

#ifndef BOREL_VERSION
#error "the build defines BOREL_VERSION"
#endif

namespace {

using namespace borel::driver;

void add_program_options(CLI::App& command, ProgramArguments& arguments) {
  command.add_option("file", arguments.file, "the program (.ppl)")->required();
  command.add_option("--infer", arguments.infer,
                     "the infer to compile (default: main, or the only one)");
  command.add_option("--model", arguments.model,
                     "instead of an infer: this model, given the sites that the data file names");
  command.add_option("--library", arguments.library,
                     "a folder that replaces the built-in standard library");
  command.add_option("--cpu", arguments.cpu,
                     "the processor to generate code for (default: native, this one); build also "
                     "takes several levels, x86-64-v2,x86-64-v3, of which the best is used");
  command.add_flag("--time-passes", arguments.time_passes, "print what each stage took");
}

void add_checkpoint_options(CLI::App& command, SampleArguments& arguments) {
  auto* checkpoint =
      command.add_option("--checkpoint", arguments.checkpoint,
                         "folder for checkpoints, from which `borel resume` goes on");
  command
      .add_option("--checkpoint-every", arguments.checkpoint_every,
                  "seconds between checkpoints of a chain (default: 5)")
      ->check(CLI::NonNegativeNumber)
      ->needs(checkpoint);
}

int run(int argc, char** argv) {
  CLI::App app{"Borel compiles probabilistic programs (.ppl) to native code and runs them."};
  app.set_version_flag("--version", "borel " BOREL_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 success; 1 errors in the program; 2 wrong usage; 3 errors in the data or in "
      "a\n"
      "checkpoint; 4 the run failed; 5 results could not be written; 70 a defect of Borel;\n"
      "130 interrupted.");
  int code = exit_ok;

  SampleArguments sample;
  auto* sample_command = app.add_subcommand("sample", "draw from a posterior");
  add_program_options(*sample_command, sample.program);
  sample_command->add_option("--data", sample.data, "data, as CmdStan JSON");
  sample_command->add_option("--chains", sample.chains, "number of chains");
  sample_command->add_option("--warmup", sample.warmup, "iterations of warm-up a chain");
  sample_command->add_option("--draws", sample.draws, "draws a chain after warm-up");
  sample_command->add_option("--target-accept", sample.target_accept,
                             "acceptance that the step size aims at");
  sample_command->add_option("--max-depth", sample.max_depth, "limit of the tree's depth");
  sample_command->add_option("--set", sample.settings,
                             "NAME=VALUE: a number among the data, or any parameter that the "
                             "machine declares");
  sample_command->add_option("--seed", sample.seed,
                             "seed of the random bits (default: from the clock)");
  sample_command->add_option("--threads", sample.threads,
                             "threads (default: one a core); results do not depend on it");
  sample_command->add_option(
      "--init", sample.initial,
      "start: a radius R for U(-R, R) on the unconstrained space (default 2), "
      "or a JSON file of values by name, or of params_r");
  sample_command->add_option("--output", sample.output, "folder for CSV files, one a chain");
  sample_command->add_option("--summary", sample.summary, "write the summary to this JSON file");
  sample_command->add_flag("--save-warmup", sample.save_warmup, "write warm-up iterations too");
  sample_command->add_flag("--quiet", sample.quiet, "print errors only");
  add_checkpoint_options(*sample_command, sample);
  sample_command->callback([&] { code = run_sample(sample); });

  const CLI::Validator at_least_one(
      [](const std::string& text) {
        std::int64_t number = 0;
        return CLI::detail::lexical_cast(text, number) && number >= 1
                   ? std::string()
                   : "a whole number from 1 on is wanted, not " + text;
      },
      "");
  SampleArguments smc;
  smc.smc = true;
  std::optional<std::int64_t> particles;
  auto* smc_command =
      app.add_subcommand("smc", "run a particle filter or another machine that makes its steps");
  add_program_options(*smc_command, smc.program);
  smc_command->add_option("--data", smc.data, "data, as CmdStan JSON");
  smc_command->add_option("--particles", particles, "the same as --set particles=N")
      ->check(at_least_one);
  smc_command->add_option("--runs", smc.chains, "independent repetitions (default: 1)")
      ->check(at_least_one);
  smc_command->add_option(
      "--set", smc.settings,
      "NAME=VALUE: a number among the data, or any parameter that the machine declares");
  smc_command->add_option("--seed", smc.seed, "seed of the random bits (default: from the clock)");
  smc_command->add_option("--threads", smc.threads,
                          "threads (default: one a core); results do not depend on it");
  smc_command->add_option("--output", smc.output, "folder for CSV files, one a run");
  smc_command->add_option("--summary", smc.summary, "write the evidence to this JSON file");
  smc_command->add_option("--figure", smc.figure,
                          "write a picture of the steps of the first run to this SVG file");
  smc_command->add_flag("--quiet", smc.quiet, "print errors only");
  add_checkpoint_options(*smc_command, smc);
  smc_command->callback([&] {
    if (particles) smc.settings.push_back("particles=" + std::to_string(*particles));
    code = run_smc(smc);
  });

  ResumeArguments resume;
  auto* resume_command =
      app.add_subcommand("resume", "go on with a run that was begun with --checkpoint");
  resume_command->add_option("folder", resume.folder, "the folder of its checkpoints")->required();
  resume_command->add_option("--threads", resume.threads,
                             "threads (default: as the run began); results do not depend on it");
  resume_command
      ->add_option("--checkpoint-every", resume.checkpoint_every,
                   "seconds between checkpoints of a chain (default: as the run began)")
      ->check(CLI::NonNegativeNumber);
  resume_command->add_flag("--quiet", resume.quiet, "print errors only");
  resume_command->callback([&] { code = run_resume(resume); });

  LogpArguments logp;
  auto* logp_command = app.add_subcommand("logp", "log density and gradient at a point, as JSON");
  add_program_options(*logp_command, logp.program);
  logp_command->add_option("--data", logp.data, "data, as CmdStan JSON");
  logp_command->add_option("--set", logp.settings, "NAME=VALUE: a number among the data");
  logp_command->add_option("--at", logp.at, "unconstrained point: {\"params_r\": [...]}")
      ->required();
  logp_command->add_flag("!--no-jacobian", logp.jacobian, "leave the log Jacobian out");
  logp_command->callback([&] { code = run_logp(logp); });

  CheckArguments check;
  auto* check_command = app.add_subcommand("check", "report errors in a program");
  add_program_options(*check_command, check.program);
  check_command->callback([&] { code = run_check(check); });

  BuildArguments build;
  auto* build_command = app.add_subcommand("build", "compile a program");
  add_program_options(*build_command, build.program);
  build_command->add_option("-o,--output", build.output,
                            "NAME or NAME.a (a static library), NAME.so (a shared library) or "
                            "NAME.o (an object); NAME.h and NAME.json are written beside it");
  build_command->add_flag("--hessian", build.hessian,
                          "with products of the Hessian and a vector: borel_hessian_vector");
  build_command->add_flag("--bridgestan", build.bridgestan,
                          "with NAME.so: export the functions of BridgeStan, for its clients");
  build_command->add_option("--depfile", build.depfile,
                            "write what the output depends on to this file, as make reads it");
  build_command->add_option("--dump-after", build.dump_after,
                            "print the program after a stage, and stop; `help` lists the stages");
  build_command->add_flag("--sanitize-address", build.address_sanitizer,
                          "instrument the code for AddressSanitizer");
  build_command->callback([&] { code = run_build(build); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? exit_ok : exit_usage;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const borel::InternalError& error) {
    std::cerr << error.what() << '\n';
  } catch (const std::bad_alloc&) {
    std::cerr << "error: out of memory\n";
    return exit_run;
  } catch (const std::exception& error) {
    std::cerr << "internal error: " << error.what()
              << "\nThis is a defect of Borel; please report it with the program.\n";
  }
  return exit_internal;
}
