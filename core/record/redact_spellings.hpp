// Everything a secret looks like after tools have quoted, escaped or encoded it on its way to a log (K2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hyops::record {

// The byte strings to look for, none empty, some perhaps twice. A long secret is cut into overlapping pieces
// and a secret of several lines also into its lines, so that half of one in a cut or wrapped line
// is found as well, and no literal is longer than `max_spelling`.
std::vector<std::string> spellings(std::string_view secret);

// For a secret too short to be searched for anywhere: its whole encodings only, to be matched as words.
std::vector<std::string> short_spellings(std::string_view secret);

// What is left of a secret without the newline and blanks that files and editors leave around it.
std::string_view trimmed(std::string_view secret);

inline constexpr size_t whole_limit = 96;   // bytes of a secret that is searched for in one piece
inline constexpr size_t piece_size = 64;    // of a longer one ...
inline constexpr size_t piece_step = 48;    // ... and by how much each is further on
inline constexpr size_t shortest_line = 8;  // of a secret of several lines
inline constexpr size_t max_spelling = whole_limit * 12;

}  // namespace hyops::record
