// Compiling, loading, linking and the errors of each.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "compiler/codegen/engine.h"
#include "tests/unit/runtime/temporary_folder.h"

namespace borel::codegen {
namespace {

std::unique_ptr<llvm::Module> parse(const std::string& text, llvm::LLVMContext& context) {
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, diagnostic, context);
  EXPECT_NE(module, nullptr) << diagnostic.getMessage().str();
  return module;
}

constexpr const char* twice = R"(
define double @twice(double %x) {
  %y = fadd double %x, %x
  ret double %y
})";

constexpr const char* sum = R"(
define double @sum(ptr noalias readonly %x, i64 %n) {
entry:
  %none = icmp eq i64 %n, 0
  br i1 %none, label %done, label %loop
loop:
  %i = phi i64 [0, %entry], [%j, %loop]
  %s = phi double [0.0, %entry], [%t, %loop]
  %p = getelementptr double, ptr %x, i64 %i
  %v = load double, ptr %p
  %t = fadd double %s, %v
  %j = add i64 %i, 1
  %more = icmp ult i64 %j, %n
  br i1 %more, label %loop, label %done
done:
  %r = phi double [0.0, %entry], [%t, %loop]
  ret double %r
})";

TargetSpec host() {
  Result<TargetSpec> target = host_target();
  EXPECT_TRUE(target);
  return *target;
}

class EveryLevel : public ::testing::TestWithParam<OptimiseLevel> {};

TEST_P(EveryLevel, RunsAFunction) {
  llvm::LLVMContext context;
  Result<Jit> jit = Jit::create(host(), {});
  ASSERT_TRUE(jit);
  OptimiseOptions options;
  options.level = GetParam();
  Result<StageSeconds> seconds = jit->add(parse(sum, context), options);
  ASSERT_TRUE(seconds) << seconds.error().text();
  EXPECT_GT(seconds->optimise, 0);
  EXPECT_GT(seconds->emit, 0);
  EXPECT_GE(seconds->total(), seconds->optimise + seconds->emit);
  Result<void*> address = jit->look_up("sum");
  ASSERT_TRUE(address) << address.error().text();
  const double x[] = {1, 2, 3, 4.5};
  const auto function = reinterpret_cast<double (*)(const double*, std::int64_t)>(*address);
  EXPECT_EQ(function(x, 4), 10.5);
  EXPECT_EQ(function(x, 0), 0.0);
}

INSTANTIATE_TEST_SUITE_P(Engine, EveryLevel,
                         ::testing::Values(OptimiseLevel::none, OptimiseLevel::lean,
                                           OptimiseLevel::full));

double add_one(double x) { return x + 1; }

TEST(Engine, ResolvesOnlyWhatItWasGiven) {
  const char* caller = R"(
declare double @borel_add_one(double)
define double @call(double %x) {
  %y = call double @borel_add_one(double %x)
  ret double %y
})";
  llvm::LLVMContext context;
  Result<Jit> jit = Jit::create(host(), {{"borel_add_one", reinterpret_cast<void*>(&add_one)}});
  ASSERT_TRUE(jit);
  ASSERT_TRUE(jit->add(parse(caller, context), {}));
  Result<void*> address = jit->look_up("call");
  ASSERT_TRUE(address) << address.error().text();
  EXPECT_EQ(reinterpret_cast<double (*)(double)>(*address)(41), 42.0);

  // `getenv` exists in this process, and must not be found.
  const char* stranger = R"(
declare ptr @getenv(ptr)
define ptr @ask(ptr %x) {
  %y = call ptr @getenv(ptr %x)
  ret ptr %y
})";
  ASSERT_TRUE(jit->add(parse(stranger, context), {}));
  Result<void*> missing = jit->look_up("ask");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().stage, "look up");
  EXPECT_NE(missing.error().message.find("getenv"), std::string::npos) << missing.error().message;
}

