#include "stan_library.h"

#include "bench/timing.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace borel::bench {
namespace {

template <class Function>
Function symbol(void* library, const char* name) {
  void* address = dlsym(library, name);
  if (address == nullptr) throw std::runtime_error(std::string("no symbol ") + name);
  return reinterpret_cast<Function>(address);
}

/// `theta.1.2` as `theta[1,2]`.
std::string bracketed(std::string name) {
  const std::size_t first = name.find('.');
  if (first == std::string::npos) return name;
  std::replace(name.begin() + static_cast<std::ptrdiff_t>(first), name.end(), '.', ',');
  name[first] = '[';
  return name + "]";
}

std::filesystem::path library_of(const std::string& folder, StanRelease release) {
  const char* release_folder = release == StanRelease::rstan     ? "2.21"
                               : release == StanRelease::current ? "current"
                                                                 : "reference";
  return std::filesystem::path(BOREL_STAN_LIBRARIES) / release_folder / (folder + ".so");
}

}  // namespace

StanProgram::StanProgram(const std::filesystem::path& library, const std::filesystem::path& data) {
  // Never closed: Stan registers destructors of thread-local and static objects.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  const auto create = symbol<decltype(&stan_model_create)>(handle, "stan_model_create");
  const auto dim = symbol<decltype(&stan_model_dim)>(handle, "stan_model_dim");
  destroy_ = symbol<decltype(destroy_)>(handle, "stan_model_destroy");
  evaluate_ = symbol<decltype(evaluate_)>(handle, "stan_model_log_density_gradient");
  sample_ = symbol<decltype(sample_)>(handle, "stan_model_sample");
  draw_name_ = symbol<decltype(draw_name_)>(handle, "stan_model_draw_name");
  parameter_columns_ = symbol<decltype(parameter_columns_)>(handle, "stan_model_parameter_columns");
  rejection_ = symbol<decltype(rejection_)>(handle, "stan_model_rejection");
  name_ = symbol<decltype(name_)>(handle, "stan_model_coordinate_name");
  std::array<char, 1024> message{};
  model_ = create(data.c_str(), message.data(), message.size());
  if (model_ == nullptr) throw std::runtime_error(message.data());
  dim_ = dim(model_);
}

StanProgram::~StanProgram() { destroy_(model_); }

StanProgram StanProgram::open(const std::string& folder, StanRelease release) {
  return StanProgram(library_of(folder, release),
                     std::filesystem::path(BOREL_POSTERIORDB) / folder / "data.json");
}

std::vector<std::string> StanProgram::coordinate_names() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < dim_; ++i) names.push_back(bracketed(name_(model_, i)));
  return names;
}

StanProgram::Draws StanProgram::sample(const StanNutsOptions& options) {
  Draws draws;
  for (std::size_t i = 0; const char* name = draw_name_(model_, i); ++i) {
    draws.names.push_back(bracketed(name));
  }
  draws.parameter_columns = parameter_columns_(model_);
  draws.values.reserve(draws.names.size() * static_cast<std::size_t>(options.draws));
  const auto receive = [](void* user, const double* values, std::size_t count) {
    auto& all = *static_cast<std::vector<double>*>(user);
    all.insert(all.end(), values, values + count);
  };
  const double start = thread_seconds();
  const int status = sample_(model_, &options, receive, &draws.values);
  draws.seconds = thread_seconds() - start;
  if (status != 0)
    throw std::runtime_error("Stan's sampler stopped with code " + std::to_string(status));
  if (draws.values.size() != draws.names.size() * static_cast<std::size_t>(options.draws)) {
    throw std::runtime_error("Stan's sampler did not deliver every draw");
  }
  return draws;
}

std::vector<std::string> stan_folders() {
  std::vector<std::string> folders;
  for (const auto& entry :
       std::filesystem::directory_iterator(library_of("", StanRelease::rstan).parent_path())) {
    if (entry.path().extension() == ".so") folders.push_back(entry.path().stem().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

bool stan_program_exists(const std::string& folder, StanRelease release) {
  return std::filesystem::exists(library_of(folder, release));
}

}  // namespace borel::bench
