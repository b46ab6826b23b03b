#include "runtime/bridgestan/layout.h"

#include <climits>

#include "runtime/host/error.h"
#include "runtime/host/text.h"

namespace borel::bridgestan {

using host::Text;

namespace {

bool append(host::Array<char>& to, std::string_view text) {
  const std::size_t begin = to.size();
  if (!to.resize(begin + text.size())) {
    return false;
  }
  std::memcpy(to.data() + begin, text.data(), text.size());
  return true;
}

// One name: the site's, and its indices, which count from 0 here.
bool append_name(host::Array<char>& to, const char* name, const std::int64_t* index,
                 std::int32_t rank) {
  bool done = (to.size() == 0 || append(to, ",")) && append(to, name);
  for (std::int32_t d = 0; done && d < rank; ++d) {
    Text number;
    number << "." << index[d] + 1;
    done = append(to, number.view());
  }
  return done;
}

bool is_matrix(const borel_site_info& site) {
  return site.layout == BOREL_COLUMN_MAJOR && site.rank >= 2;
}

}  // namespace

std::int64_t element_offset(const borel_site_info& site, const std::int64_t* index) {
  const std::int32_t outer = is_matrix(site) ? site.rank - 2 : site.rank;
  std::int64_t offset = 0;
  for (std::int32_t d = 0; d < outer; ++d) {
    offset = offset * site.dims[d] + index[d];
  }
  for (std::int32_t d = site.rank - 1; d >= outer; --d) {
    offset = offset * site.dims[d] + index[d];
  }
  return offset;
}

void next_first_fastest(const borel_site_info& site, std::int64_t* index) {
  for (std::int32_t d = 0; d < site.rank && ++index[d] == site.dims[d]; ++d) {
    index[d] = 0;
  }
}

void next_last_fastest(const borel_site_info& site, std::int64_t* index) {
  for (std::int32_t d = site.rank - 1; d >= 0 && ++index[d] == site.dims[d]; --d) {
    index[d] = 0;
  }
}

Layout::Layout()
    : order_(host::default_allocator()),
      parameter_names_(host::default_allocator()),
      names_(host::default_allocator()),
      unconstrained_names_(host::default_allocator()) {}

bool Layout::add_site(const borel_site_info& site) {
  std::int64_t index[BOREL_MAX_RANK] = {};
  for (std::int64_t i = 0; i < site.elements; ++i) {
    if (!order_.push(site.draw_offset + element_offset(site, index)) ||
        !append_name(names_, site.name, index, site.rank) ||
        (site.kind == BOREL_LATENT &&
         !append_name(parameter_names_, site.name, index, site.rank))) {
      return false;
    }
    next_first_fastest(site, index);
  }
  return true;
}

bool Layout::add_unconstrained(const borel_site_info& site) {
  std::int64_t index[BOREL_MAX_RANK] = {};
  if (site.u_elements == site.elements) {
    // Element by element, in the order of u: matrices column by column.
    borel_site_info by_columns = site;
    std::int64_t swapped[BOREL_MAX_RANK] = {};
    const bool matrix = is_matrix(site);
    const std::int32_t row = site.rank - 2, column = site.rank - 1;
    if (matrix) {
      by_columns.dims[row] = site.dims[column];
      by_columns.dims[column] = site.dims[row];
    }
    for (std::int64_t i = 0; i < site.elements; ++i) {
      std::memcpy(swapped, index, sizeof index);
      if (matrix) {
        swapped[row] = index[column];
        swapped[column] = index[row];
      }
      if (!append_name(unconstrained_names_, site.name, swapped, site.rank)) {
        return false;
      }
      next_last_fastest(by_columns, index);
    }
    return true;
  }
  // Values of an array one after the other, each with numbers of its own. A value is a vector or a
  // matrix; what does not divide so is one value.
  std::int32_t outer_rank = is_matrix(site) ? site.rank - 2 : site.rank - 1;
  outer_rank = outer_rank < 0 ? 0 : outer_rank;
  std::int64_t values = 1;
  for (std::int32_t d = 0; d < outer_rank; ++d) {
    values *= site.dims[d];
  }
  if (values == 0 || site.u_elements % values != 0) {
    outer_rank = 0;
    values = 1;
  }
  borel_site_info of_values = site;
  of_values.rank = outer_rank;
  for (std::int64_t v = 0; v < values; ++v) {
    for (index[outer_rank] = 0; index[outer_rank] < site.u_elements / values; ++index[outer_rank]) {
      if (!append_name(unconstrained_names_, site.name, index, outer_rank + 1)) {
        return false;
      }
    }
    next_last_fastest(of_values, index);
  }
  return true;
}

borel_code Layout::read(const borel_instance* instance, std::int32_t model, borel_error** error,
                        bool* is_too_large) {
  *is_too_large = false;
  dimension_ = borel_dimension(instance, model);
  if (dimension_ > INT_MAX || borel_draw_size(instance, model) > INT_MAX) {
    *is_too_large = true;
    return BOREL_BAD_DATA;
  }
  const std::int32_t sites = borel_site_count(instance, model);
  for (std::int32_t i = 0; i < sites; ++i) {
    borel_site_info site{};
    if (const borel_code code = borel_describe_site(instance, model, i, &site, error)) {
      return code;
    }
    if (site.kind == BOREL_OBSERVED) {
      break;
    }
    if (!add_site(site) || (site.u_offset >= 0 && !add_unconstrained(site))) {
      return BOREL_NO_MEMORY;
    }
    parameters_ += site.kind == BOREL_LATENT ? site.elements : 0;
  }
  const bool ended =
      parameter_names_.push('\0') && names_.push('\0') && unconstrained_names_.push('\0');
  return ended ? BOREL_SUCCESS : BOREL_NO_MEMORY;
}

}  // namespace borel::bridgestan
