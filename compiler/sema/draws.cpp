// Draws of one site: that no element is drawn twice, that branches draw the same elements.
#include <algorithm>
#include <numeric>

#include "compiler/sema/elaborator.h"

namespace borel::sema {

namespace {

Size replaced(const Size& size, VarId variable, const Size& by) {
  return *substitute(
      size, [&](VarId v) -> std::optional<Size> { return v == variable ? by : variable_size(v); });
}

/// c of c * variable + …, where the rest does not mention it.
std::optional<Size> coefficient(const Size& size, VarId variable) {
  Size out;
  for (const Size::Term& term : size.terms) {
    Size::Term without = term;
    const auto gone = std::remove(without.factors.begin(), without.factors.end(), variable);
    const auto count = without.factors.end() - gone;
    if (count > 1) return std::nullopt;
    without.factors.erase(gone, without.factors.end());
    if (count == 1) out = add(out, Size{{without}});
  }
  return out;
}
/// The variable by a fact that it is something else.
std::optional<Size> solved(const Fact& fact, VarId variable) {
  if (fact.kind != Fact::Kind::Zero) return std::nullopt;
  const std::optional<Size> c = coefficient(fact.size, variable);
  const std::optional<int64_t> value = c ? constant_value(*c) : std::nullopt;
  if (value != 1 && value != -1) return std::nullopt;
  const Size rest = subtract(fact.size, multiply(*c, variable_size(variable)));
  return multiply(constant_size(-*value), rest);
}

/// The indices where the variables of loops are what the facts say.
void use_facts(std::vector<Size>& at, const std::vector<Loop>& loops,
               const std::vector<Fact>& facts) {
  for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop) {
    for (const Fact& fact : facts) {
      const std::optional<Size> value = solved(fact, loop->variable);
      if (!value) continue;
      for (Size& size : at) size = replaced(size, loop->variable, *value);
      break;
    }
  }
}

/// Two draws of one site, or twice the same draw: whether they can be of the same element in turns
/// of their loops that are not the same. The variables of the second's loops are told apart from
/// the first's until they are shown to be equal where the elements are.
class Collision {
 public:
  using Test = std::function<bool(const Size&)>;
  using Extreme = std::function<std::optional<Size>(const Size&, bool, const std::vector<Loop>&)>;

  Collision(const Draw& a, const Draw& b, Test never_negative, Extreme extreme)
      : first_(a),
        second_(b),
        never_negative_(std::move(never_negative)),
        extreme_(std::move(extreme)),
        a_{a.at, a.loops, a.facts},
        b_{b.at, b.loops, b.facts} {
    for (const Loop& loop : b.loops) rename(loop.variable, prime(loop.variable));
    while (common_ < std::min(a.loops.size(), b.loops.size()) &&
           a.loops[common_].variable == b.loops[common_].variable) {
      ++common_;
    }
    known_.resize(common_);
    for (Side* side : {&a_, &b_}) use_facts(side->at, side->loops, side->facts);
  }

  bool impossible() {
    for (bool more = true; more;) {
      more = false;
      for (size_t i = 0; i < common_; ++i) {
        if (known_[i] || !(equal_by_facts(i) || equal_by_index(i))) continue;
        known_[i] = more = true;
        rename(prime(a_.loops[i].variable), a_.loops[i].variable);
      }
    }
    for (size_t k = 0; k < rank(); ++k) {
      if (never_zero(subtract(a_.at[k], b_.at[k]))) return true;
    }
    for (const Branch& here : first_.path) {
      for (const Branch& there : second_.path) {
        if (here.number == there.number && here.side != there.side && all_known(here.loops)) {
          return true;
        }
      }
    }
    return &first_ == &second_ && all_known(common_);
  }
  /// A loop whose turns may draw the same element.
  std::optional<size_t> unknown_loop() const {
    auto at = std::find(known_.begin(), known_.end(), false);
    if (at == known_.end()) return std::nullopt;
    return static_cast<size_t>(at - known_.begin());
  }

 private:
  struct Side {
    std::vector<Size> at;
    std::vector<Loop> loops;
    std::vector<Fact> facts;
  };

  size_t rank() const { return std::min(a_.at.size(), b_.at.size()); }
  bool all_known(size_t loops) const {
    return loops <= common_ &&
           std::all_of(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(loops),
                       [](bool known) { return known; });
  }
  // Variables of programs have small numbers.
  static VarId prime(VarId v) { return static_cast<VarId>(static_cast<int>(v) + (1 << 30)); }

