#include "instance.h"

#include <nanobind/stl/string.h>

namespace borel::python {

namespace nb = nanobind;

namespace {

using Ints = nb::ndarray<const std::int64_t, nb::c_contig, nb::device::cpu>;

void set_input(const borel::Data& data, const std::string& name, nb::handle array,
               const std::vector<std::int64_t>& dims) {
  const auto rank = static_cast<std::int32_t>(dims.size());
  std::size_t count = 1;
  for (const std::int64_t dim : dims) {
    count *= static_cast<std::size_t>(dim);
  }
  ConstArray reals;
  Ints ints;
  if (nb::try_cast(array, reals, false)) {
    detail::check_size(name.c_str(), reals.size(), static_cast<std::int64_t>(count));
    detail::check([&](borel_error** error) {
      return borel_data_real(data.get(), name.c_str(), reals.data(), rank, dims.data(), error);
    });
  } else if (nb::try_cast(array, ints, false)) {
    detail::check_size(name.c_str(), ints.size(), static_cast<std::int64_t>(count));
    detail::check([&](borel_error** error) {
      return borel_data_int(data.get(), name.c_str(), ints.data(), rank, dims.data(), error);
    });
  } else {
    throw Error(BOREL_BAD_ARGUMENT,
                "`" + name + "`: not a C-contiguous array of float64 or int64 in memory");
  }
}

}  // namespace

// A worker for the duration of a call.
class Instance::Lease {
 public:
  explicit Lease(Instance& instance) : instance_(instance) {
    {
      const std::lock_guard<std::mutex> lock(instance.mutex_);
      if (!instance.idle_.empty()) {
        worker_ = std::move(instance.idle_.back());
        instance.idle_.pop_back();
        return;
      }
      instance.idle_.reserve(instance.idle_.capacity() + 1);  // so that giving back cannot fail
    }
    borel_worker* made = nullptr;
    detail::check([&](borel_error** error) {
      return borel_worker_create(instance.handle().get(), &made, error);
    });
    worker_.reset(made);
  }
  ~Lease() {
    const std::lock_guard<std::mutex> lock(instance_.mutex_);
    if (instance_.idle_.size() < instance_.idle_.capacity()) {
      instance_.idle_.push_back(std::move(worker_));
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  borel_worker* get() const { return worker_.get(); }

 private:
  Instance& instance_;
  Handle worker_;
};

Instance::Instance(std::shared_ptr<Library> library, const std::string& json, nb::list entries)
    : library_(std::move(library)) {
  borel::Data data(library_->handle());
  if (!json.empty()) {
    data.json(json);
  }
  for (const nb::handle entry : entries) {
    const nb::tuple parts = nb::cast<nb::tuple>(entry);
    std::vector<std::int64_t> dims;
    for (const nb::handle dim : nb::cast<nb::tuple>(parts[2])) {
      dims.push_back(nb::cast<std::int64_t>(dim));
    }
    set_input(data, nb::cast<std::string>(parts[0]), parts[1], dims);
    borrowed_.append(parts[1]);
  }
  const nb::gil_scoped_release release;
  handle_ = std::make_unique<borel::Instance>(data);
}

std::int32_t Instance::default_model() const {
  const std::int32_t model = handle_->model();
  return model >= 0 ? model : program().model_count > 0 ? 0 : -1;
}

std::int64_t Instance::steps() const { return handle_->steps(); }
std::int64_t Instance::dimension(std::int32_t model) const { return handle_->dimension(model); }
std::int64_t Instance::draw_size(std::int32_t model) const { return handle_->draw_size(model); }
std::int64_t Instance::observed_size(std::int32_t model) const {
  return borel_observed_size(handle_->get(), model);
}
std::int64_t Instance::term_count(std::int32_t model) const {
  return borel_term_count(handle_->get(), model);
}

nb::list Instance::sites(std::int32_t model) const {
  nb::list out;
  for (const borel_site_info& info : handle_->sites(model)) {
    nb::list shape;
    for (std::int32_t d = 0; d < info.rank; ++d) {
      shape.append(info.dims[d]);
    }
    nb::dict site;
    site["name"] = info.name;
    site["support"] = info.support;
    site["kind"] = info.kind;
    site["type"] = info.type;
    site["column_major"] = info.layout == BOREL_COLUMN_MAJOR && info.rank >= 2;
    site["shape"] = nb::tuple(shape);
    site["size"] = info.elements;
    site["draw_offset"] = info.draw_offset;
    site["u_offset"] = info.u_offset;
    site["u_size"] = info.u_elements;
    site["draw_rank"] = info.draw_rank;
    site["observed_offset"] = info.observed_offset;
    site["term_offset"] = info.term_offset;
    site["terms"] = info.terms;
    out.append(site);
  }
  return out;
}

std::int64_t Instance::count_of(std::int32_t model, std::size_t size, std::int64_t each) const {
  if (dimension(model) < 0) {
    throw Error(BOREL_BAD_ARGUMENT, "there is no model " + std::to_string(model));
  }
  const auto elements = static_cast<std::int64_t>(size);
  if (each == 0 ? elements != 0 : elements % each != 0) {
    throw Error(BOREL_BAD_ARGUMENT, "found " + std::to_string(elements) +
                                        " elements, expected a multiple of " +
                                        std::to_string(each));
  }
  return each == 0 ? 0 : elements / each;
}

template <class Call>
void Instance::for_each(std::int64_t count, Call call) {
  const nb::gil_scoped_release release;
  const Lease worker(*this);
  for (std::int64_t i = 0; i < count; ++i) {
    detail::check([&](borel_error** error) { return call(worker.get(), i, error); });
  }
}

double Instance::log_density(std::int32_t model, bool jacobian, ConstArray u) {
  detail::check_size("u", u.size(), dimension(model));
  double value = 0;
  for_each(1, [&](borel_worker* worker, std::int64_t, borel_error** error) {
    return borel_log_density(worker, model, jacobian, u.data(), &value, error);
  });
  return value;
}

double Instance::log_density_gradient(std::int32_t model, bool jacobian, ConstArray u,
                                      Array gradient) {
  detail::check_size("u", u.size(), dimension(model));
  detail::check_size("the gradient", gradient.size(), dimension(model));
  double value = 0;
  for_each(1, [&](borel_worker* worker, std::int64_t, borel_error** error) {
    return borel_log_density_gradient(worker, model, jacobian, u.data(), &value, gradient.data(),
                                      error);
  });
  return value;
}

// A model without parameters has one point, of no elements, however many there are of it: their
// number is then that of the values.
void Instance::log_densities(std::int32_t model, bool jacobian, ConstArray u, Array values) {
  const std::int64_t n = dimension(model);
  const auto count = static_cast<std::int64_t>(values.size());
  detail::check_size("u", u.size(), count * n);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    return borel_log_density(worker, model, jacobian, u.data() + i * n, values.data() + i, error);
  });
}

void Instance::log_density_gradients(std::int32_t model, bool jacobian, ConstArray u, Array values,
                                     Array gradients) {
  const std::int64_t n = dimension(model);
  const auto count = static_cast<std::int64_t>(values.size());
  detail::check_size("u", u.size(), count * n);
  detail::check_size("the gradients", gradients.size(), count * n);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    return borel_log_density_gradient(worker, model, jacobian, u.data() + i * n, values.data() + i,
                                      gradients.data() + i * n, error);
  });
}

