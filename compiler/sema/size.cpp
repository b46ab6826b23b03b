#include "compiler/sema/size.h"

#include <algorithm>

namespace borel::sema {

using typed::Size;
using typed::VarId;

namespace {

// More factors first, so that a polynomial reads as people write it; constants last.
bool before(const Size::Term& a, const Size::Term& b) {
  if (a.factors.size() != b.factors.size()) return a.factors.size() > b.factors.size();
  return a.factors < b.factors;
}

Size canonical(std::vector<Size::Term> terms) {
  std::sort(terms.begin(), terms.end(), before);
  Size out;
  for (Size::Term& term : terms) {
    if (!out.terms.empty() && out.terms.back().factors == term.factors) {
      out.terms.back().coefficient += term.coefficient;
    } else {
      if (!out.terms.empty() && out.terms.back().coefficient == 0) out.terms.pop_back();
      out.terms.push_back(std::move(term));
    }
  }
  if (!out.terms.empty() && out.terms.back().coefficient == 0) out.terms.pop_back();
  return out;
}

}  // namespace

Size constant_size(int64_t value) {
  Size out;
  if (value != 0) out.terms.push_back({value, {}});
  return out;
}

Size variable_size(VarId variable) { return Size{{{1, {variable}}}}; }

Size add(const Size& a, const Size& b) {
  std::vector<Size::Term> terms = a.terms;
  terms.insert(terms.end(), b.terms.begin(), b.terms.end());
  return canonical(std::move(terms));
}

Size subtract(const Size& a, const Size& b) {
  std::vector<Size::Term> terms = a.terms;
  for (const Size::Term& term : b.terms) terms.push_back({-term.coefficient, term.factors});
  return canonical(std::move(terms));
}

Size multiply(const Size& a, const Size& b) {
  std::vector<Size::Term> terms;
  for (const Size::Term& x : a.terms) {
    for (const Size::Term& y : b.terms) {
      Size::Term term{x.coefficient * y.coefficient, x.factors};
      term.factors.insert(term.factors.end(), y.factors.begin(), y.factors.end());
      std::sort(term.factors.begin(), term.factors.end());
      terms.push_back(std::move(term));
    }
  }
  return canonical(std::move(terms));
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