  void rename(VarId from, VarId to) {
    const Size by = variable_size(to);
    for (Size& size : b_.at) size = replaced(size, from, by);
    for (Fact& fact : b_.facts) fact.size = replaced(fact.size, from, by);
    for (Loop& loop : b_.loops) {
      if (loop.variable == from) loop.variable = to;
      if (loop.lower) loop.lower = replaced(*loop.lower, from, by);
      if (loop.upper) loop.upper = replaced(*loop.upper, from, by);
    }
  }
  static bool mentions(const Size& size, VarId variable) {
    return std::any_of(size.terms.begin(), size.terms.end(), [&](const Size::Term& term) {
      return std::find(term.factors.begin(), term.factors.end(), variable) != term.factors.end();
    });
  }
  bool mentions_loops(const Size& size) const {
    const auto any = [&](const Side& side) {
      return std::any_of(side.loops.begin(), side.loops.end(),
                         [&](const Loop& loop) { return mentions(size, loop.variable); });
    };
    return any(a_) || any(b_);
  }
  bool equal_by_facts(size_t i) const {
    for (const Fact& fact : a_.facts) {
      const std::optional<Size> here = solved(fact, a_.loops[i].variable);
      for (const Fact& other : b_.facts) {
        const std::optional<Size> there = solved(other, b_.loops[i].variable);
        if (here && there && *here == *there) return true;
      }
    }
    return false;
  }
  /// c v + r = c v' + r' with |r' - r| < |c|: then v = v', and r = r', which is what remains.
  bool equal_by_index(size_t i) {
    const VarId v = a_.loops[i].variable, other = b_.loops[i].variable;
    for (size_t k = 0; k < rank(); ++k) {
      const std::optional<Size> c = coefficient(a_.at[k], v), d = coefficient(b_.at[k], other);
      if (!c || !d || *c != *d || c->terms.empty() || mentions_loops(*c)) continue;
      const Size rest = subtract(a_.at[k], multiply(*c, variable_size(v))),
                 other_rest = subtract(b_.at[k], multiply(*c, variable_size(other)));
      const std::optional<Size> most = bound(subtract(other_rest, rest), true),
                                least = bound(subtract(other_rest, rest), false);
      if (!most || !least) continue;
      const Size width =
          subtract(never_negative_(*c) ? *c : subtract(Size{}, *c), constant_size(1));
      if (!never_negative_(subtract(width, *most)) || !never_negative_(add(width, *least))) {
        continue;
      }
      a_.at[k] = rest;
      b_.at[k] = other_rest;
      return true;
    }
    return false;
  }

  std::optional<Size> bound(const Size& size, bool largest) const {
    std::vector<Loop> loops = a_.loops;
    loops.insert(loops.end(), b_.loops.begin(), b_.loops.end());
    return extreme_(size, largest, loops);
  }
  bool positive(const Size& size) const {
    const auto surely = [&](const Size& one_less) {
      const std::optional<Size> least = bound(one_less, false);
      return least && never_negative_(*least);
    };
    const Size one_less = subtract(size, constant_size(1));
    if (surely(one_less)) return true;
    for (const Side* side : {&a_, &b_}) {
      for (const Fact& fact : side->facts) {
        if (fact.kind == Fact::Kind::NotNegative && surely(subtract(one_less, fact.size))) {
          return true;
        }
      }
    }
    return false;
  }
  bool never_zero(const Size& size) const {
    const Size minus = subtract(Size{}, size);
    if (positive(size) || positive(minus)) return true;
    for (const Side* side : {&a_, &b_}) {
      for (const Fact& fact : side->facts) {
        if (fact.kind == Fact::Kind::NotZero && (fact.size == size || fact.size == minus)) {
          return true;
        }
      }
    }
    // 2 i is no 2 j + 1.
    int64_t rest = 0, common = 0;
    for (const Size::Term& term : size.terms) {
      if (term.factors.empty()) {
        rest = term.coefficient;
      } else {
        common = std::gcd(common, term.coefficient);
      }
    }
    return is_exact(size) && common != 0 && rest % common != 0;
  }

  const Draw &first_, &second_;
  Test never_negative_;
  Extreme extreme_;
  Side a_, b_;
  size_t common_ = 0;        // how many loops are around both
  std::vector<bool> known_;  // of these: in which both are in the same turn
};

}  // namespace

void Elaborator::facts_of(const typed::Expr& condition, bool holds, std::vector<Fact>& out) const {
  const auto* b = typed::as<typed::Builtin>(condition);
  if (b == nullptr) return;
  if (b->op == Op::Not) return facts_of(*b->args[0], !holds, out);
  if (b->op == (holds ? Op::And : Op::Or)) {
    for (const ExprPtr& part : b->args) facts_of(*part, holds, out);
    return;
  }
  const bool comparison = b->op == Op::Eq || b->op == Op::Ne || b->op == Op::Lt ||
                          b->op == Op::Le || b->op == Op::Gt || b->op == Op::Ge;
  if (!comparison) return;
  const std::optional<Size> x = try_size(*b->args[0]), y = try_size(*b->args[1]);
  if (!x || !y) return;
  const Size difference = subtract(*x, *y), opposite = subtract(*y, *x), one = constant_size(1);
  if (b->op == Op::Eq || b->op == Op::Ne) {
    const bool equal = (b->op == Op::Eq) == holds;
    out.push_back({equal ? Fact::Kind::Zero : Fact::Kind::NotZero, difference});
    return;
  }
  // x >= y, or y >= x, and by at least one where it is strict.
  const bool at_least = (b->op == Op::Ge || b->op == Op::Gt) == holds;
  const bool strict = (b->op == Op::Gt || b->op == Op::Lt) == holds;
  const Size& larger = at_least ? difference : opposite;
  out.push_back({Fact::Kind::NotNegative, strict ? subtract(larger, one) : larger});
}

