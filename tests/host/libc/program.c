// A program on our libc alone. It prints one line per part that only a whole program can show;
// program_test.py compares.
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const relocated[] = {"relocations", "work"};
static volatile sig_atomic_t signals;
static sigjmp_buf signal_jump;

static void at_end(void) {
    printf("atexit\n"); // written by the flush that follows
}

__attribute__((constructor)) static void construct(void) {
    setenv("CONSTRUCTED", "yes", 1);
}

__attribute__((destructor)) static void destruct(void) {
    printf("destructor\n");
}

static void count_signal(int number) {
    signals += number;
}

static void jump_out(int number) {
    siglongjmp(signal_jump, number);
}

static void jumps(void) {
    jmp_buf buffer;
    volatile int passes = 0;
    int value = setjmp(buffer);
    if (passes++ < 3)
        longjmp(buffer, passes - 1);
    printf("longjmp %d\n", value);
    signal(SIGUSR2, jump_out);
    int number = sigsetjmp(signal_jump, 1);
    if (number == 0)
        raise(SIGUSR2);
    number = number != 0 ? sigsetjmp(signal_jump, 1) : number;
    if (number == 0 && signals == 0) { // the mask was restored, so the signal comes again
        signals = 100;
        raise(SIGUSR2);
    }
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    printf("siglongjmp %d blocked %d\n", number, sigismember(&mask, SIGUSR2));
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "abort") == 0)
        assert(argc == 1);
    atexit(at_end);
    printf("%s %s %d %s %s\n", relocated[0], relocated[1], argc, argv[1], getenv("CONSTRUCTED"));
    printf("%.3f %g %.0f %.10f\n", sqrt(2), fmod(7.5, 2), pow(2, 40), exp(1));
    signal(SIGUSR1, count_signal);
    raise(SIGUSR1);
    printf("signal %d\n", (int)signals);
    signals = 0;
    jumps();
    errno = 0;
    printf("%d %s\n", chdir("/nonexistent"), strerror(errno));
    fflush(stdout);
    printf("system %d\n", system("echo from the shell; exit 3") >> 8);
    char line[64];
    FILE *pipe = popen("echo through a pipe", "r");
    printf("%s", fgets(line, sizeof line, pipe));
    printf("pclose %d\n", pclose(pipe));
    DIR *directory = opendir("/proc/self/fd");
    int entries = 0;
    while (readdir(directory) != NULL)
        entries++;
    closedir(directory);
    printf("entries %d\n", entries); // ".", "..", 0, 1, 2 and the directory itself
    while (fgets(line, sizeof line, stdin) != NULL)
        printf("read %s", line);
    return 42;
}