void Instance::constrain(std::int32_t model, ConstArray u, Array draws) {
  const std::int64_t n = dimension(model), size = draw_size(model);
  const std::int64_t count = count_of(model, draws.size(), size);
  detail::check_size("u", u.size(), count * n);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    return borel_constrain(worker, model, u.data() + i * n, draws.data() + i * size, error);
  });
}

void Instance::unconstrain(std::int32_t model, ConstArray latents, std::int64_t stride, Array u) {
  const std::int64_t n = dimension(model);
  const std::int64_t count = count_of(model, u.size(), n);
  std::int64_t least = 0;
  for (const borel_site_info& site : handle_->sites(model)) {
    least += site.kind == BOREL_LATENT ? site.elements : 0;
  }
  if (stride < least) {
    throw Error(BOREL_BAD_ARGUMENT, "the latent values: found " + std::to_string(stride) +
                                        " elements, expected " + std::to_string(least));
  }
  detail::check_size("the latent values", latents.size(), count * stride);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    return borel_unconstrain(worker, model, latents.data() + i * stride, u.data() + i * n, error);
  });
}

void Instance::simulate(std::int32_t model, std::uint64_t seed, std::uint64_t stream,
                        std::uint64_t first, Array draws) {
  const std::int64_t size = draw_size(model);
  const std::int64_t count = count_of(model, draws.size(), size);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    const borel_key key = {seed, stream, first + static_cast<std::uint64_t>(i)};
    return borel_simulate(worker, model, key, draws.data() + i * size, error);
  });
}

void Instance::hessian_vectors(std::int32_t model, bool jacobian, ConstArray u, ConstArray v,
                               Array values, Array gradients, Array products) {
  const std::int64_t n = dimension(model);
  const auto count = static_cast<std::int64_t>(values.size());
  detail::check_size("u", u.size(), count * n);
  detail::check_size("v", v.size(), count * n);
  detail::check_size("the gradients", gradients.size(), count * n);
  detail::check_size("the products", products.size(), count * n);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    return borel_hessian_vector(worker, model, jacobian, u.data() + i * n, v.data() + i * n,
                                values.data() + i, gradients.data() + i * n,
                                products.data() + i * n, error);
  });
}

void Instance::predict(std::int32_t model, std::uint64_t seed, std::uint64_t stream,
                       std::uint64_t first, ConstArray draws, Array observed) {
  const std::int64_t size = draw_size(model), observed_size = this->observed_size(model);
  const std::int64_t count = count_of(model, observed.size(), observed_size);
  detail::check_size("the draws", draws.size(), count * size);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    const borel_key key = {seed, stream, first + static_cast<std::uint64_t>(i)};
    return borel_predict(worker, model, key, draws.data() + i * size,
                         observed.data() + i * observed_size, error);
  });
}

void Instance::log_likelihood(std::int32_t model, ConstArray draws, Array terms) {
  const std::int64_t size = draw_size(model), each = term_count(model);
  const std::int64_t count = count_of(model, terms.size(), each);
  detail::check_size("the draws", draws.size(), count * size);
  for_each(count, [&](borel_worker* worker, std::int64_t i, borel_error** error) {
    return borel_log_likelihood(worker, model, draws.data() + i * size, terms.data() + i * each,
                                error);
  });
}

}  // namespace borel::python
