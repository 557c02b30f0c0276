// Streams and formatted text (C17 7.21, POSIX <stdio.h>). A stream belongs to one thread; there is no
// locking.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct __stream FILE;
typedef off_t fpos_t;

extern FILE *const stdin;
extern FILE *const stdout;
extern FILE *const stderr;
#define stdin  stdin
#define stdout stdout
#define stderr stderr

#define EOF          (-1)
#define BUFSIZ       4096
#define FILENAME_MAX 4096
#define FOPEN_MAX    256
#define L_tmpnam     32
#define TMP_MAX      1000000
#define P_tmpdir     "/tmp"

#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

#define __PRINTF(format_at, first) __attribute__((format(printf, format_at, first)))
#define __SCANF(format_at, first)  __attribute__((format(scanf, format_at, first)))

FILE *fopen(const char *restrict path, const char *restrict mode);
FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict stream);
FILE *fdopen(int fd, const char *mode);
FILE *fmemopen(void *restrict buffer, size_t size, const char *restrict mode);
FILE *open_memstream(char **buffer, size_t *size);
FILE *popen(const char *command, const char *mode);
int pclose(FILE *stream);
FILE *tmpfile(void);
int fclose(FILE *stream);
int fflush(FILE *stream);
int fileno(FILE *stream);
int setvbuf(FILE *restrict stream, char *restrict buffer, int mode, size_t size);
void setbuf(FILE *restrict stream, char *restrict buffer);
void setlinebuf(FILE *stream);

size_t fread(void *restrict buffer, size_t size, size_t count, FILE *restrict stream);
size_t fwrite(const void *restrict buffer, size_t size, size_t count, FILE *restrict stream);
int fgetc(FILE *stream);
int getc(FILE *stream);
int getchar(void);
int getc_unlocked(FILE *stream);
int getchar_unlocked(void);
int ungetc(int c, FILE *stream);
char *fgets(char *restrict buffer, int size, FILE *restrict stream);
ssize_t getline(char **restrict line, size_t *restrict capacity, FILE *restrict stream);
ssize_t getdelim(char **restrict line, size_t *restrict capacity, int delimiter, FILE *restrict stream);
int fputc(int c, FILE *stream);
int putc(int c, FILE *stream);
int putchar(int c);
int putc_unlocked(int c, FILE *stream);
int putchar_unlocked(int c);
int fputs(const char *restrict string, FILE *restrict stream);
int puts(const char *string);

int fseek(FILE *stream, long offset, int whence);
int fseeko(FILE *stream, off_t offset, int whence);
long ftell(FILE *stream);
off_t ftello(FILE *stream);
void rewind(FILE *stream);
int fgetpos(FILE *restrict stream, fpos_t *restrict position);
int fsetpos(FILE *stream, const fpos_t *position);
int feof(FILE *stream);
int ferror(FILE *stream);
void clearerr(FILE *stream);
void perror(const char *prefix);

int printf(const char *restrict format, ...) __PRINTF(1, 2);
int fprintf(FILE *restrict stream, const char *restrict format, ...) __PRINTF(2, 3);
int dprintf(int fd, const char *restrict format, ...) __PRINTF(2, 3);
int sprintf(char *restrict buffer, const char *restrict format, ...) __PRINTF(2, 3);
int snprintf(char *restrict buffer, size_t size, const char *restrict format, ...) __PRINTF(3, 4);
int asprintf(char **restrict result, const char *restrict format, ...) __PRINTF(2, 3);
int vprintf(const char *restrict format, va_list arguments) __PRINTF(1, 0);
int vfprintf(FILE *restrict stream, const char *restrict format, va_list arguments) __PRINTF(2, 0);
int vdprintf(int fd, const char *restrict format, va_list arguments) __PRINTF(2, 0);
int vsprintf(char *restrict buffer, const char *restrict format, va_list arguments) __PRINTF(2, 0);
int vsnprintf(char *restrict buffer, size_t size, const char *restrict format, va_list arguments) __PRINTF(3, 0);
int vasprintf(char **restrict result, const char *restrict format, va_list arguments) __PRINTF(2, 0);

int scanf(const char *restrict format, ...) __SCANF(1, 2);
int fscanf(FILE *restrict stream, const char *restrict format, ...) __SCANF(2, 3);
int sscanf(const char *restrict string, const char *restrict format, ...) __SCANF(2, 3);
int vscanf(const char *restrict format, va_list arguments) __SCANF(1, 0);
int vfscanf(FILE *restrict stream, const char *restrict format, va_list arguments) __SCANF(2, 0);
int vsscanf(const char *restrict string, const char *restrict format, va_list arguments) __SCANF(2, 0);

int remove(const char *path);
int rename(const char *from, const char *to);
int renameat(int from_directory, const char *from, int to_directory, const char *to);

#undef __PRINTF
#undef __SCANF
