// How secrets get into what tools, services and plugins print, format by format; and a scanner that
// reads such text back, by other means than the redactor.
#pragma once

#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"

namespace hyops::tests {

// --- what tools do to a text
inline std::string each_char(const std::string& text,
                             const std::function<std::string(unsigned char)>& made) {
  std::string out;
  for (const char c : text) out += made(static_cast<unsigned char>(c));
  return out;
}
inline std::string formatted(const char* format, unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, format, value);
  return text;
}
inline std::string json_inside(const std::string& text, bool ascii = false) {
  const std::string quoted = Json(text).dump(-1, ' ', ascii);
  return quoted.substr(1, quoted.size() - 2);
}
inline std::string go_json(const std::string& text) {  // encoding/json
  return each_char(json_inside(text), [](unsigned char c) {
    return c == '<' || c == '>' || c == '&' ? formatted("\\u%04x", c) : std::string(1, char(c));
  });
}
inline std::string percent(const std::string& text, const std::string& kept,
                           const char* format = "%%%02X", bool plus = false) {
  return each_char(text, [&](unsigned char c) {
    if (plus && c == ' ') return std::string("+");
    const bool plain = c < 0x80 && (std::isalnum(c) != 0 || kept.find(char(c)) != kept.npos);
    return plain ? std::string(1, char(c)) : formatted(format, c);
  });
}
inline std::string hex(const std::string& text, const char* format = "%02x") {
  return each_char(text, [&](unsigned char c) { return formatted(format, c); });
}
inline std::string listed(const std::string& text, const char* format, const char* between) {
  std::string out;
  for (const char c : text)
    out += (out.empty() ? "" : between) + formatted(format, static_cast<unsigned char>(c));
  return out;
}
inline std::string url64(std::string text) {
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (text.ends_with('=')) text.pop_back();
  return text;
}
inline std::string doubled(const std::string& text, char quote) {  // SQL, YAML, CSV
  return each_char(text, [&](unsigned char c) { return std::string(c == quote ? 2 : 1, char(c)); });
}
inline std::string behind_backslash(const std::string& text, const std::string& special) {
  return each_char(text, [&](unsigned char c) {
    return (special.find(char(c)) != special.npos ? "\\" : "") + std::string(1, char(c));
  });
}
inline std::string single_quoted(const std::string& text) {  // for a shell
  return "'" +
         each_char(text,
                   [](unsigned char c) { return c == '\'' ? "'\\''" : std::string(1, char(c)); }) +
         "'";
}
inline std::string c_string(const std::string& text, const char* format) {  // strace, bash, Python
  return each_char(text, [&](unsigned char c) {
    if (c == '"' || c == '\\') return std::string("\\") + char(c);
    return c < 0x20 || c >= 0x7f ? formatted(format, c) : std::string(1, char(c));
  });
}
inline std::string python_repr(const std::string& text) {
  const bool other = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = other ? '"' : '\'';
  return quote + behind_backslash(text, std::string("\\") + quote) + quote;
}
inline std::string html(const std::string& text, const char* apostrophe) {
  return each_char(text, [&](unsigned char c) -> std::string {
    switch (c) {
      case '&':
        return "&amp;";
      case '<':
        return "&lt;";
      case '>':
        return "&gt;";
      case '"':
        return "&quot;";
      case '\'':
        return apostrophe;
      default:
        return std::string(1, char(c));
    }
  });
}
// Signs and all that is not ASCII by their numbers; of UTF-8 of up to three bytes.
inline std::string numbered(const std::string& text, const char* format) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto at = [&](size_t n) { return static_cast<unsigned char>(text[i + n]); };
    const unsigned char c = at(0);
    if (c < 0x80) {
      out += std::isalnum(c) != 0 ? std::string(1, char(c)) : formatted(format, c);
    } else if (c < 0xe0) {
      out += formatted(format, (c & 31u) << 6 | (at(1) & 63u));
      i += 1;
    } else {
      out += formatted(format, (c & 15u) << 12 | (at(1) & 63u) << 6 | (at(2) & 63u));
      i += 2;
    }
  }
  return out;
}
inline std::string wrapped64(const std::string& text, size_t width) {
  std::string out = to_base64(text);
  for (size_t at = width; at < out.size(); at += width + 1) out.insert(at, "\n");
  return out;
}

struct Format {
  const char* name;
  std::function<std::string(const std::string&)> print;  // what it prints about a secret
};

