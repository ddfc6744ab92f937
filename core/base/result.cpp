#include "base/result.hpp"

#include <array>
#include <cstring>

#include "base/catalogue.hpp"

namespace hyops {
namespace {

constexpr std::array<std::string_view, 10> class_names = {
    "invalid", "denied",    "conflict", "exhausted", "unavailable",
    "expired", "cancelled", "deadline", "partial",   "internal"};

}  // namespace

std::string_view name(FailureClass kind) { return class_names[static_cast<size_t>(kind)]; }

std::optional<FailureClass> failure_class(std::string_view wanted) {
  for (size_t i = 0; i < class_names.size(); ++i)
    if (class_names[i] == wanted) return static_cast<FailureClass>(i);
  return std::nullopt;
}

std::string Error::text() const {
  std::string out;
  if (place) {
    out += place->file;
    if (place->line > 0) out += ":" + std::to_string(place->line);
    if (place->column > 0) out += ":" + std::to_string(place->column);
    out += ": ";
  }
  out += message;
  for (const auto& frame : context) out += " (" + frame + ")";
  return out + " [" + code + "]";
}

Error make_error(std::string_view code, std::string message, std::string next) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.next = std::move(next);
  if (const CatalogueEntry* entry = find_in_catalogue(code)) {
    error.kind = entry->kind;
    if (error.next.empty()) error.next = entry->next;
  }
  return error;
}

Failure fail(std::string_view code, std::string message, std::string next) {
  return Failure(make_error(code, std::move(message), std::move(next)));
}

Failure fail_at(Place place, std::string_view code, std::string message, std::string next) {
  Error error = make_error(code, std::move(message), std::move(next));
  error.place = std::move(place);
  return Failure(std::move(error));
}

Failure fail_errno(std::string_view code, std::string message, int error_number) {
  return fail(code, std::move(message) + ": " + std::strerror(error_number));
}

}  // namespace hyops
