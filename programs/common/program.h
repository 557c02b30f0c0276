// What every program shares: its name in messages, --help, options and the exit status. Messages have the
// form `tool: subject: reason` on standard error. PROGRAM_NAME and PROGRAM_SUMMARY come from the list in
// programs/meson.build, so that `help` and each program's own --help can't disagree.
#pragma once

#include <stddef.h>

// Exit status of a program that was called wrongly.
#define STATUS_USAGE 2

// The argument of the option that program_option() returned last, if it takes one.
extern char *program_argument;

// What is left when program_option() has returned -1; ends with a null pointer.
extern char **program_operands;
extern int program_operand_count;

// Remembers the name and the usage text. `operands` follows the name in the usage line ("[-n] [FILE]..."),
// `details` describes the options, one per line, and may be empty. Answers a lone --help.
#define program_start(argc, argv, operands, details)                                                                             \
    program_start_as(PROGRAM_NAME, PROGRAM_SUMMARY, argc, argv, operands, details)
void program_start_as(const char *name, const char *summary, int argc, char **argv, const char *operands, const char *details);

const char *program_name(void);

// The next option, or -1 when only operands are left. `spec` lists the letters, each followed by ':' if it
// takes an argument; a leading '+' ends the options at the first operand. Options and operands may be mixed
// otherwise. `--help` prints the usage and exits 0; anything unknown exits with STATUS_USAGE.
int program_option(const char *spec);

// Prints the usage on standard output and exits 0.
_Noreturn void program_help(void);

// `tool: reason`, then a pointer to --help; exits with STATUS_USAGE.
_Noreturn void program_usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

// `tool: subject: reason`; the subject may be null.
void program_error(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same with the reason taken from errno.
void program_errno(const char *subject);

// program_error, then exit with status 1.
_Noreturn void program_fail(const char *subject, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Flushes standard output and returns `status`, or 1 (with a message) if what was printed could not be
// written.
int program_end(int status);

// The sentence for an errno value, in lower case as all our messages are.
const char *error_text(int number);

// Never null: end the program with a message when memory is exhausted.
void *memory_allocate(size_t size);
void *memory_resize(void *old, size_t size);
char *string_copy(const char *text);

// A whole number in decimal; anything else ends the program by program_usage_error naming `what`.
long long number_parse(const char *text, const char *what);
