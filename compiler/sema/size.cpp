#include "compiler/sema/size.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace borel::sema {

using typed::Size;
using typed::VarId;

namespace {

// Wide enough for sums of products of coefficients.
__extension__ using Wide = __int128;

struct WideTerm {
  Wide coefficient;
  std::vector<VarId> factors;
};

// More factors first, so that a polynomial reads as people write it; constants last.
bool before(const WideTerm& a, const WideTerm& b) {
  if (a.factors.size() != b.factors.size()) return a.factors.size() > b.factors.size();
  return a.factors < b.factors;
}

std::vector<WideTerm> widen(const Size& size, int sign) {
  std::vector<WideTerm> out;
  out.reserve(size.terms.size());
  for (const Size::Term& term : size.terms) {
    out.push_back({sign * static_cast<Wide>(term.coefficient), term.factors});
  }
  return out;
}

Size canonical(std::vector<WideTerm> terms) {
  constexpr Wide most = std::numeric_limits<int64_t>::max();
  std::sort(terms.begin(), terms.end(), before);
  Size out;
  for (size_t i = 0; i < terms.size();) {
    Wide sum = 0;
    size_t end = i;
    for (; end < terms.size() && terms[end].factors == terms[i].factors; ++end) {
      sum += terms[end].coefficient;
    }
    if (sum != 0) {
      out.terms.push_back(
          {static_cast<int64_t>(std::clamp(sum, -most, most)), std::move(terms[i].factors)});
    }
    i = end;
  }
  return out;
}

}  // namespace

Size constant_size(int64_t value) {
  Size out;
  constexpr int64_t most = std::numeric_limits<int64_t>::max();
  if (value != 0) out.terms.push_back({std::max(value, -most), {}});
  return out;
}

Size variable_size(VarId variable) { return Size{{{1, {variable}}}}; }

Size add(const Size& a, const Size& b) {
  std::vector<WideTerm> terms = widen(a, 1);
  for (WideTerm& term : widen(b, 1)) terms.push_back(std::move(term));
  return canonical(std::move(terms));
}

Size subtract(const Size& a, const Size& b) {
  std::vector<WideTerm> terms = widen(a, 1);
  for (WideTerm& term : widen(b, -1)) terms.push_back(std::move(term));
  return canonical(std::move(terms));
}

Size multiply(const Size& a, const Size& b) {
  std::vector<WideTerm> terms;
  for (const Size::Term& x : a.terms) {
    for (const Size::Term& y : b.terms) {
      WideTerm term{static_cast<Wide>(x.coefficient) * y.coefficient, x.factors};
      term.factors.insert(term.factors.end(), y.factors.begin(), y.factors.end());
      std::sort(term.factors.begin(), term.factors.end());
      terms.push_back(std::move(term));
    }
  }
  return canonical(std::move(terms));
}

bool is_exact(const Size& size) {
  return std::all_of(size.terms.begin(), size.terms.end(), [](const Size::Term& term) {
    return term.coefficient > -std::numeric_limits<int64_t>::max() &&
           term.coefficient < std::numeric_limits<int64_t>::max();
  });
}

std::optional<int64_t> constant_value(const Size& size) {
  if (size.terms.empty()) return 0;
  if (size.terms.size() == 1 && size.terms[0].factors.empty()) return size.terms[0].coefficient;
  return std::nullopt;
}

std::optional<VarId> single_variable(const Size& size) {
  if (size.terms.size() == 1 && size.terms[0].coefficient == 1 &&
      size.terms[0].factors.size() == 1) {
    return size.terms[0].factors[0];
  }
  return std::nullopt;
}

std::optional<Size> substitute(const Size& size,
                               const std::function<std::optional<Size>(VarId)>& with) {
  Size out;
  for (const Size::Term& term : size.terms) {
    Size product = constant_size(term.coefficient);
    for (VarId factor : term.factors) {
      std::optional<Size> value = with(factor);
      if (!value) return std::nullopt;
      product = multiply(product, *value);
    }
    out = add(out, product);
  }
  return out;
}

bool surely_not_negative(const Size& size) {
  return std::all_of(size.terms.begin(), size.terms.end(),
                     [](const Size::Term& term) { return term.coefficient >= 0; });
}

bool surely_at_most(const Size& a, const Size& b) { return surely_not_negative(subtract(b, a)); }

std::string text(const Size& size, const std::function<std::string(VarId)>& name) {
  if (size.terms.empty()) return "0";
  std::string out;
  for (const Size::Term& term : size.terms) {
    int64_t coefficient = term.coefficient;
    if (!out.empty()) {
      out += coefficient < 0 ? " - " : " + ";
      coefficient = coefficient < 0 ? -coefficient : coefficient;
    }
    std::string product;
    if (term.factors.empty() || coefficient != 1) {
      product = coefficient == -1 && !term.factors.empty() ? "-" : std::to_string(coefficient);
    }
    for (VarId factor : term.factors) {
      if (!product.empty() && product != "-") product += " * ";
      product += name(factor);
    }
    out += product;
  }
  return out;
}

}  // namespace borel::sema
