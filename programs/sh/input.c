// Sources of commands that are read as they are needed.
#include "programs/sh/input.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/sh/expand.h"
#include "programs/sh/history.h"
#include "programs/sh/jobs.h"
#include "programs/sh/line_editor.h"
#include "programs/sh/trap.h"
#include "programs/sh/variables.h"

static bool plain_more(struct source *source, bool continued) {
    (void)continued;
    size_t before = source->text.length;
    for (;;) {
        char c;
        ssize_t count = read(STDIN_FILENO, &c, 1);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return source->text.length > before;
        buffer_append_byte(&source->text, c);
        if (c == '\n')
            return true;
    }
}

void input_init_plain(struct source *source) {
    source_init(source);
    source->more = plain_more;
}

// Appends text that prompt_text's expansion must leave alone: a directory may be called `date`.
static void append_literal(struct buffer *out, const char *text) {
    for (; *text; text++) {
        if (strchr("$`\\\"", *text))
            buffer_append_byte(out, '\\');
        buffer_append_byte(out, *text);
    }
}

static void append_directory(struct shell *shell, struct buffer *out, bool last_part) {
    const char *path = variable_get(shell, "PWD");
    const char *home = variable_get(shell, "HOME");
    if (!path)
        return;
    size_t length = home ? strlen(home) : 0;
    if (length > 1 && strncmp(path, home, length) == 0 && (!path[length] || path[length] == '/')) {
        if (!last_part || !path[length])
            buffer_append_byte(out, '~');
        path += length;
    }
    const char *slash = strrchr(path, '/');
    append_literal(out, last_part && slash && slash[1] ? slash + 1 : path);
}

static void append_escape(struct shell *shell, struct buffer *out, char letter) {
    struct utsname names;
    switch (letter) {
    case 'w':
    case 'W':
        append_directory(shell, out, letter == 'W');
        break;
    case 'u':
        append_literal(out, variable_get(shell, "USER") ? variable_get(shell, "USER") : "");
        break;
    case 'h':
        append_literal(out, uname(&names) >= 0 ? names.nodename : "");
        break;
    case '$':
        append_literal(out, getuid() == 0 ? "#" : "$");
        break;
    case 'n':
        buffer_append_byte(out, '\n');
        break;
    case 'e':
        buffer_append_byte(out, '\033');
        break;
    case '[': // bash's marks around what takes no columns: the editor finds that out itself
    case ']':
        break;
    default:
        buffer_append_byte(out, '\\');
        buffer_append_byte(out, letter);
    }
}

const char *prompt_text(struct shell *shell, const char *name, const char *fallback) {
    const char *format = variable_get(shell, name);
    struct buffer out;
    buffer_init(&out);
    for (format = format ? format : fallback; *format; format++) {
        if (*format == '\\' && format[1])
            append_escape(shell, &out, *++format);
        else
            buffer_append_byte(&out, *format);
    }
    char *expanded = expand_text(shell, out.data, EXPAND_PROMPT);
    shell->flow = FLOW_NONE;
    buffer_free(&out);
    return expanded ? expanded : fallback;
}

static bool editor_more(struct source *source, bool continued) {
    struct shell *shell = source->context;
    struct region_mark mark = region_mark(&shell->temporary);
    jobs_poll(shell);
    if (!continued)
        jobs_report(shell);
    int status = shell->last_status;
    const char *prompt = continued ? prompt_text(shell, "PS2", "> ") : prompt_text(shell, "PS1", "\\w \\$ ");
    shell->last_status = status;
    char *line;
    enum line_result result = line_edit(shell, prompt, &line);
    region_release(&shell->temporary, mark);
    if (result == LINE_INTERRUPTED) {
        trap_interrupt(shell);
        shell->last_status = STATUS_SIGNAL + SIGINT;
        return false;
    }
    if (result == LINE_END)
        return false;
    buffer_append_text(&source->text, line);
    buffer_append_byte(&source->text, '\n');
    history_add(line);
    free(line);
    return true;
}

void input_init_editor(struct source *source, struct shell *shell) {
    source_init(source);
    source->more = editor_more;
    source->context = shell;
}