TEST(Engine, ServesMemoryFunctions) {
  const char* copier = R"(
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @copy(ptr %to, ptr %from, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %to, i8 7, i64 %n, i1 false)
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %from, i64 %n, i1 false)
  ret void
})";
  llvm::LLVMContext context;
  Result<Jit> jit = Jit::create(host(), {});
  ASSERT_TRUE(jit->add(parse(copier, context), {}));
  Result<void*> address = jit->look_up("copy");
  ASSERT_TRUE(address) << address.error().text();
  const std::string from = "abcdefghijklmnopqrstuvwxyz";
  std::string to(from.size(), ' ');
  reinterpret_cast<void (*)(void*, const void*, std::size_t)> (*address)(to.data(), from.data(),
                                                                         from.size());
  EXPECT_EQ(to, from);
}

TEST(Engine, RefusesWhatDoesNotVerify) {
  llvm::LLVMContext context;
  llvm::Module module("broken", context);
  auto* function =
      llvm::Function::Create(llvm::FunctionType::get(llvm::Type::getDoubleTy(context), false),
                             llvm::GlobalValue::ExternalLinkage, "f", module);
  llvm::BasicBlock::Create(context, "entry", function);
  Result<Compiled> compiled = compile(module, host(), {});
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.error().stage, "verify");
  EXPECT_EQ(compiled.error().kind, EngineError::Kind::internal);
  EXPECT_NE(compiled.error().message.find("terminator"), std::string::npos)
      << compiled.error().message;
}

TEST(Engine, RefusesAnUnknownProcessor) {
  Result<TargetSpec> target = named_target("pentium-17");
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().kind, EngineError::Kind::user);
  EXPECT_NE(target.error().message.find("pentium-17"), std::string::npos);
}

TEST(Engine, KnowsWhatProcessorsCan) {
  Result<TargetSpec> v3 = named_target("x86-64-v3");
  Result<TargetSpec> v4 = named_target("x86-64-v4");
  Result<TargetSpec> v1 = named_target("x86-64");
  ASSERT_TRUE(v3);
  ASSERT_TRUE(v4);
  ASSERT_TRUE(v1);
  EXPECT_TRUE(v3->fma);
  EXPECT_FALSE(v3->avx512);
  EXPECT_EQ(v3->vector_width, 4);
  EXPECT_TRUE(v4->avx512);
  EXPECT_EQ(v4->vector_width, 8);
  EXPECT_FALSE(v1->fma);
  EXPECT_EQ(v1->vector_width, 2);
}

TEST(Engine, MakesTheSameObjectEachTime) {
  llvm::LLVMContext context;
  Result<Compiled> first = compile(*parse(sum, context), host(), {});
  Result<Compiled> second = compile(*parse(sum, context), host(), {});
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->object, second->object);
}

TEST(Engine, LoadsAnObjectFromBefore) {
  llvm::LLVMContext context;
  Result<Compiled> compiled = compile(*parse(twice, context), host(), {});
  ASSERT_TRUE(compiled);
  Result<Jit> jit = Jit::create(host(), {});
  ASSERT_TRUE(jit->add_object(compiled->object));
  Result<void*> address = jit->look_up("twice");
  ASSERT_TRUE(address);
  EXPECT_EQ(reinterpret_cast<double (*)(double)>(*address)(4), 8.0);
}

class Linked : public ::testing::TestWithParam<const char*> {};

TEST_P(Linked, LibraryRuns) {
  llvm::LLVMContext context;
  Result<Compiled> compiled = compile(*parse(twice, context), host(), {});
  ASSERT_TRUE(compiled);
  const io::test::TemporaryFolder folder;
  const std::string path = folder / "libtwice.so";
  LinkOptions options;
  options.linker = GetParam();
  options.soname = "libtwice.so";
  Status status = link_shared(compiled->object, path, options);
  ASSERT_TRUE(status) << status.error().text();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto function = reinterpret_cast<double (*)(double)>(dlsym(library, "twice"));
  ASSERT_NE(function, nullptr);
  EXPECT_EQ(function(21), 42.0);
  dlclose(library);
}

