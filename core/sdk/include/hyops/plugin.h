/*
 * The whole contract between hyops and a plugin, so that a plugin can be written in any language.
 *
 * A plugin is one shared object, plugin.so, in a folder of its own beside plugin.toml (what it is
 * and what it needs) and plugin.toml.minisig (who vouches for it). The object exports one symbol,
 * hyops_module. Everything else is reached from there by string id, so that an old plugin runs
 * under a new core and a new plugin under an old one.
 *
 * Where it runs. Each instance of a plugin has a helper process of its own, with an empty
 * environment, no descriptors but its socket, working directory "/", no way to gain privileges and
 * no core dumps. It computes, has threads and asks the core; it has no other processes (trying ends
 * it), no file to write, none to read but libraries and what plugin.toml names under [paths], no
 * sockets but what [network] declares, 1 GiB of address space and 64 descriptors. It is loaded
 * there with RTLD_NOW | RTLD_LOCAL from a sealed copy of the file whose digest was checked, and
 * never unloaded. Crashing ends that helper and makes the outcome of one step unknown; it cannot
 * harm anything else.
 *
 * Rules that hold everywhere below:
 *
 *  - Text is UTF-8. Documents are JSON objects in UTF-8, with integers only: durations in
 *    milliseconds, money in millionths of the currency's unit.
 *  - Nothing ever changes owner. Bytes handed over, in either direction, are borrowed until the
 *    function they were handed to returns. Keep a copy of what must live longer.
 *  - Every table starts with struct_size: the number of bytes its maker knows. A member beyond
 *    struct_size does not exist, which is how tables grow. A table that an id names never changes
 *    otherwise: a change has a new revision ("hyops.provider/2") and both may be offered.
 *  - The core calls a plugin on one thread, one function at a time. A plugin may use threads of its
 *    own, but calls back only on the thread it was called on, and only before it returns.
 *  - No exception and no longjmp may leave a function of the plugin. (hyops/plugin.hpp fences C++.)
 *  - A null hyops_bytes.data with size 0 is empty, never an error.
 */
#ifndef HYOPS_PLUGIN_H
#define HYOPS_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HYOPS_MAGIC 0x68796F31u /* "hyo1" */
#define HYOPS_ABI_MAJOR 1       /* another number: not loaded */
#define HYOPS_ABI_MINOR 1       /* grows with what was added: 1 hyops.stream/1 */

#if defined(__GNUC__)
#define HYOPS_EXPORT __attribute__((visibility("default")))
#else
#define HYOPS_EXPORT
#endif

/* Borrowed until the call returns; not terminated by a zero. */
typedef struct hyops_bytes {
  const char* data;
  uint64_t size;
} hyops_bytes;

typedef struct hyops_instance hyops_instance; /* the plugin's own: hyops never looks inside */
typedef struct hyops_host hyops_host;
typedef struct hyops_call_v1 hyops_call;

/*
 * One call of one verb, through which the plugin answers. A verb ends in exactly one of two ways:
 * emit once, or fail once, then return. Neither, both, or twice is an error of the plugin
 * (plugin.answer.*), and so is a document that is not a JSON object of at most 15 MiB.
 */
struct hyops_call_v1 {
  uint32_t struct_size, reserved;

  /* The outputs of the verb. */
  void (*emit)(hyops_call*, hyops_bytes json);

  /*
   * Why it could not be done. code is "class/area.what": the class decides how hyops reacts, the
   * rest names the problem for ever, in a-z 0-9 _ . (plugin.died, .deadline, .protocol,
   * .forbidden, .stopped and .late are the core's own words about a plugin and are not accepted
   * from one):
   *
   *   invalid      the request itself is wrong; repeating it cannot help
   *   denied       policy, trust or permission says no
   *   conflict     somebody else changed or holds it
   *   exhausted    a quota, a disk, a budget
   *   unavailable  the other side does not answer now: the profile may retry
   *   expired      a credential or lease ran out
   *   cancelled    cancelled() was true and nothing was left behind
   *   deadline     it took longer than allowed and nothing was left behind
   *   partial      some of it happened: say what in the message
   *   internal     everything else, and what a code without a class means
   *
   * message is one sentence for a tired human, without secrets.
   */
  void (*fail)(hyops_call*, hyops_bytes code, hyops_bytes message);

  /* How far it is, 0 to 1000, and in words. As often as there is news, not more. */
  void (*progress)(hyops_call*, uint32_t permille, hyops_bytes note);

  /* Not 0 once somebody wants it to stop. Then undo or finish, answer and return within seconds: a
     plugin that does not is killed, and what it did is unknown. Host services return early then. */
  int32_t (*cancelled)(const hyops_call*);

