#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "compiler/codegen/archive.h"
#include "compiler/driver/bound.h"
#include "compiler/driver/c_header.h"
#include "compiler/driver/c_names.h"
#include "compiler/driver/commands.h"
#include "compiler/driver/descriptor.h"
#include "compiler/driver/messages.h"
#include "compiler/driver/output_file.h"
#include "compiler/driver/runtime_files.h"

namespace borel::driver {
namespace {

namespace fs = std::filesystem;

enum class Form { archive, shared, object };

/// What --output names: the code's file, and the two beside it.
struct Outputs {
  Form form = Form::archive;
  fs::path code, header, description;
  LibraryName library;
};

Outputs outputs(const std::string& wanted) {
  Outputs out;
  fs::path base(wanted);
  const fs::path extension = base.extension();
  if (extension == ".so")
    out.form = Form::shared;
  else if (extension == ".o")
    out.form = Form::object;
  if (extension == ".a" || extension == ".so" || extension == ".o") base.replace_extension();
  const std::string stem = base.filename().string();
  out.library = library_name(stem);
  // Appended, for a stem may have dots.
  const auto beside = [&](const char* end) { return base.parent_path() / (stem + end); };
  out.code = beside(out.form == Form::archive ? ".a" : out.form == Form::shared ? ".so" : ".o");
  out.header = beside(".h");
  out.description = beside(".json");
  return out;
}

std::string_view view(const codegen::ObjectBytes& bytes) { return {bytes.data(), bytes.size()}; }

/// The library with BridgeStan's functions, or why there is none.
std::optional<std::string> add_bridgestan(const LibraryName& library,
                                          codegen::LinkOptions& options) {
  std::vector<std::string> searched;
  const auto files = find_runtime_files(searched);
  if (!files) {
    std::string text =
        "--bridgestan needs libborel_rt.a and libborel_bridgestan.a (package libborel-dev), which "
        "are in none of these folders:";
    for (const std::string& folder : searched) text += "\n  " + folder;
    return text;
  }
  options.whole_archives = {files->bridgestan};
  options.archives = {files->runtime};
  options.exports = {"bs_*", BOREL_PROGRAM_SYMBOL, library.name + "_program"};
  return std::nullopt;
}

std::optional<std::string> write_code(const Outputs& to, const codegen::ObjectBytes& object,
                                      bool bridgestan) {
  const std::string path = to.code.string();
  switch (to.form) {
    case Form::object:
      return write_file(path, view(object));
    case Form::shared: {
      codegen::LinkOptions options;
      options.soname = to.code.filename().string();
      if (bridgestan)
        if (auto problem = add_bridgestan(to.library, options)) return problem;
      const auto linked = codegen::link_shared(object, path, options);
      if (!linked) return linked.error().text();
      return std::nullopt;
    }
    case Form::archive: {
      const auto archive = codegen::make_archive(object, to.library.name + ".o");
      if (!archive) throw InternalError(archive.error().text());
      return write_file(path, view(*archive));
    }
  }
  throw InternalError("an unknown form of output");
}

/// A file name as make reads it.
std::string escaped(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == ' ' || c == '#') out += '\\';
    if (c == '$') out += '$';
    out += c;
  }
  return out;
}

/// The code's file depends on the program and on every file of a library that replaces the built-in
/// one: each may come to declare what the program uses.
std::string dependencies(const Outputs& to, const ProgramArguments& program) {
  std::vector<std::string> files{program.file};
  if (!program.library.empty())
    for (const auto& entry : fs::recursive_directory_iterator(program.library))
      if (entry.path().extension() == ".ppl") files.push_back(entry.path().string());
  std::sort(files.begin() + 1, files.end());
  std::string out = escaped(to.code.string()) + ":";
  for (const std::string& file : files) out += " \\\n  " + escaped(file);
  return out + "\n";
}

int failed(const std::string& message) {
  std::cerr << "error: " << message << '\n';
  return exit_output;
}

int wrong_usage(const std::string& message) {
  std::cerr << "borel build: " << message << '\n';
  return exit_usage;
}

