// Terminals (POSIX XBD 11).
#include <termios.h>
#include <unistd.h>

#include "libc/internal/result.h"
#include "libc/internal/system.h"

int tcgetattr(int fd, struct termios *settings) {
    return result_of(system_terminal_get(fd, settings));
}

int tcsetattr(int fd, int when, const struct termios *settings) {
    return result_of(system_terminal_set(fd, when, settings));
}

int tcflush(int fd, int queue) {
    return result_of(system_terminal_flush(fd, queue));
}

int tcdrain(int fd) {
    return result_of(system_terminal_drain(fd));
}

int tcflow(int fd, int action) {
    return result_of(system_terminal_flow(fd, action));
}

// No terminal here has a line that a break could be sent on: what was written is waited for, and no more (POSIX
// allows it).
int tcsendbreak(int fd, int duration) {
    (void)duration;
    return tcdrain(fd);
}

pid_t tcgetpgrp(int fd) {
    pid_t group = -1;
    error_t error = system_terminal_group_get(fd, &group);
    return (pid_t)result_with(error, group);
}

int tcsetpgrp(int fd, pid_t group) {
    return result_of(system_terminal_group_set(fd, group));
}

pid_t tcgetsid(int fd) {
    pid_t session = -1;
    error_t error = system_terminal_session(fd, &session);
    return (pid_t)result_with(error, session);
}

int isatty(int fd) {
    struct termios settings;
    return tcgetattr(fd, &settings) == 0;
}

speed_t cfgetispeed(const struct termios *settings) {
    return settings->c_ispeed;
}

speed_t cfgetospeed(const struct termios *settings) {
    return settings->c_ospeed;
}

int cfsetispeed(struct termios *settings, speed_t speed) {
    settings->c_ispeed = speed;
    return 0;
}

int cfsetospeed(struct termios *settings, speed_t speed) {
    settings->c_ospeed = speed;
    return 0;
}

int cfsetspeed(struct termios *settings, speed_t speed) {
    settings->c_ispeed = settings->c_ospeed = speed;
    return 0;
}

void cfmakeraw(struct termios *settings) {
    settings->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    settings->c_oflag &= ~(tcflag_t)OPOST;
    settings->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings->c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
    settings->c_cflag |= CS8;
    settings->c_cc[VMIN] = 1;
    settings->c_cc[VTIME] = 0;
}
