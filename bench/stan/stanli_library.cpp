#include "stanli_library.h"

#include <dlfcn.h>

#include <array>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace borel::bench {
namespace {

struct ModelOptions {
  std::uint32_t seed = 1;
  int threads_per_chain = 1;
  int fast_math = 0;
};

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

template <class Function>
void find(void* library, const char* name, Function& function) {
  void* address = dlsym(library, name);
  if (address == nullptr) throw std::runtime_error(std::string("stanli has no symbol ") + name);
  function = reinterpret_cast<Function>(address);
}

}  // namespace

StanliProgram::StanliProgram(const std::filesystem::path& library,
                             const std::filesystem::path& program,
                             const std::filesystem::path& data, bool fast_math) {
  // Never closed: it holds a runtime of its own.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  void* (*create)(const char*, const char*, const ModelOptions*, char*, std::size_t) = nullptr;
  std::int64_t (*count)(void*) = nullptr;
  find(handle, "stanli_model_new_from_stan_with_opts", create);
  find(handle, "stanli_n_unconstrained", count);
  find(handle, "stanli_grad", gradient_);
  find(handle, "stanli_model_free", free_);
  std::array<char, 4096> message{};
  ModelOptions options;
  options.fast_math = fast_math ? 1 : 0;
  model_ = create(read_text(program).c_str(), read_text(data).c_str(), &options, message.data(),
                  message.size());
  if (model_ == nullptr) throw std::runtime_error(message.data());
  dim_ = static_cast<std::size_t>(count(model_));
}

StanliProgram::~StanliProgram() { free_(model_); }

StanliProgram StanliProgram::open(const std::filesystem::path& library, const std::string& folder,
                                  bool fast_math) {
  return StanliProgram(library,
                       std::filesystem::path(BOREL_STAN_LIBRARIES) / "current" / (folder + ".stan"),
                       std::filesystem::path(BOREL_POSTERIORDB) / folder / "data.json", fast_math);
}

double StanliProgram::log_density_gradient(const double* u, double* grad) {
  double value = 0;
  if (gradient_(model_, u, &value, grad) == 0) return value;
  for (std::size_t i = 0; i < dim_; ++i) grad[i] = 0;
  return -std::numeric_limits<double>::infinity();
}

}  // namespace borel::bench
