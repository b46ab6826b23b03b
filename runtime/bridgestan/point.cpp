#include "runtime/bridgestan/point.h"

#include <cmath>

#include "runtime/core/philox.h"
#include "runtime/host/error.h"
#include "runtime/host/json.h"
#include "runtime/host/words.h"

namespace borel::bridgestan {

using host::Array;
using host::JsonReader;
using host::Text;

namespace {

constexpr double not_given = -HUGE_VAL;  // no site has it: supports are of finite numbers

// Values of latent sites from JSON, into a draw.
class ValueReader {
 public:
  ValueReader(const bs_model& model, const char* json, const Call& call)
      : model_(model),
        call_(call),
        name_(host::default_allocator()),
        ints_(host::default_allocator()),
        reals_(host::default_allocator()),
        given_(host::default_allocator()),
        reader_(json, std::strlen(json), name_, ints_, reals_) {}

  // Writes what is given over `values`, the latent elements of a draw. `missing_allowed`: sites
  // without a value keep theirs; `*has_all` says whether there was none.
  int operator()(double* values, bool missing_allowed, bool* has_all) {
    if (!given_.resize(static_cast<std::size_t>(borel_site_count(model_.instance, model_.index)))) {
      return call_.fail_for_memory();
    }
    JsonReader::Step step = JsonReader::Step::end;
    while ((step = reader_.next()) == JsonReader::Step::member) {
      borel_site_info site{};
      const bool is_site = find(site);
      if (!reader_.read(is_site)) {
        return syntax_error();
      }
      if (is_site && read(site, values) != 0) {
        return -1;
      }
    }
    if (step == JsonReader::Step::failed) {
      return syntax_error();
    }
    *has_all = true;
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(given_.size()); ++i) {
      borel_site_info site{};
      if (!describe(i, site)) {
        break;
      }
      if (given_[static_cast<std::size_t>(i)] != 0) {
        continue;
      }
      *has_all = false;
      if (!missing_allowed) {
        return call_.fail(Text() << "`" << site.name << "` is missing: expected "
                                 << expected(site).view());
      }
    }
    return 0;
  }

 private:
  int syntax_error() {
    return reader_.out_of_memory() ? call_.fail_for_memory() : call_.fail(reader_.failure());
  }

  // False when there is no latent site of that number.
  bool describe(std::int32_t i, borel_site_info& site) const {
    return borel_describe_site(model_.instance, model_.index, i, &site, nullptr) == BOREL_SUCCESS &&
           site.kind == BOREL_LATENT;
  }
  bool find(borel_site_info& site) {
    for (site_ = 0; describe(site_, site); ++site_) {
      if (reader_.name() == site.name) {
        return true;
      }
    }
    return false;
  }

  static Text expected(const borel_site_info& site) {
    Text text = host::shape_text(site.dims, site.rank);
    if (*site.support != '\0') {
      text << " (" << site.support << ")";
    }
    return text;
  }
  int bad(const borel_site_info& site, const Text& found) {
    return call_.fail(Text() << "`" << site.name << "`: found " << found.view() << ", expected "
                             << expected(site).view());
  }

  int read(const borel_site_info& site, double* values) {
    char& given = given_[static_cast<std::size_t>(site_)];
    if (given != 0) {
      return call_.fail(Text() << "`" << site.name << "` is given twice");
    }
    given = 1;
    if (!reader_.problem().empty()) {
      return bad(site, reader_.problem());
    }
    bool agrees = reader_.rank() == site.rank;
    for (std::int32_t d = 0; agrees && d < site.rank; ++d) {
      agrees = reader_.dims()[d] == site.dims[d];
    }
    if (!agrees && (reader_.count() != 0 || site.elements != 0)) {
      return bad(site, host::shape_text(reader_.dims(), reader_.rank()));
    }
    std::int64_t index[BOREL_MAX_RANK] = {};
    for (std::int64_t i = 0; i < site.elements; ++i) {
      const double value = reader_.real(i);
      if (!std::isfinite(value)) {
        const Text element = host::element_text(site.name, site.dims, site.rank, i);
        return call_.fail(Text() << element.view() << ": found " << value << ", expected a number");
      }
      values[site.draw_offset + element_offset(site, index)] = value;
      next_last_fastest(site, index);
    }
    return 0;
  }

  const bs_model& model_;
  const Call& call_;
  Array<char> name_;
  Array<std::int64_t> ints_;
  Array<double> reals_;
  Array<char> given_;  // by site
  JsonReader reader_;
  std::int32_t site_ = 0;  // of the member
};

bool is_finite(const double* values, std::int64_t count) {
  bool finite = true;
  for (std::int64_t i = 0; i < count; ++i) {
    finite = finite && std::isfinite(values[i]);
  }
  return finite;
}

double draw_uniform(bs_rng& rng) {
  const borel_key key = {rng.seed, 0, 0};
  const std::uint64_t word = rng.position++;
  return runtime::random_uniforms(key, word / 2)[word % 2];
}

// Unconstrains the latent elements of a draw. They are in their supports if they come back from u
// within Stan's tolerance: shares that sum to 1.5 have a u, but not as their own. `back` has room
// for a draw. 0, or -1 with `why` set.
int invert(const bs_model& model, borel_worker* worker, const double* latents, double* u,
           double* back, Text& why) {
  constexpr double tolerance = 1e-8;
  borel_error* error = nullptr;
  if (borel_unconstrain(worker, model.index, latents, u, &error) != BOREL_SUCCESS) {
    why = error_text(error);
    return -1;
  }
  if (borel_constrain(worker, model.index, u, back, nullptr) != BOREL_SUCCESS) {
    return 0;  // what is wrong is with a derived quantity
  }
  borel_site_info site{};
  for (std::int32_t s = 0;
       borel_describe_site(model.instance, model.index, s, &site, nullptr) == BOREL_SUCCESS &&
       site.kind == BOREL_LATENT;
       ++s) {
    for (std::int64_t i = site.draw_offset; i < site.draw_offset + site.elements; ++i) {
      if (!(std::fabs(back[i] - latents[i]) <= tolerance * std::fmax(1, std::fabs(latents[i])))) {
        why = Text() << "a value is outside its site's support, at site `" << site.name << "`";
        return -1;
      }
    }
  }
  return 0;
}

}  // namespace

