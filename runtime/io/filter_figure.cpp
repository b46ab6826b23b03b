// The steps of a filter as a picture in SVG: a line, and dots where it resampled, over one axis of
// shares.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/io/filter_report.h"

namespace borel::io {

namespace {

constexpr double width = 720, height = 320, left = 56, right = 16, top = 40, bottom = 48;

std::string text_of(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else if (static_cast<unsigned char>(c) >= 0x20) {
      out += c;
    }
  }
  return out;
}

struct Axes {
  std::size_t steps;

  // Step i, counting from 0.
  double x(std::size_t i) const {
    const double part = steps > 1 ? static_cast<double>(i) / static_cast<double>(steps - 1) : 0.5;
    return left + part * (width - left - right);
  }
  static double y(double share) {
    return height - bottom - std::clamp(share, 0.0, 1.0) * (height - top - bottom);
  }
};

std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + text_of(x) + "\" y=\"" + text_of(y) + "\" text-anchor=\"" + anchor + "\">" +
         escaped(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const char* colour) {
  return "<line x1=\"" + text_of(x1) + "\" y1=\"" + text_of(y1) + "\" x2=\"" + text_of(x2) +
         "\" y2=\"" + text_of(y2) + "\" stroke=\"" + colour + "\"/>\n";
}

// A line through the shares; a step without a number interrupts it.
std::string curve(const Axes& axes, const std::vector<double>& values, double particles,
                  const char* colour) {
  std::string points;
  bool drawing = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double share = values[i] / particles;
    if (!std::isfinite(share)) {
      drawing = false;
      continue;
    }
    points += (drawing ? " L" : " M") + text_of(axes.x(i)) + " " + text_of(Axes::y(share));
    drawing = true;
  }
  return "<path d=\"" + (points.empty() ? points : points.substr(1)) +
         "\" fill=\"none\" stroke-width=\"1.5\" stroke-linecap=\"round\" stroke=\"" + colour +
         "\"/>\n";
}

std::string dot(double x, double y, const char* colour) {
  return "<circle cx=\"" + text_of(x) + "\" cy=\"" + text_of(y) + "\" r=\"2\" fill=\"" + colour +
         "\"/>\n";
}

}  // namespace

std::string filter_figure(const FilterSteps& steps, std::int64_t particles,
                          const std::string& title) {
  constexpr const char *ess_colour = "#1f5fa8", *ancestors_colour = "#c05a10", *grey = "#d0d0d0";
  const std::size_t count = std::max(steps.ess.size(), steps.ancestors.size());
  const Axes axes{count};
  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 320\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"720\" height=\"320\" fill=\"white\"/>\n";
  out += label(left, 18, "start", title);
  for (const int percent : {0, 25, 50, 75, 100}) {
    const double y = Axes::y(percent / 100.0);
    out += line(left, y, width - right, y, grey);
    out += label(left - 6, y + 4, "end", std::to_string(percent) + " %");
  }
  // Up to six numbers along the steps.
  const std::size_t ticks = std::min<std::size_t>(count, 6);
  for (std::size_t t = 0; t < ticks; ++t) {
    const std::size_t i = ticks > 1 ? t * (count - 1) / (ticks - 1) : 0;
    out += line(axes.x(i), height - bottom, axes.x(i), height - bottom + 4, "black");
    out += label(axes.x(i), height - bottom + 18, "middle", std::to_string(i + 1));
  }
  out += label((left + width - right) / 2, height - 10, "middle", "step");
  const double n = static_cast<double>(particles);
  std::string dots;  // over the line
  if (!steps.ancestors.empty()) {
    for (std::size_t i = 0; i < steps.ancestors.size(); ++i) {
      const bool resampled = steps.resampled.empty() || steps.resampled[i] != 0;
      if (resampled && std::isfinite(steps.ancestors[i])) {
        dots += dot(axes.x(i), Axes::y(steps.ancestors[i] / n), ancestors_colour);
      }
    }
    dots += dot(left + 180, 32, ancestors_colour);
    dots += label(left + 188, 36, "start", "distinct ancestors, where resampled");
  }
  if (!steps.ess.empty()) {
    out += curve(axes, steps.ess, n, ess_colour);
    out += line(left, 32, left + 20, 32, ess_colour);
    out += label(left + 26, 36, "start", "effective particles");
  }
  return out + dots + "</svg>\n";
}

}  // namespace borel::io
