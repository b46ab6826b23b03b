// What BridgeStan calls the elements of a model, and in what order it has them.
#ifndef BOREL_RUNTIME_BRIDGESTAN_LAYOUT_H
#define BOREL_RUNTIME_BRIDGESTAN_LAYOUT_H

#include <cstdint>

#include "runtime/host/memory.h"
#include "runtime/include/borel/borel.h"

namespace borel::bridgestan {

// Orders and names of one bound model.
class Layout {
 public:
  Layout();

  // Reads the sites of a model of a bound instance. BOREL_NO_MEMORY, or the failure of describing
  // them, in `error`; BOREL_BAD_DATA where there are more elements than an int can count.
  borel_code read(const borel_instance* instance, std::int32_t model, borel_error** error,
                  bool* is_too_large);

  std::int64_t dimension() const { return dimension_; }         // elements of u
  std::int64_t parameter_count() const { return parameters_; }  // latent elements
  std::int64_t count(bool with_derived) const {
    return with_derived ? static_cast<std::int64_t>(order_.size()) : parameters_;
  }
  // Element i of theta, first index fastest, is element order()[i] of a draw. The latent elements
  // come first in both.
  const std::int64_t* order() const { return order_.data(); }

  // Separated by commas.
  const char* names(bool with_derived) const {
    return with_derived ? names_.data() : parameter_names_.data();
  }
  const char* unconstrained_names() const { return unconstrained_names_.data(); }

 private:
  bool add_site(const borel_site_info& site);
  bool add_unconstrained(const borel_site_info& site);

  std::int64_t dimension_ = 0, parameters_ = 0;
  host::Array<std::int64_t> order_;
  host::Array<char> parameter_names_, names_, unconstrained_names_;
};

// The place in memory of the element with these indices (from 0), in the site's layout.
std::int64_t element_offset(const borel_site_info& site, const std::int64_t* index);
// Steps the indices to the next element with the first index fastest, or the last.
void next_first_fastest(const borel_site_info& site, std::int64_t* index);
void next_last_fastest(const borel_site_info& site, std::int64_t* index);

}  // namespace borel::bridgestan

#endif
