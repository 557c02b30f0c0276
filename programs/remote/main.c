// remote: runs one command for the host and hands its standard streams and exit status over a serial line,
// framed as image/channel.md says. Started by boot in place of the shells, or beside them with -w: then it
// waits until a host begins. One loop over poll; only writes to the line may block, since the host always
// reads.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <signal.h>

enum {
    HEADER_BYTES = 4,
    PAYLOAD_MAX = 65535,
    WINDOW_BYTES = 16384,
    COMMAND_MAX = 1 << 20,
    OUTPUT_CHUNK = 4096,
    INPUT_CHUNK = 512, // POSIX's smallest PIPE_BUF: a pipe that poll calls writable takes it whole
    EXIT_CHECK_MILLISECONDS = 100,
    ENDING_CHECK_MILLISECONDS = 2,
};

static const char magic[8] = {'\0', 'K', 'E', 'E', 'L', 'C', 'H', '1'};

extern char **environ;

struct remote {
    int line;
    uint8_t frame[HEADER_BYTES + PAYLOAD_MAX]; // what has arrived of the next frame
    size_t frame_length;
    char *command; // NUL-terminated, so far
    size_t command_length;
    pid_t child;                   // 0 before it runs and after it was waited for
    int input, output, errors;     // our ends of its pipes, -1 when closed
    uint8_t pending[WINDOW_BYTES]; // input that the pipe has not taken yet
    size_t pending_start, pending_length;
    bool input_ended, finished;
};

static void fail(const char *what) {
    fprintf(stderr, "remote: %s: %s\n", what, errno ? strerror(errno) : "protocol error");
    exit(1);
}

