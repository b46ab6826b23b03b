#include "compiler/driver/c_names.h"

#include <algorithm>
#include <array>
#include <set>

namespace borel::driver {
namespace {

// C23, C++23, and macros that GCC defines by itself or that headers of C define as plain words.
constexpr auto reserved = std::to_array<std::string_view>({"alignas",
                                                           "alignof",
                                                           "and",
                                                           "and_eq",
                                                           "asm",
                                                           "assert",
                                                           "auto",
                                                           "bitand",
                                                           "bitor",
                                                           "bool",
                                                           "break",
                                                           "case",
                                                           "catch",
                                                           "char",
                                                           "char16_t",
                                                           "char32_t",
                                                           "char8_t",
                                                           "class",
                                                           "co_await",
                                                           "co_return",
                                                           "co_yield",
                                                           "compl",
                                                           "complex",
                                                           "concept",
                                                           "const",
                                                           "const_cast",
                                                           "consteval",
                                                           "constexpr",
                                                           "constinit",
                                                           "continue",
                                                           "decltype",
                                                           "default",
                                                           "delete",
                                                           "do",
                                                           "double",
                                                           "dynamic_cast",
                                                           "else",
                                                           "enum",
                                                           "errno",
                                                           "explicit",
                                                           "export",
                                                           "extern",
                                                           "false",
                                                           "float",
                                                           "for",
                                                           "friend",
                                                           "goto",
                                                           "i386",
                                                           "if",
                                                           "imaginary",
                                                           "inline",
                                                           "int",
                                                           "linux",
                                                           "long",
                                                           "mutable",
                                                           "namespace",
                                                           "new",
                                                           "noexcept",
                                                           "not",
                                                           "not_eq",
                                                           "nullptr",
                                                           "operator",
                                                           "or",
                                                           "or_eq",
                                                           "private",
                                                           "protected",
                                                           "public",
                                                           "register",
                                                           "reinterpret_cast",
                                                           "requires",
                                                           "restrict",
                                                           "return",
                                                           "short",
                                                           "signed",
                                                           "sizeof",
                                                           "static",
                                                           "static_assert",
                                                           "static_cast",
                                                           "stderr",
                                                           "stdin",
                                                           "stdout",
                                                           "struct",
                                                           "switch",
                                                           "template",
                                                           "this",
                                                           "thread_local",
                                                           "throw",
                                                           "true",
                                                           "try",
                                                           "typedef",
                                                           "typeid",
                                                           "typename",
                                                           "typeof",
                                                           "typeof_unqual",
                                                           "union",
                                                           "unix",
                                                           "unsigned",
                                                           "using",
                                                           "virtual",
                                                           "void",
                                                           "volatile",
                                                           "wchar_t",
                                                           "while",
                                                           "xor",
                                                           "xor_eq",
                                                           "EOF",
                                                           "HUGE_VAL",
                                                           "I",
                                                           "INFINITY",
                                                           "NAN",
                                                           "NULL"});

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string identifier(const std::string& name) {
  std::string out;
  for (const char c : name) out += is_letter(c) || is_digit(c) ? c : '_';
  if (out.empty() || is_digit(out.front())) out.insert(out.begin(), '_');
  if (std::find(reserved.begin(), reserved.end(), out) != reserved.end()) out += '_';
  return out;
}

}  // namespace

LibraryName library_name(std::string_view stem) {
  LibraryName out;
  for (const char c : stem) {
    if (c != '.' && c != '-' && !is_letter(c) && !is_digit(c)) {
      out.problem = "'" + std::string(stem) + "' gives no name for C: it may have letters of " +
                    "ASCII, digits, '_', '-' and '.'";
      return out;
    }
    out.name += c == '.' || c == '-' ? '_' : c;
  }
  if (out.name.empty())
    out.problem = "the output has no name";
  else if (is_digit(out.name.front()))
    out.problem = "'" + std::string(stem) + "' gives no name for C: it begins with a digit";
  else if (out.name == "borel")
    out.problem = "'borel' is a name of Borel's own headers: choose another one";
  return out;
}

std::vector<std::string> member_names(const std::vector<std::string>& names,
                                      const std::vector<std::string>& taken) {
  std::set<std::string> used(taken.begin(), taken.end());
  std::vector<std::string> out(names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    if (identifier(names[i]) == names[i] && used.insert(names[i]).second) out[i] = names[i];
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!out[i].empty()) continue;
    const std::string plain = identifier(names[i]);
    out[i] = plain;
    for (int n = 2; !used.insert(out[i]).second; ++n) out[i] = plain + "_" + std::to_string(n);
  }
  return out;
}

std::string comment_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const char last = out.empty() ? ' ' : out.back();
    if ((last == '*' && c == '/') || (last == '/' && c == '*') || (last == '?' && c == '?'))
      out += ' ';
    out += static_cast<unsigned char>(c) < ' ' || c == '\\' ? ' ' : c;
  }
  return out;
}

}  // namespace borel::driver
