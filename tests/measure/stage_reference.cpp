#include "tests/measure/stage_reference.h"

#include <cmath>
#include <map>

#include "tests/measure/interpreter.h"

namespace borel::testing {
namespace {

/// Programs with more runs than this are left out: there are enough others.
constexpr size_t most_runs = 1500;

/// Goes through all sequences of choices among `grid` values, as many as a run asks for.
class Choices {
 public:
  explicit Choices(int grid) : grid_(grid) {}
  double next() {
    if (position_ == made_.size()) made_.push_back(0);
    return (made_[position_++] + .5) / grid_;
  }
  /// How likely the choices of this run were.
  double probability() const { return std::pow(grid_, -static_cast<double>(position_)); }
  bool advance() {
    made_.resize(position_);
    while (!made_.empty() && ++made_.back() == grid_) made_.pop_back();
    position_ = 0;
    return !made_.empty();
  }

 private:
  int grid_;
  size_t position_ = 0;
  std::vector<int> made_;
};

/// Where a site's values begin among those of all, and its extents at a stop.
struct Place {
  size_t first = 0;
  std::vector<int64_t> extents;
};

/// What a draw changes of the sites' latest values.
void note(const StageProgram& program, const Draw& draw, const std::map<int64_t, Place>& places,
          std::vector<double>& latest) {
  const Place& place = places.at(draw.site);
  const size_t skip = program.sites[static_cast<size_t>(draw.site)].moves ? 1 : 0;
  size_t position = 0;
  for (size_t d = 0; d < place.extents.size(); ++d) {
    position *= static_cast<size_t>(place.extents[d]);
    if (d + skip < draw.indices.size()) position += static_cast<size_t>(draw.indices[d + skip]);
  }
  for (size_t i = 0; i < draw.value.size(); ++i)
    latest[place.first + position + i] = as_number(draw.value[i]);
}

}  // namespace

double as_number(const Datum& d) {
  if (const auto* real = std::get_if<Real>(&d)) return real->value;
  if (const auto* integer = std::get_if<int64_t>(&d)) return static_cast<double>(*integer);
  return std::get<bool>(d) ? 1 : 0;
}

std::vector<size_t> known_sites(const StageProgram& program) {
  std::vector<size_t> out;
  for (const char* kind : {"latent", "derived"})
    for (size_t i = 0; i < program.sites.size(); ++i)
      if (program.sites[i].kind == kind) out.push_back(i);
  return out;
}

StageReference stage_reference(mlir::ModuleOp module, const StageProgram& program,
                               const Point& point) {
  StageReference out;
  std::map<int64_t, Place> places;
  size_t size = 0;
  for (const size_t i : known_sites(program)) {
    const auto& site = program.sites[i];
    Place& place = places[static_cast<int64_t>(i)];
    place.first = size;
    size_t elements = 1;
    for (size_t d = site.moves ? 1 : 0; d < site.dims.size(); ++d) {
      place.extents.push_back(size_at(site.dims[d], point));
      elements *= static_cast<size_t>(place.extents.back());
    }
    size += elements;
  }
  Interpreter run(module);
  run.slots = point.slots;
  Choices choices(program.grid);
  run.uniform = [&] { return choices.next(); };
  size_t runs = 0, trips = 0;
  do {
    if (++runs > most_runs) return {};
    std::vector<double> latest(size, 0);
    std::vector<std::pair<double, std::vector<double>>> seen;  // at each stop
    size_t read = 0;
    run.at_stop = [&](const Real& weight) {
      for (; read < run.draws.size(); ++read) note(program, run.draws[read], places, latest);
      seen.emplace_back(weight.value, latest);
    };
    run.steps = 0;
    run.step_limit = 300'000;
    const double total = std::exp(run.weigh("model", point.arguments).value);
    if (run.fragile) return {};
    std::vector<double> returned;
    for (const Datum& d : run.returned)
      for (const Datum& x : scalars(d)) returned.push_back(as_number(x));
    out.end.add(std::isnan(total) ? 0 : total * choices.probability(), returned);
    if (runs == 1) trips = seen.size();
    if (seen.size() != trips) throw Refused("runs differ in their stops");
    out.stops.resize(trips);
    for (size_t s = 0; s < trips; ++s) {
      const double weight = std::exp(seen[s].first);
      out.stops[s].add(std::isnan(weight) ? 0 : weight * choices.probability(), seen[s].second);
    }
  } while (choices.advance());
  return out;
}

}  // namespace borel::testing