int dump(const BuildArguments& arguments) {
  const auto stages = stage_names();
  if (std::find(stages.begin(), stages.end(), arguments.dump_after) == stages.end()) {
    std::cerr << "borel build: no stage is called '" << arguments.dump_after
              << "'; the stages, in order:\n";
    for (const std::string& stage : stages) std::cerr << "  " << stage << '\n';
    return exit_usage;
  }
  SourceManager sources;
  Diagnostics diagnostics;
  StageTimes times;
  PipelineOptions options = pipeline_options(arguments.program);
  options.address_sanitizer = arguments.address_sanitizer;
  options.dump_after = arguments.dump_after;
  options.dump = &std::cout;
  compile(options, sources, diagnostics, times);
  print_diagnostics(diagnostics, sources);
  if (arguments.program.time_passes) print_times(times, std::cerr);
  if (diagnostics.has_errors()) return exit_program;
  std::cout.flush();
  return std::cout.good() ? exit_ok : exit_output;
}

/// With the products that were asked for. BridgeStan's functions can do without them, by
/// differences of gradients, where the gradient's own derivative is not known.
std::optional<CompiledProgram> compile_wanted(const BuildArguments& arguments,
                                              PipelineOptions options, SourceManager& sources,
                                              Diagnostics& diagnostics, StageTimes& times) {
  options.functions.hessian = arguments.hessian;
  if (arguments.hessian || !arguments.bridgestan)
    return compile(options, sources, diagnostics, times);
  options.functions.hessian = true;
  SourceManager first_sources;
  Diagnostics first;
  if (auto compiled = compile(options, first_sources, first, times)) return compiled;
  options.functions.hessian = false;
  auto compiled = compile(options, sources, diagnostics, times);
  if (compiled)
    std::cerr << "borel build: the Hessian of this program has no exact derivative, bs_* functions "
                 "take differences of its gradient (borel build --hessian says why)\n";
  return compiled;
}

}  // namespace

int run_build(const BuildArguments& arguments) {
  if (const auto targets = codegen::named_targets(arguments.program.cpu); !targets)
    return wrong_usage(targets.error().message);
  if (!arguments.dump_after.empty()) return dump(arguments);
  if (arguments.output.empty())
    return wrong_usage("--output NAME (a static library), NAME.so or NAME.o is needed");
  const Outputs to = outputs(arguments.output);
  if (!to.library.problem.empty())
    return wrong_usage("--output " + arguments.output + ": " + to.library.problem);
  if (arguments.bridgestan && to.form != Form::shared)
    return wrong_usage("--bridgestan makes a shared library: --output NAME.so");

  SourceManager sources;
  Diagnostics diagnostics;
  StageTimes times;
  PipelineOptions options = pipeline_options(arguments.program);
  options.address_sanitizer = arguments.address_sanitizer;
  // The same program gives the same bytes wherever it lies.
  options.recorded_file = fs::path(options.file).filename().string();
  options.symbol = to.library.name + "_program";
  if (to.form == Form::shared) options.aliases = {BOREL_PROGRAM_SYMBOL};
  const auto compiled = compile_wanted(arguments, options, sources, diagnostics, times);
  print_diagnostics(diagnostics, sources);
  if (arguments.program.time_passes) print_times(times, std::cerr);
  if (!compiled) return exit_program;

  const GeneratedFrom from{compiled->description, to.library.name, to.code.stem().string(),
                           options.recorded_file, BOREL_VERSION};
  // Those first that may be refused: a file of the user's that is in the way.
  if (auto problem = replace_file(to.header.string(), header_mark, c_header(from)))
    return failed(*problem);
  if (auto problem =
          replace_file(to.description.string(), descriptor_mark, descriptor(from, *compiled)))
    return failed(*problem);
  if (auto problem = write_code(to, compiled->object, arguments.bridgestan))
    return failed(*problem);
  if (!arguments.depfile.empty())
    if (auto problem = write_file(arguments.depfile, dependencies(to, arguments.program)))
      return failed(*problem);
  return exit_ok;
}

}  // namespace borel::driver