inline const std::vector<Format>& formats() {
  using S = const std::string&;
  static const std::vector<Format> all{
      // logs
      {"plain log line", [](S s) { return "12:00:01 INFO login with " + s + " for app\n"; }},
      {"logfmt", [](S s) { return "level=info password=\"" + json_inside(s) + "\" user=app\n"; }},
      {"syslog RFC 5424",
       [](S s) {
         return "<13>1 2026-03-01T02:03:04Z h app - - [m p=\"" + behind_backslash(s, "\"\\]") +
                "\"]\n";
       }},
      {"Go %q", [](S s) { return "dial: bad password \"" + json_inside(s) + "\"\n"; }},
      {"Rust debug",
       [](S s) { return "Config { password: \"" + behind_backslash(s, "\"\\") + "\" }\n"; }},
      {"Java properties toString",
       [](S s) { return "{user=app, password=" + s + ", ssl=true}\n"; }},
      {"Java stack trace",
       [](S s) { return "java.sql.SQLException: denied (" + s + ")\n\tat a.b.C(C.java:1)\n"; }},
      {"Python traceback",
       [](S s) {
         return "Traceback (most recent call last):\nValueError: bad token " + python_repr(s) +
                "\n";
       }},
      {"Python dict", [](S s) { return "{'user': 'app', 'password': " + python_repr(s) + "}\n"; }},
      {"Python bytes", [](S s) { return "b\"" + c_string(s, "\\x%02x") + "\"\n"; }},
      {"Ruby inspect",
       [](S s) { return "#<Conn @password=\"" + behind_backslash(s, "\"\\") + "\">\n"; }},
      {"Node inspect", [](S s) { return "{ password: '" + behind_backslash(s, "'\\") + "' }\n"; }},
      {"colour codes around it", [](S s) { return "\x1b[31m" + s + "\x1b[0m\n"; }},
      {"Windows line ends", [](S s) { return "password: " + s + "\r\nnext\r\n"; }},
      {"no line end", [](S s) { return "token=" + s; }},
      {"twice in a row", [](S s) { return s + s + "\n"; }},
      {"journal export", [](S s) { return "_CMDLINE=app\nMESSAGE=" + s + "\n\n"; }},
      {"hex dump", [](S s) { return "payload " + hex(s) + "\n"; }},
      {"strace -xx", [](S s) { return "write(1, \"" + hex(s, "\\x%02x") + "\", 9) = 9\n"; }},
      {"openssl", [](S s) { return "priv:\n    " + listed(s, "%02x", ":") + "\n"; }},
      {"packet analyser", [](S s) { return "data: " + listed(s, "%02X", ":") + "\n"; }},
      {"od -tx1", [](S s) { return "0000000 " + listed(s, "%02x", " ") + "\n"; }},
      {"dump in capitals", [](S s) { return "00000000  " + listed(s, "%02X", " ") + "\n"; }},
      {"C array", [](S s) { return "{ " + listed(s, "0x%02x", ", ") + " };\n"; }},
      {"Go %v of bytes", [](S s) { return "password=[" + listed(s, "%u", " ") + "]\n"; }},
      {"Java and Rust bytes", [](S s) { return "Token([" + listed(s, "%u", ", ") + "])\n"; }},
      {"JSON of bytes", [](S s) { return "{\"token\":[" + listed(s, "%u", ",") + "]}\n"; }},
      {"hex dump in capitals", [](S s) { return "PAYLOAD " + hex(s, "%02X") + "\n"; }},
      // JSON
      {"JSON", [](S s) { return "{\"password\":\"" + json_inside(s) + "\"}\n"; }},
      {"JSON in ASCII", [](S s) { return "{\"password\": \"" + json_inside(s, true) + "\"}\n"; }},
      {"JSON of Go", [](S s) { return "{\"password\":\"" + go_json(s) + "\"}\n"; }},
      {"JSON of PHP",
       [](S s) {
         return "{\"password\":\"" +
                each_char(json_inside(s, true),
                          [](unsigned char c) {
                            return c == '/' ? std::string("\\/") : std::string(1, char(c));
                          }) +
                "\"}\n";
       }},
      {"JSON in JSON",
       [](S s) {
         return "{\"msg\":\"{\\\"p\\\":\\\"" + json_inside(json_inside(s)) + "\\\"}\"}\n";
       }},
      {"JSON key", [](S s) { return "{\"" + json_inside(s) + "\":1}\n"; }},
      {"JSON array of arguments",
       [](S s) { return "[\"psql\",\"-W\",\"" + json_inside(s) + "\"]\n"; }},
      {"JSON lines",
       [](S s) { return "{\"n\":1}\n{\"token\":\"" + json_inside(s) + "\"}\n{\"n\":2}\n"; }},
      {"JSON with base64",
       [](S s) { return "{\"data\":{\"password\":\"" + to_base64(s) + "\"}}\n"; }},
      // errors
      {"libpq",
       [](S s) {
         return "FATAL: password authentication failed: password='" + behind_backslash(s, "'\\") +
                "' host=db1\n";
       }},
      {"SQL statement",
       [](S s) { return "ERROR: near: ALTER ROLE app PASSWORD '" + doubled(s, '\'') + "';\n"; }},
      {"ODBC", [](S s) { return "[HY000] Driver={PG};UID=app;PWD={" + doubled(s, '}') + "};\n"; }},
      {"pgpass",
       [](S s) { return "invalid line: db1:5432:*:app:" + behind_backslash(s, ":\\") + "\n"; }},
      {"LDAP",
       [](S s) {
         return "ldap_bind: Invalid credentials (49) userPassword:: " + to_base64(s) + "\n";
       }},
      {"XML",
       [](S s) { return "<error><password>" + html(s, "&apos;") + "</password></error>\n"; }},
      {"SOAP fault in HTML", [](S s) { return "<pre>token=" + html(s, "&#39;") + "</pre>\n"; }},
      {"HTML with numbers",
       [](S s) { return "<td title=\"" + numbered(s, "&#%u;") + "\"></td>\n"; }},
      {"HTML with numbers in hex",
       [](S s) { return "<td title=\"" + numbered(s, "&#x%x;") + "\"></td>\n"; }},
      {"HTML of Python", [](S s) { return "<td>" + html(s, "&#x27;") + "</td>\n"; }},
      {"errno with a path",
       [](S s) { return "open /run/secrets/" + s + ": No such file or directory\n"; }},
      // URLs and HTTP
      {"URL query", [](S s) { return "GET /v1?token=" + percent(s, "-._~") + "&x=1 HTTP/1.1\n"; }},
      {"URL query in small letters",
       [](S s) { return "GET /v1?token=" + percent(s, "-._~", "%%%02x") + " 403\n"; }},
      {"URL of encodeURIComponent",
       [](S s) { return "fetch https://h/?k=" + percent(s, "-._~!*'()") + " failed\n"; }},
      {"HTML form",
       [](S s) { return "user=app&password=" + percent(s, "-._*", "%%%02X", true) + "&go=1\n"; }},
      {"URL user part",
       [](S s) { return "postgres://app:" + percent(s, "-._~") + "@db1:5432/x\n"; }},
      {"URL path",
       [](S s) { return "POST https://hooks.test/services/" + percent(s, "-._~") + " 404\n"; }},
      {"everything escaped", [](S s) { return "u=" + percent(s, "") + "\n"; }},
      {"Authorization: Basic",
       [](S s) { return "> Authorization: Basic " + to_base64("app:" + s) + "\r\n"; }},
      {"Authorization: Bearer", [](S s) { return "> Authorization: Bearer " + s + "\r\n"; }},
      {"own header", [](S s) { return "X-Vault-Token: " + s + "\r\n"; }},
      {"cookie",
       [](S s) { return "Set-Cookie: session=" + percent(s, "-._~") + "; Path=/; Secure\r\n"; }},
      {"base64url", [](S s) { return "state=" + url64(to_base64(s)) + "\n"; }},
      {"claims of a token",
       [](S s) {
         return "eyJhbGciOiJub25lIn0." + url64(to_base64("{\"k\":\"" + json_inside(s) + "\"}")) +
                ".\n";
       }},
      // process arguments
      {"bash -x", [](S s) { return "+ mysql " + single_quoted("-p" + s) + " -e 'select 1'\n"; }},
      {"printf %q",
       [](S s) {
         return "cmd: curl -u app:" + behind_backslash(s, " !\"$&'()*,;<>?[\\]^`{|}") + "\n";
       }},
      {"ps", [](S s) { return "root 17 1 0 00:00 ? 00:00:00 restic -p " + s + " backup\n"; }},
      {"/proc/PID/cmdline",
       [](S s) { return std::string("restic\0-p\0", 10) + s + std::string("\0backup\0", 8); }},
      {"strace",
       [](S s) {
         return "execve(\"/bin/x\", [\"x\", \"" + c_string(s, "\\%03o") + "\"], 0x7f) = 0\n";
       }},
      {"Python subprocess",
       [](S s) {
         return "Command '['ssh', '-p', " + python_repr(s) +
                "]' returned non-zero exit status 255.\n";
       }},
      {"env", [](S s) { return "HOME=/root\nPGPASSWORD=" + s + "\nLANG=C\n"; }},
      {"export -p",
       [](S s) { return "declare -x PGPASSWORD=\"" + behind_backslash(s, "$`\"\\") + "\"\n"; }},
      // Terraform
      {"terraform plan",
       [](S s) { return "  + password = \"" + behind_backslash(s, "\"\\") + "\"\n"; }},
      {"terraform error",
       [](S s) {
         return "\xe2\x95\xb7\n\xe2\x94\x82 Error: creating user: \"" + json_inside(s) +
                "\" is too short\n\xe2\x95\xb5\n";
       }},
      {"terraform -json",
       [](S s) {
         return "{\"@level\":\"error\",\"@message\":\"Error: " + go_json(s) +
                "\",\"type\":\"diagnostic\"}\n";
       }},
      {"terraform state",
       [](S s) { return "\"attributes\": {\n  \"secret_string\": \"" + go_json(s) + "\"\n},\n"; }},
      {"terraform output",
       [](S s) { return "db_url = \"postgres://app:" + percent(s, "-._~") + "@db\"\n"; }},
      // Ansible
      {"ansible ok",
       [](S s) {
         return "ok: [db1] => {\"changed\": false, \"msg\": \"" + json_inside(s, true) + "\"}\n";
       }},
      {"ansible fatal",
       [](S s) {
         return "fatal: [db1]: FAILED! => {\"cmd\": [\"psql\", \"" + json_inside(s) +
                "\"], \"stdout_lines\": [\"" + json_inside(s) + "\"]}\n";
       }},
      {"ansible stdout",
       [](S s) {
         return "    \"stdout\": \"{\\\"p\\\": \\\"" + json_inside(json_inside(s)) + "\\\"}\",\n";
       }},
      {"ansible diff",
       [](S s) {
         return "--- before\n+++ after\n@@ -1 +1 @@\n-password=old\n+password=" + s + "\n";
       }},
      {"ansible YAML",
       [](S s) {
         return "    invocation:\n      module_args:\n        login_password: '" +
                doubled(s, '\'') + "'\n";
       }},
      // files and payloads
      {"YAML double quoted",
       [](S s) { return "password: \"" + behind_backslash(s, "\"\\") + "\"\n"; }},
      {"TOML", [](S s) { return "password = \"" + json_inside(s) + "\"\n"; }},
      {"INI", [](S s) { return "[db]\npassword = " + s + "\n"; }},
      {"CSV", [](S s) { return "1,app,\"" + doubled(s, '"') + "\",x\n"; }},
      {"Kubernetes secret", [](S s) { return "data:\n  password: " + to_base64(s) + "\n"; }},
      {"docker config",
       [](S s) { return "{\"auths\":{\"r\":{\"auth\":\"" + to_base64("user7:" + s) + "\"}}}\n"; }},
      {"base64 in lines of 76",
       [](S s) {
         return wrapped64("begin of a long file, then: " + s + " and more of it", 76) + "\n";
       }},
      {"base64 in lines of 64", [](S s) { return wrapped64("x" + s + s, 64) + "\n"; }},
      // plugins
      {"plugin exception",
       [](S s) { return "terminate called: what(): cannot log in with token " + s; }},
      {"plugin answer",
       [](S s) { return "{\"bytes\":\"" + json_inside(s, true) + "\",\"json\":{}}"; }},
      {"plugin exec record",
       [](S s) {
         return "{\"argv\":[\"ssh\",\"-o\",\"ProxyCommand=nc -p " + json_inside(s) + "\"]}";
       }},
  };
  return all;
}

