// echo, printf and test, which exist as programs and as builtins of the shell. They write to a buffer; what
// is wrong is written, without the command's name, to `error`, at most one line. `argv[0]` is the command's
// name, and argv ends with a null pointer.
#pragma once

#include "programs/common/buffer.h"

int echo_run(int argc, char **argv, struct buffer *out);

// POSIX.1-2017, XCU printf, without floating point. Returns the exit status.
int printf_run(int argc, char **argv, struct buffer *out, struct buffer *error);

// POSIX.1-2017, XCU test; as "[" it wants a closing "]". 0 true, 1 false, 2 wrong.
int test_run(int argc, char **argv, struct buffer *error);
