// A program with data: densities and transforms of its models for any number of Python threads.
//
// Arrays are checked by the Python code that calls this: they are C-contiguous, of 64-bit numbers
// and of the sizes that are named here. Sizes are checked once more, for memory's sake.
#ifndef BOREL_PYTHON_INSTANCE_H
#define BOREL_PYTHON_INSTANCE_H

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "borel/borel.hpp"
#include "library.h"

namespace borel::python {

using ConstArray = nanobind::ndarray<const double, nanobind::c_contig, nanobind::device::cpu>;
using Array = nanobind::ndarray<double, nanobind::c_contig, nanobind::device::cpu>;

class Instance {
 public:
  // `json`: an object's text, or empty. `entries`: (name, array, shape); the array lies in memory
  // as the input's layout wants it, whose shape is the tuple, and is borrowed while this lives.
  Instance(std::shared_ptr<Library> library, const std::string& json, nanobind::list entries);

  std::int32_t default_model() const;
  std::int64_t steps() const;  // of the machine; -1: any number
  std::int64_t dimension(std::int32_t model) const;
  std::int64_t draw_size(std::int32_t model) const;
  std::int64_t observed_size(std::int32_t model) const;
  std::int64_t term_count(std::int32_t model) const;
  nanobind::list sites(std::int32_t model) const;

  // One point, u: dimension.
  double log_density(std::int32_t model, bool jacobian, ConstArray u);
  double log_density_gradient(std::int32_t model, bool jacobian, ConstArray u, Array gradient);
  // Many: u and gradients: count x dimension, values: count, draws: count x draw_size.
  void log_densities(std::int32_t model, bool jacobian, ConstArray u, Array values);
  void log_density_gradients(std::int32_t model, bool jacobian, ConstArray u, Array values,
                             Array gradients);
  void constrain(std::int32_t model, ConstArray u, Array draws);
  // latents: count x stride, of which the first are the latent values of a draw.
  void unconstrain(std::int32_t model, ConstArray latents, std::int64_t stride, Array u);
  // Steps `first`, `first` + 1, … of the stream.
  void simulate(std::int32_t model, std::uint64_t seed, std::uint64_t stream, std::uint64_t first,
                Array draws);
  // As log_density_gradients, with the product of the Hessian with v: count x dimension.
  void hessian_vectors(std::int32_t model, bool jacobian, ConstArray u, ConstArray v, Array values,
                       Array gradients, Array products);
  // At draws: count x draw_size, steps as in `simulate`; observed: count x observed_size, terms:
  // count x term_count.
  void predict(std::int32_t model, std::uint64_t seed, std::uint64_t stream, std::uint64_t first,
               ConstArray draws, Array observed);
  void log_likelihood(std::int32_t model, ConstArray draws, Array terms);

  const borel::Instance& handle() const { return *handle_; }
  const borel_program& program() const { return library_->program(); }

 private:
  using Handle = detail::Handle<borel_worker, borel_worker_free>;
  class Lease;

  std::int64_t count_of(std::int32_t model, std::size_t size, std::int64_t each) const;
  template <class Call>
  void for_each(std::int64_t count, Call call);

  std::shared_ptr<Library> library_;
  nanobind::list borrowed_;  // freed after the handle
  std::unique_ptr<borel::Instance> handle_;
  std::mutex mutex_;
  std::vector<Handle> idle_;  // workers that no thread is in
};

}  // namespace borel::python

#endif
