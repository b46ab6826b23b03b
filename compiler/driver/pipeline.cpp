#include "compiler/driver/pipeline.h"

#include <algorithm>
#include <chrono>
#include <ostream>

#include "compiler/codegen/emit.h"
#include "compiler/codegen/variants.h"
#include "compiler/dialect/prob.h"
#include "compiler/driver/library_text.h"
#include "compiler/sema/library.h"
#include "compiler/sema/print.h"
#include "compiler/sema/sema.h"
#include "compiler/syntax/parse.h"
#include "compiler/syntax/print.h"
#include "compiler/transform/derive.h"
#include "compiler/transform/gradient.h"
#include "compiler/transform/inline.h"
#include "compiler/transform/passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_os_ostream.h"
#include "llvm/Support/xxhash.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

namespace borel::driver {
namespace {

/// Passes on each function before it is differentiated: what the reverse sweep records and repeats
/// is decided by the form of its loops. Fused plates hand nothing through arrays; a recurrence that
/// is split from the work around it records its steps only.
constexpr const char* prepare_passes[] = {"structure", "simplify", "fuse",    "simplify",
                                          "split",     "fuse",     "simplify"};

/// Passes on the whole program once every derived function is there. Splitting exposes plates to
/// fusion; hoisting wants loops that are already apart; what hoisting leaves is simplified and
/// fused again. Branches of plates are choices only once all is differentiated.
constexpr const char* program_passes[] = {"structure", "simplify", "split",    "fuse",
                                          "simplify",  "condense", "simplify", "hoist",
                                          "simplify",  "fuse",     "flatten",  "simplify"};

class Clock {
 public:
  explicit Clock(StageTimes& times) : times_(times) {}
  void stage(const std::string& name) {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    for (auto& [known, total] : times_)
      if (known == name) {
        total += seconds;
        return;
      }
    times_.emplace_back(name, seconds);
  }

 private:
  StageTimes& times_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::unique_ptr<mlir::Pass> create_pass(llvm::StringRef name) {
  for (const auto& entry : transform::passes())
    if (name == entry.name) return entry.create();
  throw InternalError("no pass is called '" + name.str() + "'");
}

/// The line from a place on, as a span; invalid where the file is not among the sources.
Span span_of(mlir::FileLineColLoc place, const SourceManager& sources) {
  for (std::size_t i = 0; i < sources.file_count(); ++i) {
    const auto id = static_cast<FileId>(i);
    const SourceFile& file = sources.file(id);
    if (file.path() != place.getFilename().getValue()) continue;
    const std::string_view line = file.line(place.getLine());
    std::size_t begin = 0;  // columns count characters, not bytes
    for (unsigned column = 1; column < place.getColumn() && begin < line.size(); ++column) do
        ++begin;
      while (begin < line.size() && (static_cast<unsigned char>(line[begin]) & 0xC0) == 0x80);
    const auto offset = static_cast<std::size_t>(line.data() - file.text().data());
    return {id, static_cast<std::uint32_t>(offset + begin),
            static_cast<std::uint32_t>(offset + line.size())};
  }
  return {};
}

/// Collects what MLIR reports: errors at the user's program, and the message of an internal error.
class MlirReports {
 public:
  MlirReports(mlir::MLIRContext& context, const SourceManager& sources, Diagnostics& diagnostics)
      : handler_(&context, [&, this](mlir::Diagnostic& diagnostic) {
          for (const mlir::Diagnostic& note : diagnostic.getNotes())
            if (note.str() == transform::not_differentiable) {
              report(diagnostic, sources, diagnostics);
              users_ = true;
              return mlir::success();
            }
          text_ += diagnostic.str() + "\n";
          return mlir::success();
        }) {}
  /// False where the user's program is at fault.
  bool fail(const std::string& stage) const {
    if (users_) return false;
    throw InternalError("stage '" + stage + "' failed:\n" + text_);
  }

 private:
  /// The innermost place first; the calls that led to it are notes.
  static void report(const mlir::Diagnostic& diagnostic, const SourceManager& sources,
                     Diagnostics& diagnostics) {
    llvm::SmallVector<Span> places;
    diagnostic.getLocation()->walk([&](mlir::Location place) {
      if (auto file = mlir::dyn_cast<mlir::FileLineColLoc>(place))
        if (const Span span = span_of(file, sources); span.valid()) places.push_back(span);
      return mlir::WalkResult::advance();
    });
    Diagnostic& error =
        diagnostics.error("gradient", places.empty() ? Span{} : places.front(), diagnostic.str());
    for (const Span& call : llvm::drop_begin(places, places.empty() ? 0 : 1))
      error.with_note(call, "called here");
  }

