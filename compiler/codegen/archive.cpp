#include "compiler/codegen/archive.h"

#include <llvm/Object/ArchiveWriter.h>
#include <llvm/Support/MemoryBuffer.h>

namespace borel::codegen {

Result<ObjectBytes> make_archive(const ObjectBytes& object, std::string_view member) {
  const std::string name(member);
  llvm::NewArchiveMember entry(
      llvm::MemoryBufferRef(llvm::StringRef(object.data(), object.size()), name));
  auto archive = llvm::writeArchiveToBuffer(entry, llvm::SymtabWritingMode::NormalSymtab,
                                            llvm::object::Archive::K_GNU, /*Deterministic=*/true,
                                            /*Thin=*/false);
  if (!archive)
    return EngineError{EngineError::Kind::internal, "archive", llvm::toString(archive.takeError())};
  const llvm::StringRef bytes = (*archive)->getBuffer();
  return ObjectBytes(bytes.begin(), bytes.end());
}

}  // namespace borel::codegen