  /* Milliseconds left; 0 once passed (cancelled() is true as well); INT64_MAX: none. */
  int64_t (*deadline_ms)(const hyops_call*);

  /*
   * What the call belongs to, borrowed until the verb returns:
   *   {"key","run","step","lane","fencing_token"}
   * key is the same for every repetition of one intent: whatever is created is created under it,
   * and observe finds it by it. A side effect carries lane and fencing_token to where they can be
   * checked.
   */
  hyops_bytes (*about)(const hyops_call*);

  /* Waits ms milliseconds, for one who polls. Comes back early, and not 0, once cancelled() is
     true. */
  int32_t (*wait)(hyops_call*, int64_t ms);
};

/* ------------------------------------------------------------------------------------------------
 * What a plugin exports
 * --------------------------------------------------------------------------------------------- */

/*
 * The only exported symbol:  HYOPS_EXPORT extern const hyops_module_v1 hyops_module;
 */
typedef struct hyops_module_v1 {
  uint32_t magic; /* HYOPS_MAGIC */
  uint16_t abi_major, abi_minor;
  uint32_t struct_size, reserved;

  /* As in plugin.toml, to the letter. */
  const char *id, *version;

  /* Makes the one instance of this process from its configuration, which has been checked against
     the schema in plugin.toml and has its defaults filled in. Null, after fail(), if that cannot
     be. Does nothing to the outside. host lives as long as the instance. */
  hyops_instance* (*create)(const hyops_host* host, hyops_call* call, hyops_bytes config_json);
  void (*destroy)(hyops_instance*);

  /* The table of an interface by id ("hyops.provider/1"), null for one it does not implement. What
     plugin.toml lists under `implements` must be here, and nothing else is ever asked for. */
  const void* (*interface)(hyops_instance*, const char* id);
} hyops_module_v1;

/* A verb. json is the step's inputs as the module declares them (`hyops schema export MODULE`);
   what is emitted are its outputs. */
typedef void (*hyops_verb)(hyops_instance*, hyops_call*, hyops_bytes json);

/*
 * hyops.provider/1: places computers. Nothing else: egress and access are plugins of their own.
 *
 * A host is {"name","zone","address","user","port","host_key","placement"}: host_key was captured
 * as the host came into being ("ssh-ed25519 AAAA..."), placement is the provider's own name of it.
 */
typedef struct hyops_provider_v1 {
  uint32_t struct_size, reserved;

  /* Pure: reads nothing that changes, writes nothing. Emits
       {"hosts":[{"name","zone","address"}], "cost":{"currency","micro_per_hour"}}
     address null where only apply can know it, micro_per_hour null where the price is unknown.
     Equal inputs give equal bytes: the digest of this is what people approve. */
  hyops_verb plan;

  /* Makes it so under the call's key; emits {"hosts":[host]}. Again under the same key: the same
     hosts, no more, also in another process after this one was killed anywhere inside. */
  hyops_verb apply;

  /* Reads only: is what apply with this key and these inputs would have made there? Emits
     {"present":true|false, "hosts":[host]}. Not being able to tell is a failure. */
  hyops_verb observe;

  /* The hosts of {"hosts":[host]} exist no longer and cost nothing. Again, or of what is gone:
     fine. */
  hyops_verb release;
} hyops_provider_v1;

/*
 * hyops.egress/1: what a place may reach, and what must not be reachable.
 */
typedef struct hyops_egress_v1 {
  uint32_t struct_size, reserved;

  /* Pure; emits {"rules":[...]}: the rules as they will stand, in words of the platform. */
  hyops_verb plan;

  /* Makes it so, replacing what stood under the same name. */
  hyops_verb apply;

  /* Reads only; emits {"present":true|false} and what stands. */
  hyops_verb observe;

  /* Reads back what is enforced; emits {"proven":true|false,"reachable":[],"denied":[],"proof"}. */
  hyops_verb prove;

  /* Takes the rules away. Again: fine. */
  hyops_verb release;
} hyops_egress_v1;

/*
 * hyops.access/1: one mode of reaching hosts, proven before anybody relies on it. Every verb but
 * close gets {"hosts":[host]}.
 */
typedef struct hyops_access_v1 {
  uint32_t struct_size, reserved;

  /* Emits {"hosts":[{"name","route","port","host_key","login"}]}, each true or false, in that
     order: after the first false the rest is false. */
  hyops_verb prove;

  /* After proving each, emits
       {"endpoints":[{"name","address","port","user","host_key","expires_ms"}]}
     expires_ms 0: until closed. All or none. */
  hyops_verb open;

  /* Emits {"present":true|false,"endpoints":[...]}: what stands open now. */
  hyops_verb observe;

  /* {"endpoints":[...]} are closed. Again: fine. */
  hyops_verb close;
} hyops_access_v1;