  bool users_ = false;
  std::string text_;
  mlir::ScopedDiagnosticHandler handler_;
};

/// Text to a typed program; nothing when there are errors.
std::optional<typed::Program> front(const PipelineOptions& options, SourceManager& sources,
                                    Diagnostics& diagnostics, Clock& clock,
                                    bool everything = false) {
  const auto id = sources.load(options.file);
  if (!id) {
    diagnostics.error("file", Span{}, "'" + options.file + "' cannot be read");
    return std::nullopt;
  }
  const ast::File file = syntax::parse(sources, *id, diagnostics);
  clock.stage("parse");
  if (options.dump_after == "parse") {
    *options.dump << syntax::print(file);
    return std::nullopt;
  }
  std::unique_ptr<sema::LibrarySource> texts;
  if (options.library.empty()) {
    texts = builtin_library();
  } else {
    texts = std::make_unique<sema::DirectoryLibrary>(options.library);
  }
  sema::Library library(*texts, sources, diagnostics);
  sema::AnalyseOptions analyse;
  analyse.infer = options.infer;
  analyse.model = options.model;
  analyse.data_names = options.data_names;
  analyse.everything = everything;
  auto program = sema::analyse(file, library, analyse, diagnostics);
  clock.stage("analyse");
  if (diagnostics.has_errors()) return std::nullopt;
  if (program && options.dump_after == "analyse") {
    *options.dump << typed::print(*program);
    return std::nullopt;
  }
  return program;
}

/// The IR passes. False when the dump was asked for on the way.
bool transform_program(mlir::ModuleOp module, const PipelineOptions& options, Clock& clock,
                       MlirReports& reports) {
  mlir::MLIRContext* context = module.getContext();
  auto dumped = [&](const std::string& stage) {
    clock.stage(stage);
    if (options.dump_after != stage) return false;
    llvm::raw_os_ostream out(*options.dump);
    module.print(out);
    return true;
  };
  if (dumped("lower")) return false;

  transform::DeriveOptions derive;
  derive.prepare = [&](mlir::func::FuncOp function) {
    mlir::PassManager manager(context, mlir::func::FuncOp::getOperationName());
    manager.enableVerifier(options.verify_each);
    for (const char* name : prepare_passes) manager.addPass(create_pass(name));
    return manager.run(function);
  };
  if (mlir::failed(transform::derive(module, derive))) return reports.fail("derive");
  if (dumped("derive")) return false;

  transform::inline_small_calls(module);
  if (dumped("inline")) return false;
  for (const char* name : program_passes) {
    mlir::PassManager manager(context);
    manager.enableVerifier(options.verify_each);
    auto pass = create_pass(name);
    const auto anchor = pass->getOpName();
    if (anchor && *anchor != mlir::ModuleOp::getOperationName()) {
      manager.nest(*anchor).addPass(std::move(pass));
    } else {
      manager.addPass(std::move(pass));
    }
    if (mlir::failed(manager.run(module))) reports.fail(name);
    // A pass that runs more than once is dumped after its first run and timed in sum.
    if (dumped(name)) return false;
  }
  if (mlir::failed(mlir::verify(module))) reports.fail("transform");
  return !dumped("transform");
}

std::string hexadecimal(llvm::StringRef bytes) { return llvm::toHex(bytes, /*LowerCase=*/true); }

/// See CompiledProgram::source_hash.
std::string source_hash(const PipelineOptions& options, const typed::Program& program,
                        const SourceManager& sources) {
  llvm::SHA256 hash;
  // Lengths before contents: no two different lists give the same bytes.
  const auto add = [&](std::string_view text) {
    const std::string size = std::to_string(text.size()) + ":";
    hash.update(llvm::StringRef(size));
    hash.update(llvm::StringRef(text.data(), text.size()));
  };
  add(BOREL_VERSION);
  add(program.name);
  add(options.model);
  for (const std::string& name : options.data_names) add(name);
  for (std::size_t i = 0; i < sources.file_count(); ++i)
    add(sources.file(static_cast<FileId>(i)).text());
  const auto digest = hash.final();
  return hexadecimal(llvm::toStringRef(digest));
}

/// Gives every place in `from` another file's name.
void rename_file(ProgramDescription& description, const std::string& from, const std::string& to) {
  const auto rename = [&](auto& list) {
    for (auto& entry : list)
      if (entry.span.file == from) entry.span.file = to;
  };
  rename(description.sizes);
  rename(description.inputs);
  rename(description.places);
  rename(description.machine.parameters);
  for (ModelDescription& model : description.models) rename(model.sites);
}

}  // namespace

std::vector<std::string> stage_names() {
  std::vector<std::string> names{"parse", "analyse", "lower", "derive", "inline"};
  for (const char* name : program_passes)
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  names.insert(names.end(), {"transform", "emit", "llvm"});
  return names;
}

bool check(const PipelineOptions& options, SourceManager& sources, Diagnostics& diagnostics,
           StageTimes& times) {
  Clock clock(times);
  front(options, sources, diagnostics, clock, /*everything=*/true);
  return !diagnostics.has_errors();
}

std::optional<CompiledProgram> compile(const PipelineOptions& options, SourceManager& sources,
                                       Diagnostics& diagnostics, StageTimes& times) {
  Clock clock(times);
  const auto targets = codegen::named_targets(options.cpu);
  if (!targets) {
    diagnostics.error("cpu", Span{}, targets.error().text());
    return std::nullopt;
  }
  const auto program = front(options, sources, diagnostics, clock);
  if (!program) return std::nullopt;

  mlir::DialectRegistry registry;
  registry.insert<prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  mlir::math::MathDialect, mlir::scf::SCFDialect>();
  mlir::func::registerInlinerExtension(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  MlirReports reports(context, sources, diagnostics);

  LowerResult lowered;
  const auto module = lower(*program, sources, context, options.functions, lowered);
  if (!module || (options.verify_each && mlir::failed(mlir::verify(*module))))
    reports.fail("lower");
  if (!transform_program(*module, options, clock, reports)) return std::nullopt;
  read_places(*module, lowered.description);

  CompiledProgram out;
  out.description = std::move(lowered.description);
  if (!options.recorded_file.empty())
    rename_file(out.description, options.file, options.recorded_file);
  out.source_hash = source_hash(options, *program, sources);
  const auto text = sources.file(FileId{0}).text();
  const auto digest =
      llvm::SHA256::hash(llvm::arrayRefFromStringRef(llvm::StringRef(text.data(), text.size())));
  out.file_hash = hexadecimal(llvm::toStringRef(digest));

  llvm::LLVMContext llvm_context;
  std::vector<codegen::Variant> variants;
  for (const codegen::TargetSpec& target : *targets) {
    out.triple = target.triple;
    out.cpus.push_back(target.cpu);
    auto emitted = codegen::emit(*module, out.description, target, llvm_context, out.source_hash,
                                 options.symbol);
    if (!emitted) throw InternalError(emitted.error().text());
    variants.push_back({std::move(*emitted), target});
  }
  clock.stage("emit");
  auto dump_llvm = [&](const char* stage) {
    if (options.dump_after != stage) return false;
    llvm::raw_os_ostream stream(*options.dump);
    for (const codegen::Variant& variant : variants)
      if (variant.module) variant.module->print(stream, nullptr);
    return true;
  };
  if (dump_llvm("emit")) return std::nullopt;
  codegen::OptimiseOptions optimise;
  optimise.address_sanitizer = options.address_sanitizer;
  auto compiled = codegen::compile_variants(variants, options.symbol, options.aliases, optimise);
  if (!compiled) throw InternalError(compiled.error().text());
  times.emplace_back("LLVM passes", compiled->seconds.optimise);
  times.emplace_back("code generation", compiled->seconds.emit);
  if (dump_llvm("llvm")) return std::nullopt;
  out.object = std::move(compiled->object);
  return out;
}

std::optional<LoadedProgram> load(const PipelineOptions& options, SourceManager& sources,
                                  Diagnostics& diagnostics, StageTimes& times) {
  const auto compiled = compile(options, sources, diagnostics, times);
  if (!compiled) return std::nullopt;
  Clock clock(times);
  auto jit = codegen::Jit::create(*codegen::host_target(), {});
  if (!jit) throw InternalError(jit.error().text());
  if (auto added = jit->add_object(compiled->object); !added)
    throw InternalError(added.error().text());
  auto entry = jit->look_up(BOREL_PROGRAM_SYMBOL);
  if (!entry) throw InternalError(entry.error().text());
  LoadedProgram loaded;
  const llvm::StringRef code(compiled->object.data(), compiled->object.size());
  loaded.code_hash_ = llvm::utohexstr(llvm::xxh3_64bits(code));
  loaded.jit_ = std::make_unique<codegen::Jit>(std::move(*jit));
  loaded.program_ = static_cast<const borel_program*>(*entry);
  clock.stage("load");
  return loaded;
}

}  // namespace borel::driver
