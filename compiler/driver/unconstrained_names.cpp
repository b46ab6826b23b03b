#include "compiler/driver/unconstrained_names.h"

#include <algorithm>

namespace borel::driver {

std::vector<std::string> unconstrained_names(const runtime::Instance& instance,
                                             const borel_model& model) {
  const std::int64_t dimension = instance.dimension(model);
  std::vector<std::string> names(static_cast<std::size_t>(dimension));
  std::vector<std::int64_t> offsets;
  for (std::int32_t s = 0; s < model.site_count && model.sites[s].kind == BOREL_LATENT; ++s)
    offsets.push_back(instance.site_shape(model, s).offset);
  for (std::size_t s = 0; s < offsets.size(); ++s) {
    const runtime::SiteShape shape = instance.site_shape(model, static_cast<std::int32_t>(s));
    const std::int64_t end = s + 1 < offsets.size() ? offsets[s + 1] : dimension;
    const bool matrix = model.sites[s].layout == BOREL_COLUMN_MAJOR;
    for (std::int64_t k = 0; k < end - offsets[s]; ++k) {
      std::string name = model.sites[s].name;
      if (end - offsets[s] != shape.count) {
        name += "." + std::to_string(k + 1);
      } else {
        std::vector<std::int64_t> dims = shape.dims;
        const std::size_t rank = dims.size();
        if (matrix) std::swap(dims[rank - 1], dims[rank - 2]);
        std::vector<std::int64_t> index(rank);
        std::int64_t rest = k;
        for (std::size_t d = rank; d-- > 0; rest /= dims[d]) index[d] = rest % dims[d];
        if (matrix) std::swap(index[rank - 1], index[rank - 2]);
        for (const std::int64_t i : index) name += "." + std::to_string(i + 1);
      }
      names[static_cast<std::size_t>(offsets[s] + k)] = name;
    }
  }
  return names;
}

}  // namespace borel::driver