/*
 * hyops.secret/1: an authority that knows secrets by name.
 */
typedef struct hyops_secret_v1 {
  uint32_t struct_size, reserved;

  /* Is it there and usable? {} -> {"name","version","expires_ms","names":[...]} */
  hyops_verb probe;

  /* {"names":[...]}: puts each into hyops.secret_sink/1 and emits
     {"resolved":[{"name","version","expires_ms"}]}, the end of a lease, which may be left out. A
     value is never emitted, logged or written. */
  hyops_verb resolve;

  /* {"name","from"}: puts a secret in. Authorities that cannot fail with class denied. */
  hyops_verb store;

  /* {"to",...}, the inputs of the step: this one is to be the authority from now on, or again (E6).
     Emits what probe does. What needs nothing for it emits just that. */
  hyops_verb transition;
} hyops_secret_v1;

/* ------------------------------------------------------------------------------------------------
 * What the core does for a plugin
 * --------------------------------------------------------------------------------------------- */

/*
 * Where services are got from: by id, those that plugin.toml lists under `requires`; null
 * otherwise. Tables live as long as the instance. Every function takes the host it came from.
 */
struct hyops_host {
  uint32_t struct_size, reserved;
  const void* (*service)(const hyops_host*, const char* id);
};

/*
 * How a service answers: before it returns it calls one of these, once, with the context given
 * here. code of an error is a code of `hyops explain`, kind its class; both can be handed on to
 * fail().
 */
typedef struct hyops_answer {
  void* context;
  void (*ok)(void* context, hyops_bytes json, hyops_bytes bytes);
  void (*error)(void* context, hyops_bytes kind, hyops_bytes code, hyops_bytes message);
} hyops_answer;

/* hyops.log/1: a line for the step's log. level 0 debug, 1 info, 2 warning, 3 error. */
typedef struct hyops_log_v1 {
  uint32_t struct_size, reserved;
  void (*write)(const hyops_host*, int32_t level, hyops_bytes text);
} hyops_log_v1;

/* hyops.clock/1: milliseconds since 1970 UTC (may jump), and of a clock that never jumps. */
typedef struct hyops_clock_v1 {
  uint32_t struct_size, reserved;
  int64_t (*wall_ms)(const hyops_host*);
  int64_t (*mono_ms)(const hyops_host*);
} hyops_clock_v1;

/*
 * hyops.http/1: one request, made by the core: allow-listed hosts, verified TLS, no proxy,
 * recorded.
 *
 *   {"method":"POST",
 *    "url":"https://api.example/v1/x",
 *    "headers":{"Idempotency-Key":"..."},
 *    "auth":{"scheme":"bearer","secret":"acme-token"},
 *    "timeout_ms":10000,
 *    "repeatable":true}
 *
 * headers, auth, timeout_ms and repeatable may be left out. auth gives the *name* of a secret, one
 * that the configuration names, and the core puts its value in. repeatable: safe to retry although
 * the method is not, because the request carries an idempotency key.
 *
 * body is sent as it is. ok: {"status","headers":{lower case}} and the body as bytes, for every
 * status; error when no answer came at all (net.*).
 */
typedef struct hyops_http_v1 {
  uint32_t struct_size, reserved;
  void (*request)(const hyops_host*, hyops_bytes request_json, hyops_bytes body,
                  const hyops_answer* answer);
} hyops_http_v1;

/*
 * hyops.exec/1: runs an executable that plugin.toml declares, in an environment of the core's
 * making.
 *
 *   {"argv":["ssh","-o","UserKnownHostsFile={known_hosts}",...],
 *    "files":{"known_hosts":"text"},
 *    "in":"text",
 *    "timeout_ms":10000}
 *
 * There is no shell. argv[0] is a name that plugin.toml lists: an executable of the runner, or a
 * file of the plugin's own folder, which is run from a sealed copy. "{x}" in an argument is
 * replaced by the path of a private file with the text that files gives for x, or by a path that
 * the core supplies ("{identity_file}"). in (since 1.1) is what it reads on standard input; without
 * it there is nothing. secrets (since 1.1) are those of hyops.stream/1.
 *
 * ok: {"code","signal","out","err"}, whatever the code; out and err at most 1 MiB.
 */
