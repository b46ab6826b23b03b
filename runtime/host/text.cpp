#include "runtime/host/text.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "runtime/host/number.h"

namespace borel::host {

namespace {

// Bytes of the UTF-8 character that starts here; 0 if none does.
std::size_t character_length(const unsigned char* text, std::size_t size) {
  const unsigned char c = text[0];
  if (c < 0x80) {
    return 1;
  }
  const std::size_t length = c >= 0xc2 && c < 0xe0   ? 2
                             : c >= 0xe0 && c < 0xf0 ? 3
                             : c < 0xf5              ? 4
                                                     : 0;
  if (c < 0xc2 || length == 0 || length > size) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((text[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  const bool overlong = (c == 0xe0 && text[1] < 0xa0) || (c == 0xf0 && text[1] < 0x90);
  const bool surrogate = c == 0xed && text[1] >= 0xa0;
  const bool beyond = c == 0xf4 && text[1] >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

// Decimal digits of a finite positive number: value = 0.d1 d2 … dn * 10^exponent.
struct Digits {
  char digits[20];
  int count, exponent;
};

// snprintf's mantissa without its decimal point, which is the locale's.
Digits digits_of(double value, int count) {
  char text[48];
  const int length = std::snprintf(text, sizeof text, "%.*e", count - 1, value);
  Digits result{{}, 0, 0};
  int i = 0;
  for (; i < length && text[i] != 'e'; ++i) {
    if (text[i] >= '0' && text[i] <= '9' && result.count < 20) {
      result.digits[result.count++] = text[i];
    }
  }
  bool negative = false;
  for (++i; i < length; ++i) {
    if (text[i] == '-') {
      negative = true;
    } else if (text[i] >= '0' && text[i] <= '9') {
      result.exponent = 10 * result.exponent + (text[i] - '0');
    }
  }
  result.exponent = (negative ? -result.exponent : result.exponent) + 1;
  return result;
}

bool reads_back(const Digits& digits, double value) {
  char text[32];
  char* at = text;
  *at++ = '.';
  std::memcpy(at, digits.digits, static_cast<std::size_t>(digits.count));
  at += digits.count;
  const int length = std::snprintf(at, 8, "e%d", digits.exponent);
  double read = 0;
  return read_real(text, at + length, read) == at + length && read == value;
}

}  // namespace

Text& Text::operator<<(std::string_view text) {
  if (full_) {
    return *this;
  }
  const std::size_t room = capacity - size_;
  std::size_t length = text.size();
  if (length > room) {
    full_ = true;
    length = room;
    // Not within a character.
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) {
      --length;
    }
  }
  if (length > 0) {
    std::memcpy(buffer_ + size_, text.data(), length);
    size_ += length;
  }
  if (full_) {
    constexpr std::string_view ellipsis = "…";
    std::memcpy(buffer_ + size_, ellipsis.data(), ellipsis.size());
    size_ += ellipsis.size();
  }
  return *this;
}

Text& Text::operator<<(std::int64_t value) {
  char text[24];
  const int length = std::snprintf(text, sizeof text, "%lld", static_cast<long long>(value));
  return *this << std::string_view(text, static_cast<std::size_t>(length));
}

Text& Text::operator<<(double value) {
  if (std::isnan(value)) {
    return *this << (std::signbit(value) ? "-nan" : "nan");
  }
  if (std::signbit(value)) {
    *this << "-";
    value = -value;
  }
  if (std::isinf(value)) {
    return *this << "inf";
  }
  if (value == 0) {
    return *this << "0";
  }
  Digits digits = digits_of(value, 1);
  for (int count = 2; count <= 17 && !reads_back(digits, value); ++count) {
    digits = digits_of(value, count);
  }
  const int point = digits.exponent;  // digits before the decimal point
  const int fixed = point <= 0             ? 2 - point + digits.count
                    : point < digits.count ? digits.count + 1
                                           : point;
  const int exponent = point - 1;
  const int exponent_digits = exponent <= -100 || exponent >= 100 ? 3 : 2;
  const int scientific = digits.count + (digits.count > 1 ? 1 : 0) + 2 + exponent_digits;
  char text[64];
  int length = 0;
  if (fixed <= scientific && point >= digits.count) {
    length =
        std::snprintf(text, sizeof text, "%.0f", value);  // a whole number, written out exactly
  } else if (fixed <= scientific) {
    if (point <= 0) {
      text[length++] = '0';
    }
    for (int i = point < 0 ? point : 0; i < digits.count; ++i) {
      if (i == point) {
        text[length++] = '.';
      }
      text[length++] = i < 0 ? '0' : digits.digits[i];
    }
  } else {
    for (int i = 0; i < digits.count; ++i) {
      if (i == 1) {
        text[length++] = '.';
      }
      text[length++] = digits.digits[i];
    }
    length += std::snprintf(text + length, 8, "e%c%02d", exponent < 0 ? '-' : '+',
                            exponent < 0 ? -exponent : exponent);
  }
  return *this << std::string_view(text, static_cast<std::size_t>(length));
}

void clean_line(char* text, std::size_t size) {
  for (std::size_t i = 0; i < size;) {
    const std::size_t length =
        character_length(reinterpret_cast<const unsigned char*>(text) + i, size - i);
    const unsigned char c = static_cast<unsigned char>(text[i]);
    if (length == 0) {
      text[i] = '?';
    } else if (c < 0x20 || c == 0x7f) {
      text[i] = ' ';
    }
    i += length == 0 ? 1 : length;
  }
}

}  // namespace borel::host