// --- secrets as authorities hand them out
inline std::string a_secret(std::mt19937_64& random, size_t number) {
  const auto pick = [&](std::string_view from, size_t size) {
    std::string out;
    for (size_t i = 0; i < size; ++i) out += from[random() % from.size()];
    return out;
  };
  constexpr std::string_view word =
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                             sign = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  switch (number % 8) {
    case 0:
      return pick(word, 12 + random() % 28);
    case 1:
      return pick(word, 6) + pick(sign, 4) + pick(word, 6);
    case 2:
      return "ghp_" + pick(word, 36);
    case 3:
      return to_base64(pick(word, 33)) + "==";
    case 4:
      return pick("0123456789abcdef", 8) + "-" + pick("0123456789abcdef", 12);
    case 5:
      return pick(word, 5) + "\xc3\xb6" + pick(sign, 3) + "\xe2\x82\xac" + pick(word, 5);
    case 6:
      return pick(word, 7) + " " + pick(word, 5) + " " + pick(word, 6);
    default:
      return pick(word, 4) + pick(sign, 8) + pick(word, 60);
  }
}

// --- and what a reader makes of a text again
inline std::string without_escapes(const std::string& text) {  // JSON, shells, C, Python
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    const auto digits = [&](size_t from, size_t most, const char* set) {
      size_t count = 0;
      while (count < most && from + count < text.size() &&
             std::string_view(set).find(text[from + count]) != std::string_view::npos)
        ++count;
      return text.substr(from, count);
    };
    if (c == 'u' || c == 'x') {
      const std::string found = digits(i + 1, c == 'u' ? 4 : 2, "0123456789abcdefABCDEF");
      const unsigned long point = found.empty() ? 0 : std::stoul(found, nullptr, 16);
      if (c == 'x' || point < 0x80)
        out += char(point);
      else if (point < 0x800)
        out += {char(0xc0 | point >> 6), char(0x80 | (point & 63))};
      else
        out +=
            {char(0xe0 | point >> 12), char(0x80 | (point >> 6 & 63)), char(0x80 | (point & 63))};
      i += found.size();
    } else if (const std::string octal = digits(i, 3, "01234567"); octal.size() == 3) {
      out += char(std::stoul(octal, nullptr, 8));
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}
inline std::string without_percent(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i)
    if (text[i] == '%' && i + 2 < text.size() &&
        std::isxdigit(static_cast<unsigned char>(text[i + 1])) &&
        std::isxdigit(static_cast<unsigned char>(text[i + 2]))) {
      out += char(std::stoul(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  return out;
}
inline std::string replaced(std::string text,
                            const std::vector<std::pair<std::string, std::string>>& with) {
  for (const auto& [from, to] : with)
    for (size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
  return text;
}

// Whether somebody who reads the text in any of these ways finds the secret in it.
inline bool tells(const std::string& text, const std::string& secret) {
  const auto holds = [&](const std::string& read) { return read.find(secret) != read.npos; };
  const std::string once = without_escapes(text), twice = without_escapes(once);
  if (holds(text) || holds(once) || holds(twice) || holds(without_escapes(twice))) return true;
  if (holds(without_percent(text)) || holds(replaced(text, {{"''", "'"}})) ||
      holds(replaced(text, {{"\"\"", "\""}})) || holds(replaced(text, {{"'\\''", "'"}})) ||
      holds(replaced(text, {{"}}", "}"}})))
    return true;
  if (holds(replaced(text, {{"&lt;", "<"},
                            {"&gt;", ">"},
                            {"&quot;", "\""},
                            {"&#39;", "'"},
                            {"&#x27;", "'"},
                            {"&apos;", "'"},
                            {"&amp;", "&"}})))
    return true;
  if (text.find(numbered(secret, "&#%u;")) != text.npos ||
      text.find(numbered(secret, "&#x%x;")) != text.npos)
    return true;
  if (replaced(replaced(text, {{", ", ","}}), {{" ", ","}}).find(listed(secret, "%u", ",")) !=
      text.npos)
    return true;
  std::string low = text;
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (replaced(low, {{"0x", ""}, {"\\x", ""}, {", ", ""}, {":", ""}, {" ", ""}})
              .find(hex(secret)) != low.npos ||
      low.find(hex(secret)) != low.npos)
    return true;
  // base64: of each place that it may begin at, against the middle that no neighbour touches.
  std::string stream;
  for (const char c : text)
    if (c != '\n' && c != '\r') stream += c == '-' ? '+' : c == '_' ? '/' : c;
  const std::string before[] = {"", "x", "xy"};
  for (const auto& inner : {secret, json_inside(secret)})
    for (const auto& pad : before) {
      const std::string coded = to_base64(pad + inner);
      const std::string middle = coded.substr(4, coded.size() - 8);
      if (middle.size() >= 8 && stream.find(middle) != stream.npos) return true;
    }
  return false;
}

}  // namespace hyops::tests