typedef struct hyops_exec_v1 {
  uint32_t struct_size, reserved;
  void (*run)(const hyops_host*, hyops_bytes request_json, const hyops_answer* answer);
} hyops_exec_v1;

/* hyops.secret_sink/1: where `resolve` puts a value. Returns 0, or not 0 if it was not taken: then
 * fail. */
typedef struct hyops_secret_sink_v1 {
  uint32_t struct_size, reserved;
  int32_t (*put)(const hyops_host*, hyops_bytes name, hyops_bytes version, hyops_bytes value);
} hyops_secret_sink_v1;

/* hyops.unseal/1: opens bytes sealed to this runner (X25519 sealed box). The runner's key stays in
   the core. ok: {} and the opened bytes, to be wiped after use. */
typedef struct hyops_unseal_v1 {
  uint32_t struct_size, reserved;
  void (*open)(const hyops_host*, hyops_bytes sealed, const hyops_answer* answer);
} hyops_unseal_v1;

/*
 * hyops.stream/1 (since 1.1): a local endpoint that the core keeps, so that whoever connects to it
 * is carried to where the plugin says. For each connection the core runs the program argv, which
 * speaks with the other end on its standard input and output, as OpenSSH's ProxyCommand does.
 *
 *   open     {"name":"db-1",
 *             "argv":["ssh","-W","[10.0.0.7]:22",...,"-i","{identity_file}","--","10.0.0.2"],
 *             "files":{"known_hosts":"text"},
 *             "secrets":{"token":"cloud-token"},
 *             "lifetime_ms":14400000,
 *             "patience_ms":75000}
 *            ok: {"address":"127.0.0.1","port","expires_ms"}
 *   observe  {"name"}  ok: {"present","address","port","expires_ms"}
 *   close    {"name"}  ok: {}
 *
 * argv and files are those of hyops.exec/1. secrets names secrets that the configuration names;
 * "{token}" in an argument is the path of a file that only the program sees and that is on no disk.
 *
 * An endpoint belongs to the call's key: open again under the same key and name gives the same
 * address and port, also after the runner was restarted, and close and observe find it by them. It
 * outlives this helper and the core; the core closes it at the end of the run, and it closes itself
 * when lifetime_ms are over, connections included.
 *
 * A program that ends before the other end has sent a byte is run again for the same connection,
 * with what was sent to it so far, until patience_ms have passed since the connection came. A
 * program that has carried a byte is not: whoever connected sees the end and connects again.
 */
typedef struct hyops_stream_v1 {
  uint32_t struct_size, reserved;
  void (*open)(const hyops_host*, hyops_bytes request_json, const hyops_answer* answer);
  void (*observe)(const hyops_host*, hyops_bytes request_json, const hyops_answer* answer);
  void (*close)(const hyops_host*, hyops_bytes request_json, const hyops_answer* answer);
} hyops_stream_v1;

#ifdef __cplusplus
}
#define HYOPS_STATIC_ASSERT static_assert
#else
#define HYOPS_STATIC_ASSERT _Static_assert
#endif