bool Elaborator::drawn_once(const SiteState& site, const Draw& draw) {
  const auto collision = [&](const Draw& other) {
    return Collision(
        draw, other, [this](const Size& size) { return never_negative(size); },
        [this](const Size& size, bool largest, const std::vector<Loop>& loops) {
          return extreme(size, largest, loops);
        });
  };
  if (!draw.boxed) return true;  // of data: where they lie is known at run time only
  Collision again = collision(draw);
  if (!again.impossible()) {
    Diagnostic& d = error("site.twice", draw.span,
                          "an element of the site '" + site.name + "' may be drawn twice");
    std::string all;
    for (const Loop& loop : draw.loops) {
      all += (all.empty() ? "" : ", ") + program_[loop.variable].name;
    }
    if (const std::optional<size_t> which = again.unknown_loop()) {
      d.with_note(program_[draw.loops[*which].variable].span, "in more than one turn of this loop");
    }
    d.with_suggestion("an index that tells the turns of its loops apart is sure: " + site.name +
                      "[" + all + "]");
    return false;
  }
  for (const Draw& other : site.draws) {
    if (!other.boxed || collision(other).impossible()) continue;
    const bool surely = draw.path.size() == draw.outside && other.path.size() == other.outside &&
                        overlap(draw, other);
    error("site.twice", draw.span,
          surely ? "the site '" + site.name + "' is drawn twice"
                 : "an element of the site '" + site.name + "' may be drawn twice")
        .with_note(other.span, surely ? "drawn here already" : "perhaps here already");
    return false;
  }
  return true;
}

const Draw* Elaborator::other_elements(const SiteState& site, const Draw& draw) {
  const auto alike = [](const Draw& a, const Draw& b) {
    if (a.at.size() != b.at.size()) return false;
    std::vector<Size> here = a.at, there = b.at;
    for (const Draw* of : {&a, &b}) {
      use_facts(here, of->loops, of->facts);
      use_facts(there, of->loops, of->facts);
    }
    return here == there;
  };
  // x[0] in turn 0 and x[1] in turn 1 are both x[t] in turn t.
  const auto same = [&](const Draw& other) {
    return std::any_of(site.draws.begin(), site.draws.end(), [&](const Draw& third) {
      return alike(draw, third) && alike(third, other);
    });
  };
  for (const Branch& step : draw.path) {
    const Draw* there = nullptr;
    bool found = false;
    for (const Draw& other : site.draws) {
      const bool across =
          std::any_of(other.path.begin(), other.path.end(), [&](const Branch& branch) {
            return branch.number == step.number && branch.side != step.side;
          });
      if (!across) continue;
      there = &other;
      found = found || same(other);
    }
    if (there != nullptr && !found) return there;
  }
  return nullptr;
}

bool Elaborator::always_drawn(const SiteState& site) {
  for (const Draw& draw : site.draws) {
    for (const Branch& step : draw.path) {
      const bool matched =
          std::any_of(site.draws.begin(), site.draws.end(), [&step](const Draw& other) {
            return std::any_of(other.path.begin(), other.path.end(), [&](const Branch& there) {
              return there.number == step.number && there.side != step.side;
            });
          });
      if (!matched) return false;
    }
  }
  return true;
}

bool Elaborator::exclusive(const Draw& a, const Draw& b, size_t branches) {
  for (size_t i = 0; i < std::min(branches, a.path.size()); ++i) {
    for (const Branch& other : b.path) {
      if (a.path[i].number == other.number && a.path[i].side != other.side) return true;
    }
  }
  return false;
}

bool Elaborator::overlap(const Draw& a, const Draw& b) const {
  if (!a.boxed || !b.boxed || a.box.size() != b.box.size()) return false;
  if (a.box == b.box) return true;
  for (size_t i = 0; i < a.box.size(); ++i) {
    if (!never_negative(subtract(a.box[i].second, b.box[i].first)) ||
        !never_negative(subtract(b.box[i].second, a.box[i].first))) {
      return false;
    }
  }
  return true;
}

}  // namespace borel::sema