static void line_write(struct remote *r, const void *bytes, size_t length) {
    const char *at = bytes;
    while (length != 0) {
        ssize_t written = write(r->line, at, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            fail("line");
        at += written;
        length -= (size_t)written;
    }
}

static void send_frame(struct remote *r, char type, const void *payload, size_t length) {
    uint8_t frame[HEADER_BYTES + OUTPUT_CHUNK] = {(uint8_t)type, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    uint8_t sum = 0;
    memcpy(frame + HEADER_BYTES, payload, length);
    for (size_t i = 0; i < HEADER_BYTES + length; i++)
        sum = (uint8_t)(sum + frame[i]);
    frame[1] = sum;
    line_write(r, frame, HEADER_BYTES + length);
}

static void send_grant(struct remote *r, uint32_t bytes) {
    uint8_t payload[4] = {(uint8_t)bytes, (uint8_t)(bytes >> 8), (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 24)};
    send_frame(r, 'G', payload, sizeof payload);
}

// A pipe whose end number `ours` is kept and closed in the child; the other end is returned through *theirs.
static int pipe_make(int ours, int *theirs) {
    int ends[2];
    if (pipe(ends) < 0 || fcntl(ends[ours], F_SETFD, FD_CLOEXEC) < 0)
        fail("pipe");
    *theirs = ends[1 - ours];
    return ends[ours];
}

static void child_start(struct remote *r) {
    posix_spawn_file_actions_t actions;
    int theirs[3];
    r->input = pipe_make(1, &theirs[0]);
    r->output = pipe_make(0, &theirs[1]);
    r->errors = pipe_make(0, &theirs[2]);
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
    for (int i = 0; i < 3; i++)
        if (theirs[i] > 2)
            posix_spawn_file_actions_addclose(&actions, theirs[i]);
    char shell[] = "sh", option[] = "-c", empty[] = "";
    char *arguments[] = {shell, option, r->command ? r->command : empty, NULL};
    int error = posix_spawn(&r->child, "/bin/sh", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 3; i++)
        close(theirs[i]);
    if (error != 0) {
        char text[128];
        int length = snprintf(text, sizeof text, "remote: /bin/sh: %s\n", strerror(error));
        send_frame(r, 'E', text, (size_t)length);
        r->child = 0;
        r->finished = true;
        send_frame(r, 'X', "\0\177", 2); // 127, as a shell says for a command that can't be run
        return;
    }
    fcntl(r->input, F_SETFL, O_NONBLOCK);
    send_grant(r, WINDOW_BYTES);
}

static void command_append(struct remote *r, const uint8_t *bytes, size_t length) {
    if (r->child != 0 || r->command_length + length > COMMAND_MAX)
        fail("command");
    r->command = realloc(r->command, r->command_length + length + 1);
    if (!r->command)
        fail("command");
    memcpy(r->command + r->command_length, bytes, length);
    r->command_length += length;
    r->command[r->command_length] = '\0';
}

static void input_append(struct remote *r, const uint8_t *bytes, size_t length) {
    if (r->input < 0)
        return; // sent before the host heard that no more is wanted
    if (length > WINDOW_BYTES - r->pending_length)
        fail("more input than was granted");
    for (size_t i = 0; i < length; i++)
        r->pending[(r->pending_start + r->pending_length + i) % WINDOW_BYTES] = bytes[i];
    r->pending_length += length;
}

static void input_close(struct remote *r) {
    if (r->input >= 0)
        close(r->input);
    r->input = -1;
    r->pending_length = 0;
}

static void frame_handle(struct remote *r, char type, const uint8_t *payload, size_t length) {
    errno = 0;
    switch (type) {
    case 'C':
        command_append(r, payload, length);
        break;
    case 'R':
        child_start(r);
        break;
    case 'I':
        input_append(r, payload, length);
        break;
    case 'Z':
        r->input_ended = true;
        break;
    case 'S':
        if (length == 1 && r->child != 0)
            kill(r->child, payload[0]);
        break;
    case 'P':
        send_frame(r, 'Q', "", 0);
        break;
    case 'B':
        tcdrain(r->line);
        exit(0);
    default:
        fail("unknown frame");
    }
}

// Takes whole frames off the front of what has arrived.
static void frames_take(struct remote *r) {
    size_t at = 0;
    while (r->frame_length - at >= HEADER_BYTES) {
        const uint8_t *frame = r->frame + at;
        if (frame[0] == (uint8_t)magic[0]) { // the host said its word again before it heard ours
            if (r->frame_length - at < sizeof magic)
                break;
            at += sizeof magic;
            continue;
        }
        size_t length = frame[2] | (size_t)frame[3] << 8;
        if (r->frame_length - at < HEADER_BYTES + length)
            break;
        uint8_t sum = 0;
        for (size_t i = 0; i < HEADER_BYTES + length; i++)
            sum = (uint8_t)(sum + (i == 1 ? 0 : frame[i]));
        errno = 0;
        if (sum != frame[1])
            fail("damaged frame");
        frame_handle(r, (char)frame[0], frame + HEADER_BYTES, length);
        at += HEADER_BYTES + length;
    }
    memmove(r->frame, r->frame + at, r->frame_length - at);
    r->frame_length -= at;
}

static void line_read(struct remote *r) {
    ssize_t count = read(r->line, r->frame + r->frame_length, sizeof r->frame - r->frame_length);
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (count <= 0)
        fail("line");
    r->frame_length += (size_t)count;
    frames_take(r);
}

// Hands waiting input on to the command, and lets the host send as much again.
static void input_pump(struct remote *r) {
    size_t length = WINDOW_BYTES - r->pending_start;
    length = length < r->pending_length ? length : r->pending_length;
    length = length < INPUT_CHUNK ? length : INPUT_CHUNK;
    ssize_t written = write(r->input, r->pending + r->pending_start, length);
    if (written < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (written < 0) {
        input_close(r);
        send_frame(r, 'N', "", 0);
        return;
    }
    r->pending_start = (r->pending_start + (size_t)written) % WINDOW_BYTES;
    r->pending_length -= (size_t)written;
    send_grant(r, (uint32_t)written);
}

// Passes one piece of output on; false when nothing was there or the pipe has ended (then it is closed).
static bool output_pump(struct remote *r, int *pipe_end, char type) {
    char bytes[OUTPUT_CHUNK];
    if (*pipe_end < 0)
        return false;
    ssize_t count = read(*pipe_end, bytes, sizeof bytes);
    if (count > 0) {
        send_frame(r, type, bytes, (size_t)count);
        return true;
    }
    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return errno == EINTR;
    close(*pipe_end);
    *pipe_end = -1;
    return false;
}

static void child_finish(struct remote *r, int status) {
    r->child = 0;
    fcntl(r->output, F_SETFL, O_NONBLOCK); // or it is closed: -1
    fcntl(r->errors, F_SETFL, O_NONBLOCK);
    while (output_pump(r, &r->output, 'O'))
        ;
    while (output_pump(r, &r->errors, 'E'))
        ;
    uint8_t payload[2] = {WIFSIGNALED(status), (uint8_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status))};
    r->finished = true;
    input_close(r);
    send_frame(r, 'X', payload, sizeof payload);
}

static void child_check(struct remote *r) {
    int status;
    if (r->child != 0 && waitpid(r->child, &status, WNOHANG) == r->child)
        child_finish(r, status);
}

static void step(struct remote *r) {
    bool running = r->child != 0;
    if (running && r->input >= 0 && r->input_ended && r->pending_length == 0)
        input_close(r);
    struct pollfd fds[4] = {
        {.fd = r->line, .events = POLLIN},
        {.fd = running ? r->output : -1, .events = POLLIN},
        {.fd = running ? r->errors : -1, .events = POLLIN},
        {.fd = running && r->pending_length != 0 ? r->input : -1, .events = POLLOUT},
    };
    // The end of both outputs nearly always tells that the command has ended; the limit is for one that
    // leaves a background process behind, which holds them open.
    if (poll(fds, 4, running ? EXIT_CHECK_MILLISECONDS : -1) < 0 && errno != EINTR)
        fail("poll"); // otherwise nothing is set if nothing happened
    if (fds[1].revents)
        output_pump(r, &r->output, 'O');
    if (fds[2].revents)
        output_pump(r, &r->errors, 'E');
    if (fds[3].revents)
        input_pump(r);
    if (fds[0].revents)
        line_read(r);
    if (running)
        child_check(r);
}

// Reads until the host has said the magic word; what comes before it is noise.
static void wait_for_host(struct remote *r) {
    size_t known = 0;
    while (known < sizeof magic) {
        char byte;
        ssize_t count = read(r->line, &byte, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            fail("line");
        known = byte == magic[known] ? known + 1 : byte == magic[0];
    }
}

int main(int argc, char **argv) {
    static struct remote remote = {.input = -1, .output = -1, .errors = -1};
    bool waits = argc > 1 && strcmp(argv[1], "-w") == 0;
    const char *path = argc > 1 + waits ? argv[1 + waits] : "/dev/serial1";
    struct termios raw;
    remote.line = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (remote.line < 0)
        fail(path);
    if (tcgetattr(remote.line, &raw) == 0) { // a line without terminal settings is raw already
        cfmakeraw(&raw);
        if (tcsetattr(remote.line, TCSANOW, &raw) < 0)
            fail(path);
        tcflush(remote.line, TCIFLUSH);
    }
    if (waits)
        wait_for_host(&remote);
    line_write(&remote, magic, sizeof magic);
    for (;;)
        step(&remote);
}
