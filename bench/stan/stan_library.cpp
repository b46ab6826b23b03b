#include "stan_library.h"

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

}  // namespace

StanProgram::StanProgram(const std::filesystem::path& library, const std::filesystem::path& data) {
  // Never closed: Stan registers destructors of thread-local and static objects.
  void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) throw std::runtime_error(dlerror());
  const auto create = symbol<decltype(&stan_model_create)>(handle, "stan_model_create");
  const auto dim = symbol<decltype(&stan_model_dim)>(handle, "stan_model_dim");
  destroy_ = symbol<decltype(destroy_)>(handle, "stan_model_destroy");
  evaluate_ = symbol<decltype(evaluate_)>(handle, "stan_model_log_density_gradient");
  rejection_ = symbol<decltype(rejection_)>(handle, "stan_model_rejection");
  name_ = symbol<decltype(name_)>(handle, "stan_model_coordinate_name");
  std::array<char, 1024> message{};
  model_ = create(data.c_str(), message.data(), message.size());
  if (model_ == nullptr) throw std::runtime_error(message.data());
  dim_ = dim(model_);
}

StanProgram::~StanProgram() { destroy_(model_); }

StanProgram StanProgram::open(const std::string& folder) {
  return StanProgram(std::filesystem::path(BOREL_STAN_LIBRARIES) / (folder + ".so"),
                     std::filesystem::path(BOREL_POSTERIORDB) / folder / "data.json");
}

std::vector<std::string> StanProgram::coordinate_names() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < dim_; ++i) {
    std::string name = name_(model_, i);
    const std::size_t first = name.find('.');
    if (first != std::string::npos) {
      std::replace(name.begin() + static_cast<std::ptrdiff_t>(first), name.end(), '.', ',');
      name[first] = '[';
      name += ']';
    }
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> stan_folders() {
  std::vector<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(BOREL_STAN_LIBRARIES)) {
    if (entry.path().extension() == ".so") folders.push_back(entry.path().stem().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace borel::bench
