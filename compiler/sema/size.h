/// Arithmetic of symbolic extents: polynomials over immutable int variables (typed::Size), always
/// canonical: terms sorted by their factors, no coefficient 0. A coefficient that int64_t has no
/// room for becomes the largest or the smallest but one.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "compiler/sema/typed.h"

namespace borel::sema {

typed::Size constant_size(int64_t value);
typed::Size variable_size(typed::VarId variable);
typed::Size add(const typed::Size& a, const typed::Size& b);
typed::Size subtract(const typed::Size& a, const typed::Size& b);
typed::Size multiply(const typed::Size& a, const typed::Size& b);

/// False where a coefficient is, or may stand for, one that int64_t has no room for.
bool is_exact(const typed::Size& size);

/// The value of a polynomial without variables.
std::optional<int64_t> constant_value(const typed::Size& size);
/// The variable that a polynomial is, if it is just one.
std::optional<typed::VarId> single_variable(const typed::Size& size);

/// Every variable replaced by what `with` gives for it; nothing when it gives nothing for one.
std::optional<typed::Size> substitute(
    const typed::Size& size, const std::function<std::optional<typed::Size>(typed::VarId)>& with);

/// Whether the size is sure not to be negative, for variables that are not.
bool surely_not_negative(const typed::Size& size);

/// a <= b for all values of the variables that are not negative, as far as it is plain.
bool surely_at_most(const typed::Size& a, const typed::Size& b);

/// `2 * n * m + n - 1`, with names given by `name`.
std::string text(const typed::Size& size, const std::function<std::string(typed::VarId)>& name);

}  // namespace borel::sema
