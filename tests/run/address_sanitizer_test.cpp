// Generated code, instrumented by LLVM's AddressSanitizer and built ahead of time, calls every
// function of real posteriors from buffers of exactly the sizes that the contract asks for; and
// buffers that are too short are noticed. Built with the sanitizer's preset only.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "compiler/driver/bound.h"
#include "compiler/driver/messages.h"
#include "tests/run/every_function.h"
#include "tests/unit/runtime/temporary_folder.h"

namespace borel::driver {
namespace {

namespace fs = std::filesystem;

class Silent : public testing::CallObserver {
 public:
  void before(const char*) override {}
  void after(const char*) override {}
};

/// What `borel build --sanitize-address --output LIBRARY` does.
void build(const std::string& file, const std::string& library) {
  PipelineOptions options;
  options.file = file;
  options.address_sanitizer = true;
  SourceManager sources;
  Diagnostics diagnostics;
  StageTimes times;
  const auto compiled = compile(options, sources, diagnostics, times);
  ASSERT_TRUE(compiled.has_value());
  const std::string bytes(compiled->object.begin(), compiled->object.end());
  ASSERT_NE(bytes.find("__asan_report_store8"), std::string::npos) << "not instrumented";
  const codegen::Status linked = codegen::link_shared(compiled->object, library);
  ASSERT_TRUE(linked) << linked.error().text();
}

class GeneratedCode : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string name = GetParam();
    const std::string data = BOREL_POSTERIORDB "/" + name + "/data.json";
    if (!fs::exists(data)) {
      if (std::getenv("CI")) FAIL() << data << " is not there";
      GTEST_SKIP() << data << " is not there";
    }
    ProgramArguments arguments;
    arguments.file = BOREL_PROGRAMS "/" + name + ".ppl";
    ASSERT_EQ(bind_program(arguments, data, {}, plain_), exit_ok);
    const std::string library = folder_ / "program.so";
    ASSERT_NO_FATAL_FAILURE(build(arguments.file, library));
    library_ = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library_, nullptr) << dlerror();
    program_ = static_cast<const borel_program*>(dlsym(library_, BOREL_PROGRAM_SYMBOL));
    ASSERT_NE(program_, nullptr) << dlerror();
  }
  void TearDown() override {
    if (library_ != nullptr) dlclose(library_);
  }

  [[nodiscard]] const runtime::InputData& data() const { return plain_.instance->data(); }

  void call_with(testing::TooShort too_short) const {
    Silent silent;
    testing::call_every_function(*program_, data(), 4, silent, too_short);
  }

  BoundProgram plain_;  // the same program without instrumentation
  io::test::TemporaryFolder folder_;
  void* library_ = nullptr;
  const borel_program* program_ = nullptr;
};

TEST_P(GeneratedCode, KeepsWithinItsBuffers) {
  Silent silent;
  const auto got = testing::call_every_function(*program_, data(), 40, silent);
  const auto expected = testing::call_every_function(*plain_.program.value(), data(), 4, silent);
  const auto near = [](double a, double b) {
    return std::fabs(a - b) <= 1e-9 * std::max(1.0, std::fabs(b));
  };
  EXPECT_TRUE(near(got.log_density, expected.log_density));
  EXPECT_TRUE(near(got.log_density_plain, expected.log_density_plain));
  ASSERT_EQ(got.gradient.size(), expected.gradient.size());
  for (std::size_t i = 0; i < got.gradient.size(); ++i)
    EXPECT_TRUE(near(got.gradient[i], expected.gradient[i])) << i;
  ASSERT_EQ(got.draw.size(), expected.draw.size());
  for (std::size_t i = 0; i < got.draw.size(); ++i)
    EXPECT_TRUE(near(got.draw[i], expected.draw[i])) << i;
}

TEST_P(GeneratedCode, IsCaughtOutsideThem) {
  using testing::TooShort;
  EXPECT_DEATH(call_with(TooShort::input), "heap-buffer-overflow.*\n(.*\n)*.*program\\.so");
  EXPECT_DEATH(call_with(TooShort::point), "heap-buffer-overflow.*\n(.*\n)*.*program\\.so");
  EXPECT_DEATH(call_with(TooShort::gradient), "heap-buffer-overflow.*\n(.*\n)*.*program\\.so");
  EXPECT_DEATH(call_with(TooShort::draw), "heap-buffer-overflow.*\n(.*\n)*.*program\\.so");
}

INSTANTIATE_TEST_SUITE_P(All, GeneratedCode,
                         ::testing::Values("eight_schools-eight_schools_noncentered",
                                           "radon_mn-radon_hierarchical_intercept_noncentered",
                                           "garch-garch11", "irt_2pl-irt_2pl"),
                         [](const auto& param) {
                           std::string name = param.param;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

}  // namespace
}  // namespace borel::driver