int constrain(const bs_model& model, bool with_derived, const double* u, double* theta,
              const Call& call) {
  const Lease desk(&model, call);
  if (!desk) {
    return -1;
  }
  double* draw = desk.values(model.layout.count(true));
  if (draw == nullptr) {
    return call.fail_for_memory();
  }
  borel_error* error = nullptr;
  if (borel_constrain(desk.worker(), model.index, u, draw, &error) != BOREL_SUCCESS) {
    return call.fail(error);
  }
  const std::int64_t* order = model.layout.order();
  for (std::int64_t i = 0; i < model.layout.count(with_derived); ++i) {
    theta[i] = draw[order[i]];
  }
  return 0;
}

int unconstrain(const bs_model& model, const double* theta, double* u, const Call& call) {
  const Lease desk(&model, call);
  if (!desk) {
    return -1;
  }
  double* latents = desk.values(model.layout.parameter_count() + model.layout.count(true));
  if (latents == nullptr) {
    return call.fail_for_memory();
  }
  double* back = latents + model.layout.parameter_count();
  const std::int64_t* order = model.layout.order();
  for (std::int64_t i = 0; i < model.layout.parameter_count(); ++i) {
    latents[order[i]] = theta[i];
  }
  Text why;
  return invert(model, desk.worker(), latents, u, back, why) == 0 ? 0 : call.fail(why);
}

int unconstrain_json(const bs_model& model, const char* json, double* u, const Call& call) {
  if (json == nullptr) {
    return call.fail("the JSON is null");
  }
  const Lease desk(&model, call);
  if (!desk) {
    return -1;
  }
  double* latents = desk.values(model.layout.parameter_count() + model.layout.count(true));
  if (latents == nullptr) {
    return call.fail_for_memory();
  }
  double* back = latents + model.layout.parameter_count();
  bool has_all = false;
  if (ValueReader(model, json, call)(latents, false, &has_all) != 0) {
    return -1;
  }
  Text why;
  return invert(model, desk.worker(), latents, u, back, why) == 0 ? 0 : call.fail(why);
}

int initialize(const bs_model& model, const Start& start, bs_rng& rng, double* u,
               const Call& call) {
  if (!(start.radius >= 0) || !std::isfinite(start.radius)) {
    return call.fail(Text() << "init_radius is " << start.radius
                            << ", expected a finite number of at least 0");
  }
  if (start.tries < 1) {
    return call.fail(Text() << "max_tries is " << start.tries << ", expected at least 1");
  }
  const Lease desk(&model, call);
  if (!desk) {
    return -1;
  }
  const std::int64_t dimension = model.layout.dimension();
  const std::int64_t parameters = model.layout.parameter_count();
  const std::int64_t draw_size = model.layout.count(true);
  double* gradient = desk.values(dimension + parameters + 2 * draw_size);
  if (gradient == nullptr) {
    return call.fail_for_memory();
  }
  double* given = gradient + dimension;
  double* draw = given + parameters;
  double* back = draw + draw_size;
  for (std::int64_t i = 0; i < parameters; ++i) {
    given[i] = not_given;
  }
  const bool has_json = start.json != nullptr && *start.json != '\0';
  bool has_all = false;
  if (has_json && ValueReader(model, start.json, call)(given, true, &has_all) != 0) {
    return -1;
  }
  // Puts the given values into the drawn point. Bounds of others may depend on them.
  const auto merge = [&](double* point, Text& problem) {
    borel_error* error = nullptr;
    if (borel_constrain(desk.worker(), model.index, point, draw, &error) != BOREL_SUCCESS) {
      problem = error_text(error);
      return false;
    }
    for (std::int64_t i = 0; i < parameters; ++i) {
      draw[i] = given[i] == not_given ? draw[i] : given[i];
    }
    return invert(model, desk.worker(), draw, point, back, problem) == 0;
  };
  // Without chance every try is the same.
  const int tries = has_all || start.radius == 0 || dimension == 0 ? 1 : start.tries;
  Text why;
  for (int attempt = 0; attempt < tries; ++attempt) {
    for (std::int64_t i = 0; i < dimension; ++i) {
      u[i] = start.radius * (2 * draw_uniform(rng) - 1);
    }
    if (has_json && !merge(u, why)) {
      continue;
    }
    borel_error* error = nullptr;
    double log_density = 0;
    if (borel_log_density_gradient(desk.worker(), model.index, start.jacobian ? 1 : 0, u,
                                   &log_density, gradient, &error) != BOREL_SUCCESS) {
      why = error_text(error);
    } else if (!std::isfinite(log_density)) {
      why = Text("the density is 0 there");
    } else if (!is_finite(gradient, dimension)) {
      why = Text("the gradient is not finite there");
    } else {
      return 0;
    }
  }
  return call.fail(Text() << "no starting point in " << tries << (tries == 1 ? " try" : " tries")
                          << "; the last one failed: " << why.view());
}

}  // namespace borel::bridgestan
