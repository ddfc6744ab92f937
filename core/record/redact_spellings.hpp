// Everything a secret looks like after tools have quoted, escaped or encoded it on its way to a log
// (K2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hyops::record {

// The byte strings to look for, none empty, some perhaps twice. A long secret is cut into
// overlapping pieces, and one of several lines also into its lines, so that half of one in a cut or
// wrapped line is found as well, and what a stream must hold back is bounded by the piece and not
// by the secret.
std::vector<std::string> spellings(std::string_view secret);

// For a secret too short to be searched for anywhere: its whole encodings only, to be matched as
// words.
std::vector<std::string> short_spellings(std::string_view secret);

// What is left of a secret without the newline and blanks that files and editors leave around it.
std::string_view trimmed(std::string_view secret);

inline constexpr size_t whole_limit = 96;   // bytes of a secret that is searched for in one piece
inline constexpr size_t piece_size = 64;    // of a longer one ...
inline constexpr size_t piece_step = 48;    // ... and by how much each is further on
inline constexpr size_t shortest_line = 8;  // of a secret of several lines

}  // namespace hyops::record
