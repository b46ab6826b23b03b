#include "runtime/io/quantities.h"

#include "runtime/io/layout.h"

namespace borel::io {

std::vector<Quantity> list_quantities(const runtime::Instance& instance, const borel_model& model) {
  std::vector<Quantity> quantities;
  std::int64_t begin = 0;
  std::vector<std::int64_t> position;  // in the draw, by the last index fastest
  for (std::int32_t s = 0; s < model.site_count && model.sites[s].kind != BOREL_OBSERVED; ++s) {
    const borel_site& site = model.sites[s];
    const runtime::SiteShape shape = instance.site_shape(model, s);
    const std::size_t rank = shape.dims.size();
    position.resize(static_cast<std::size_t>(shape.count));
    visit_layout(shape.dims, site.layout, [&](std::int64_t from, std::int64_t to) {
      position[static_cast<std::size_t>(from)] = to;
    });
    std::vector<std::int64_t> index(rank, 0);
    for (std::int64_t i = 0; i < shape.count; ++i) {
      Quantity quantity{site.name, site.name, s, 0};
      std::int64_t row_major = 0;
      for (std::size_t d = 0; d < rank; ++d) {
        row_major = row_major * shape.dims[d] + index[d];
        const std::string number = std::to_string(index[d] + 1);
        quantity.name += (d == 0 ? "[" : ",") + number;
        quantity.file_name += "." + number;
      }
      quantity.name += rank > 0 ? "]" : "";
      quantity.position = begin + position[static_cast<std::size_t>(row_major)];
      quantities.push_back(std::move(quantity));
      for (std::size_t d = 0; d < rank && ++index[d] == shape.dims[d]; ++d) {
        index[d] = 0;
      }
    }
    begin += shape.count;
  }
  return quantities;
}

}  // namespace borel::io
