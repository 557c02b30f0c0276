// logfile: follows the log and appends it to /var/log/messages; crash reports among it become files as well (crash.c). A client
// like any other: it is started by boot once / is on a disk, and nobody waits for it. The file is open only while a batch of
// lines is written. Invariant: POSITION_FILE (in memory, so gone with the boot) says how far the log has been written, and by
// whom.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernel/abi/capability.h"
#include "libipc/client/clock.h"
#include "libipc/client/system_call.h"
#include "libipc/protocols/account.h"
#include "libipc/protocols/log.h"
#include "libipc/start/start.h"
#include "programs/common/buffer.h"
#include "programs/common/program.h"
#include "programs/logfile/crash.h"

#define FOLDER        "/var/log"
#define MESSAGES      FOLDER "/messages"
#define MESSAGES_OLD  FOLDER "/messages.1"
#define POSITION_FILE "/tmp/.logfile"

enum { RECORDS_BYTES = 16 * 1024, ROTATE_BYTES = 256 * 1024, LEVEL_ALL = 4 };
enum { NANOSECONDS_PER_MILLISECOND = 1000000, CLOCK_SET_MILLISECONDS = 500 };

static cap_t session, notification;
static uint64_t position; // in the log: bytes since boot

static bool position_load(void) {
    FILE *file = fopen(POSITION_FILE, "r");
    unsigned long long at;
    long pid;
    bool is_found = file && fscanf(file, "%llu %ld", &at, &pid) == 2;
    if (file)
        fclose(file);
    if (!is_found)
        return true;
    position = at;
    return pid == getpid() || kill((pid_t)pid, 0) != 0; // false: somebody follows it already
}

static void position_save(void) {
    FILE *file = fopen(POSITION_FILE, "w");
    if (!file)
        return; // a writer after this one would repeat what stands there already
    fprintf(file, "%llu %ld\n", (unsigned long long)position, (long)getpid());
    fclose(file);
}

static const char *level_name(uint32_t level) {
    static const char *const names[] = {"error", "error", "warning", "info", "debug"};
    return names[level < sizeof(names) / sizeof(names[0]) ? level : LEVEL_ALL];
}

// When the machine was started, in milliseconds of the time of day. Kept while the clock is not set anew, so
// that lines do not jump by what two readings differ.
static int64_t boot_time(void) {
    static int64_t known;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t start = (int64_t)now.tv_sec * 1000 + now.tv_nsec / NANOSECONDS_PER_MILLISECOND -
                    (int64_t)(clock_monotonic() / NANOSECONDS_PER_MILLISECOND);
    if (start - known > CLOCK_SET_MILLISECONDS || known - start > CLOCK_SET_MILLISECONDS)
        known = start;
    return known;
}

// Records carry the time since boot; lines the time of day.
static void add_line(struct buffer *lines, const struct log_record *record, const char *text) {
    char stamp[32] = "";
    int64_t at = boot_time() + (int64_t)(record->time / NANOSECONDS_PER_MILLISECOND);
    time_t seconds = (time_t)(at / 1000);
    const struct tm *parts = gmtime(&seconds);
    if (parts)
        strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", parts);
    if (record->dropped)
        buffer_format(lines, "%s.%03d warning log: %u messages were lost here\n", stamp, (int)(at % 1000), record->dropped);
    buffer_format(lines, "%s.%03d %s %.16s: %.*s\n", stamp, (int)(at % 1000), level_name(record->level),
                  (const char *)record->sender, (int)record->length, text);
    if (memcmp(record->sender, "init", 5) == 0)
        crash_line(stamp, text, record->length);
}

static void add_lines(struct buffer *lines, const unsigned char *records, uint64_t count) {
    for (uint64_t at = 0; at + sizeof(struct log_record) <= count;) {
        struct log_record record;
        memcpy(&record, records + at, sizeof(record));
        uint64_t length = (sizeof(record) + record.length + 7) & ~UINT64_C(7);
        if (length > count - at)
            return;
        add_line(lines, &record, (const char *)records + at + sizeof(record));
        at += length;
    }
}

// False: it could not be written. A full or failing disk costs lines of the file, and nothing else.
static bool append(const struct buffer *lines) {
    struct stat info;
    int file = open(MESSAGES, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0)
        return false;
    bool is_written = descriptor_write(file, lines->data, lines->length);
    bool is_large = fstat(file, &info) == 0 && info.st_size > ROTATE_BYTES;
    is_written = close(file) == 0 && is_written;
    if (is_large && rename(MESSAGES, MESSAGES_OLD) != 0)
        (void)unlink(MESSAGES);
    return is_written;
}

// Writes what is new; whether there was anything.
static bool follow(void) {
    static unsigned char records[RECORDS_BYTES];
    static uint64_t lost; // batches
    struct buffer lines;
    uint64_t count, before = position;
    error_t error = log_read(session, position, LEVEL_ALL, records, sizeof(records), &position, &count);
    if (error != ERR_OK || count > sizeof(records))
        program_fail("log", "%s", error_text(-error));
    if (position == before)
        return false;
    buffer_init(&lines);
    if (lost)
        buffer_format(&lines, "# %llu times, messages could not be written here\n", (unsigned long long)lost);
    add_lines(&lines, records, count);
    lost = append(&lines) ? 0 : lost + 1;
    buffer_free(&lines);
    position_save();
    return true;
}

static void wait_for_news(void) {
    uint64_t ready;
    struct ipc_registers registers = {.target = notification};
    error_t error = log_wait(session, position, 1, notification, &ready);
    if (error == ERR_OK && !ready)
        error = system_call(SYS_WAIT, &registers);
    if (error < ERR_OK)
        program_fail("log", "%s", error_text(-error));
}

int main(int argc, char **argv) {
    program_start(argc, argv, "", "Follows the log and appends it to " MESSAGES "; started by boot.\n");
    program_option("");
    session = startup_capability("log");
    if (!session)
        program_fail(NULL, "this program was not given a session of log");
    if (!position_load())
        return 0;
    position_save();
    (void)mkdir("/var", 0755);
    if (mkdir(FOLDER, 0755) != 0 && errno != EEXIST)
        program_fail(FOLDER, "%s", error_text(errno));
    error_t error = account_create_notification(SLOT_ACCOUNT, &notification);
    if (error != ERR_OK)
        program_fail(NULL, "%s", error_text(-error));
    for (;;) {
        if (!follow())
            wait_for_news();
    }
}
