/// Which names a piece of syntax refers to without declaring them: what a closure captures.
#pragma once

#include <set>
#include <string>

#include "compiler/syntax/ast.h"

namespace borel::sema {

/// An over-estimate: a name that is declared inside is left out only where that is plain.
std::set<std::string> free_names(const ast::LambdaExpr& lambda);
std::set<std::string> free_names(const ast::MachineExpr& machine);
std::set<std::string> free_names(const ast::DistributionExpr& distribution);
std::set<std::string> free_names(const ast::SupportExpr& support);

}  // namespace borel::sema