INSTANTIATE_TEST_SUITE_P(Engine, Linked, ::testing::Values("", "cc"));

TEST(Engine, SaysWhyLinkingFailed) {
  llvm::LLVMContext context;
  Result<Compiled> compiled = compile(*parse(twice, context), host(), {});
  ASSERT_TRUE(compiled);
  LinkOptions options;
  options.linker = "no-such-linker";
  Status missing = link_shared(compiled->object, "x.so", options);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, EngineError::Kind::user);
  EXPECT_NE(missing.error().message.find("no-such-linker"), std::string::npos);

  Status unwritable = link_shared(compiled->object, "/no/such/folder/x.so", {});
  ASSERT_FALSE(unwritable);
  EXPECT_NE(unwritable.error().message.find("/no/such/folder/x.so"), std::string::npos);

  Status malformed = link_shared({'n', 'o'}, "/tmp/borel-malformed.so", {});
  ASSERT_FALSE(malformed);
  EXPECT_FALSE(malformed.error().message.empty());
}

TEST(Engine, InstrumentsForTheAddressSanitizer) {
  llvm::LLVMContext context;
  OptimiseOptions options;
  options.address_sanitizer = true;
  Result<Compiled> compiled = compile(*parse(sum, context), host(), options);
  ASSERT_TRUE(compiled);
  const std::string bytes(compiled->object.begin(), compiled->object.end());
  EXPECT_NE(bytes.find("__asan_report_load8"), std::string::npos);
}

TEST(Engine, AddressSanitizerCatchesAnOverrunInALibrary) {
  llvm::LLVMContext context;
  OptimiseOptions options;
  options.address_sanitizer = true;
  Result<Compiled> compiled = compile(*parse(sum, context), host(), options);
  ASSERT_TRUE(compiled);
  const io::test::TemporaryFolder folder;
  const Status linked = link_shared(compiled->object, folder / "libsum.so");
  ASSERT_TRUE(linked) << linked.error().text();
  std::ofstream(folder / "host.c") << R"(
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
int main(int argc, char** argv) {
  (void)argc;
  void* library = dlopen(argv[1], RTLD_NOW);
  if (library == NULL) return 3;
  double (*sum)(const double*, int64_t) = (double (*)(const double*, int64_t))dlsym(library, "sum");
  double* x = calloc(4, sizeof *x);
  double inside = sum(x, 4);
  return inside + sum(x, atoi(argv[2])) == 0 ? 0 : 2;
}
)";
  const auto run = [](const std::string& command) { return std::system(command.c_str()); };
  ASSERT_EQ(run("cc -fsanitize=address -o " + folder / "host" + " " + folder / "host.c" + " -ldl"),
            0);
  const std::string host_run = folder / "host" + " " + folder / "libsum.so";
  EXPECT_EQ(run(host_run + " 4"), 0);
  EXPECT_NE(run(host_run + " 5 2> " + folder / "report.txt"), 0);
  std::stringstream report;
  report << std::ifstream(folder / "report.txt").rdbuf();
  EXPECT_NE(report.str().find("heap-buffer-overflow"), std::string::npos) << report.str();
}

TEST(Engine, KeysTellModulesApart) {
  llvm::LLVMContext context;
  auto first = parse(twice, context);
  auto second = parse(sum, context);
  EXPECT_EQ(object_key(*first, "znver5", ""), object_key(*parse(twice, context), "znver5", ""));
  EXPECT_NE(object_key(*first, "znver5", ""), object_key(*second, "znver5", ""));
  EXPECT_NE(object_key(*first, "znver5", ""), object_key(*first, "znver4", ""));
  EXPECT_NE(object_key(*first, "znver5", "a"), object_key(*first, "znver5", "b"));
}

}  // namespace
}  // namespace borel::codegen
