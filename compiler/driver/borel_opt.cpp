/// borel-opt: runs any pass of the compiler alone on IR text, for tests and for looking closely.
///   borel-opt FILE|- --pass=NAME,NAME… [--time-passes]
#include <CLI/CLI.hpp>
#include <iostream>

#include "compiler/dialect/prob.h"
#include "compiler/transform/passes.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Transforms/Passes.h"

namespace {

std::unique_ptr<mlir::Pass> create_pass(const std::string& name) {
  if (name == "canonicalize") return mlir::createCanonicalizerPass();
  if (name == "cse") return mlir::createCSEPass();
  if (name == "licm") return mlir::createLoopInvariantCodeMotionPass();
  for (const auto& entry : borel::transform::passes())
    if (name == entry.name) return entry.create();
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Runs passes of the Borel compiler on prob IR text."};
  std::string file = "-";
  std::vector<std::string> names;
  bool time_passes = false, list = false, print_after_all = false;
  app.add_option("file", file, "IR text; - reads standard input");
  app.add_option("--pass", names, "passes to run, in order")->delimiter(',');
  app.add_flag("--time-passes", time_passes, "print the time that each pass took");
  app.add_flag("--print-after-all", print_after_all, "print the IR after each pass");
  app.add_flag("--list", list, "list the passes");
  CLI11_PARSE(app, argc, argv);

  if (list) {
    for (const auto& entry : borel::transform::passes())
      std::cout << entry.name << ": " << entry.summary << '\n';
    return 0;
  }

  mlir::DialectRegistry registry;
  registry.insert<borel::prob::ProbDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect,
                  mlir::math::MathDialect, mlir::scf::SCFDialect>();
  mlir::func::registerInlinerExtension(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);

  std::string error;
  auto input = mlir::openInputFile(file, &error);
  if (!input) {
    std::cerr << "borel-opt: " << error << '\n';
    return 2;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(input), llvm::SMLoc());
  mlir::SourceMgrDiagnosticHandler diagnostics(sources, &context);
  auto module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
  if (!module) return 1;

  mlir::PassManager manager(&context);
  for (const std::string& name : names) {
    auto pass = create_pass(name);
    if (!pass) {
      std::cerr << "borel-opt: no pass is called '" << name << "'; --list shows them\n";
      return 2;
    }
    // A pass over functions is nested by the manager.
    const auto anchor = pass->getOpName();
    if (anchor && *anchor != mlir::ModuleOp::getOperationName()) {
      manager.nest(*anchor).addPass(std::move(pass));
    } else {
      manager.addPass(std::move(pass));
    }
  }
  if (time_passes) manager.enableTiming();
  if (print_after_all) manager.enableIRPrinting();
  const bool failed = mlir::failed(manager.run(*module));
  if (!failed) module->print(llvm::outs());
  return failed ? 1 : 0;
}