/* What is released does not move. A line here is only ever added. */
#if UINTPTR_MAX == UINT64_MAX
#define HYOPS_FROZEN(table, member, at) \
  HYOPS_STATIC_ASSERT(offsetof(struct table, member) == (at), #table "." #member " is frozen")
HYOPS_FROZEN(hyops_bytes, data, 0);
HYOPS_FROZEN(hyops_bytes, size, 8);
HYOPS_FROZEN(hyops_call_v1, struct_size, 0);
HYOPS_FROZEN(hyops_call_v1, reserved, 4);
HYOPS_FROZEN(hyops_call_v1, emit, 8);
HYOPS_FROZEN(hyops_call_v1, fail, 16);
HYOPS_FROZEN(hyops_call_v1, progress, 24);
HYOPS_FROZEN(hyops_call_v1, cancelled, 32);
HYOPS_FROZEN(hyops_call_v1, deadline_ms, 40);
HYOPS_FROZEN(hyops_call_v1, about, 48);
HYOPS_FROZEN(hyops_call_v1, wait, 56);
HYOPS_FROZEN(hyops_module_v1, magic, 0);
HYOPS_FROZEN(hyops_module_v1, abi_major, 4);
HYOPS_FROZEN(hyops_module_v1, abi_minor, 6);
HYOPS_FROZEN(hyops_module_v1, struct_size, 8);
HYOPS_FROZEN(hyops_module_v1, reserved, 12);
HYOPS_FROZEN(hyops_module_v1, id, 16);
HYOPS_FROZEN(hyops_module_v1, version, 24);
HYOPS_FROZEN(hyops_module_v1, create, 32);
HYOPS_FROZEN(hyops_module_v1, destroy, 40);
HYOPS_FROZEN(hyops_module_v1, interface, 48);
HYOPS_FROZEN(hyops_provider_v1, struct_size, 0);
HYOPS_FROZEN(hyops_provider_v1, reserved, 4);
HYOPS_FROZEN(hyops_provider_v1, plan, 8);
HYOPS_FROZEN(hyops_provider_v1, apply, 16);
HYOPS_FROZEN(hyops_provider_v1, observe, 24);
HYOPS_FROZEN(hyops_provider_v1, release, 32);
HYOPS_FROZEN(hyops_egress_v1, struct_size, 0);
HYOPS_FROZEN(hyops_egress_v1, reserved, 4);
HYOPS_FROZEN(hyops_egress_v1, plan, 8);
HYOPS_FROZEN(hyops_egress_v1, apply, 16);
HYOPS_FROZEN(hyops_egress_v1, observe, 24);
HYOPS_FROZEN(hyops_egress_v1, prove, 32);
HYOPS_FROZEN(hyops_egress_v1, release, 40);
HYOPS_FROZEN(hyops_access_v1, struct_size, 0);
HYOPS_FROZEN(hyops_access_v1, reserved, 4);
HYOPS_FROZEN(hyops_access_v1, prove, 8);
HYOPS_FROZEN(hyops_access_v1, open, 16);
HYOPS_FROZEN(hyops_access_v1, observe, 24);
HYOPS_FROZEN(hyops_access_v1, close, 32);
HYOPS_FROZEN(hyops_secret_v1, struct_size, 0);
HYOPS_FROZEN(hyops_secret_v1, reserved, 4);
HYOPS_FROZEN(hyops_secret_v1, probe, 8);
HYOPS_FROZEN(hyops_secret_v1, resolve, 16);
HYOPS_FROZEN(hyops_secret_v1, store, 24);
HYOPS_FROZEN(hyops_secret_v1, transition, 32);
HYOPS_FROZEN(hyops_host, struct_size, 0);
HYOPS_FROZEN(hyops_host, reserved, 4);
HYOPS_FROZEN(hyops_host, service, 8);
HYOPS_FROZEN(hyops_answer, context, 0);
HYOPS_FROZEN(hyops_answer, ok, 8);
HYOPS_FROZEN(hyops_answer, error, 16);
HYOPS_FROZEN(hyops_log_v1, struct_size, 0);
HYOPS_FROZEN(hyops_log_v1, reserved, 4);
HYOPS_FROZEN(hyops_log_v1, write, 8);
HYOPS_FROZEN(hyops_clock_v1, struct_size, 0);
HYOPS_FROZEN(hyops_clock_v1, reserved, 4);
HYOPS_FROZEN(hyops_clock_v1, wall_ms, 8);
HYOPS_FROZEN(hyops_clock_v1, mono_ms, 16);
HYOPS_FROZEN(hyops_http_v1, struct_size, 0);
HYOPS_FROZEN(hyops_http_v1, reserved, 4);
HYOPS_FROZEN(hyops_http_v1, request, 8);
HYOPS_FROZEN(hyops_exec_v1, struct_size, 0);
HYOPS_FROZEN(hyops_exec_v1, reserved, 4);
HYOPS_FROZEN(hyops_exec_v1, run, 8);
HYOPS_FROZEN(hyops_secret_sink_v1, struct_size, 0);
HYOPS_FROZEN(hyops_secret_sink_v1, reserved, 4);
HYOPS_FROZEN(hyops_secret_sink_v1, put, 8);
HYOPS_FROZEN(hyops_unseal_v1, struct_size, 0);
HYOPS_FROZEN(hyops_unseal_v1, reserved, 4);
HYOPS_FROZEN(hyops_unseal_v1, open, 8);
HYOPS_FROZEN(hyops_stream_v1, struct_size, 0);
HYOPS_FROZEN(hyops_stream_v1, reserved, 4);
HYOPS_FROZEN(hyops_stream_v1, open, 8);
HYOPS_FROZEN(hyops_stream_v1, observe, 16);
HYOPS_FROZEN(hyops_stream_v1, close, 24);
HYOPS_STATIC_ASSERT(sizeof(hyops_bytes) == 16, "hyops_bytes is frozen");
HYOPS_STATIC_ASSERT(sizeof(hyops_answer) == 24, "hyops_answer is frozen");
#undef HYOPS_FROZEN
#endif

#endif /* HYOPS_PLUGIN_H */
