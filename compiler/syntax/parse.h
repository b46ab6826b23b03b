// The front door of compiler/syntax: text in, tree out.
#pragma once

#include "compiler/support/diagnostics.h"
#include "compiler/support/source.h"
#include "compiler/syntax/ast.h"

namespace borel::syntax {

// Parses one file. Errors go to `diagnostics`, in the order of the text; there may be several, at
// most one per statement. The File holds the declarations that are free of them; the names of the
// others, as far as they have one, are in File::broken. Thread-safe: any number of files may be
// parsed at a time, each with its own Diagnostics.
ast::File parse(const SourceManager& sources, FileId id, Diagnostics& diagnostics);

}  // namespace borel::syntax
