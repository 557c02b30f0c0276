// edit: a full-screen text editor. The main loop draws, reads a key, and does what the key means; keys are
// found in a table of commands. The text, what is seen of it and files are in the other files of this folder.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "programs/common/program.h"
#include "programs/common/terminal.h"
#include "programs/common/utf8.h"
#include "programs/edit/text.h"
#include "programs/edit/undo.h"
#include "programs/edit/view.h"

struct editor {
    struct text text;
    struct view view;
    struct place cursor;
    size_t wanted_column; // that up and down try to keep
    char *path;           // null: no name yet
    struct buffer cut;
    struct buffer needle; // searched for last
    bool cutting;         // the last key cut a line: another one is added to it
    bool quit;
};

#define HELP_MESSAGE "^S save  ^Q quit  ^Z undo  ^Y redo  ^F find  ^G next  ^K cut line  ^U paste"

static struct buffer *line_here(struct editor *editor) {
    return &editor->text.lines[editor->cursor.line];
}

static void message_set(struct editor *editor, const char *subject, const char *text) {
    snprintf(editor->view.message, sizeof(editor->view.message), "%.80s%s%s", subject, *subject ? ": " : "", text);
}

static void draw(struct editor *editor, const char *prompt) {
    view_draw(&editor->view, &editor->text, editor->cursor, editor->path ? editor->path : "(no name)", prompt);
}

// Asks for a line of text; false if it was given up. `answer` holds what is offered.
static bool ask(struct editor *editor, const char *question, struct buffer *answer) {
    for (;;) {
        struct buffer prompt;
        buffer_init(&prompt);
        buffer_format(&prompt, "%s: %s", question, answer->data);
        draw(editor, prompt.data);
        buffer_free(&prompt);
        uint32_t key = terminal_key_read(STDIN_FILENO, -1);
        if (key == '\r')
            return answer->length > 0;
        if (key == KEY_CONTROL('C') || key == 27 || key == KEY_CLOSED)
            return false;
        if (key == 127 || key == KEY_CONTROL('H')) {
            size_t start = utf8_previous(answer->data, answer->length);
            buffer_replace(answer, start, answer->length - start, NULL, 0);
        } else if (key == KEY_CONTROL('U')) {
            buffer_clear(answer);
        } else if (key >= 32 && key < KEY_NONE) {
            char bytes[4];
            buffer_append(answer, bytes, utf8_encode(key, bytes));
        }
    }
}

static bool save(struct editor *editor) {
    if (!editor->path) {
        struct buffer name;
        buffer_init(&name);
        bool given = ask(editor, "Save as", &name);
        if (given)
            editor->path = string_copy(name.data);
        buffer_free(&name);
        if (!given) {
            message_set(editor, "", "not saved");
            return false;
        }
    }
    bool done = text_save(&editor->text, editor->path);
    message_set(editor, done ? "" : "not saved", done ? "saved" : error_text(errno));
    return done;
}

static void quit(struct editor *editor) {
    if (!editor->text.changed) {
        editor->quit = true;
        return;
    }
    for (;;) {
        draw(editor, "Save the changes? (y)es (n)o (c)ancel ");
        uint32_t key = terminal_key_read(STDIN_FILENO, -1);
        if (key == 'y' || key == 'Y') {
            editor->quit = save(editor);
            return;
        }
        if (key == 'n' || key == 'N' || key == KEY_CLOSED) {
            editor->quit = true;
            return;
        }
        if (key == 'c' || key == 'C' || key == 27 || key == KEY_CONTROL('C'))
            return;
    }
}

static void find_next(struct editor *editor) {
    struct place found;
    if (!editor->needle.length) {
        message_set(editor, "", "nothing to find: use ^F first");
    } else if (text_find(&editor->text, editor->cursor, editor->needle.data, &found)) {
        bool round =
            found.line < editor->cursor.line || (found.line == editor->cursor.line && found.offset <= editor->cursor.offset);
        editor->cursor = found;
        message_set(editor, editor->needle.data, round ? "found, from the top" : "found");
    } else {
        message_set(editor, editor->needle.data, "not found");
    }
}

static void find(struct editor *editor) {
    struct buffer needle;
    buffer_init(&needle);
    if (ask(editor, editor->needle.length ? "Find (Enter: the last)" : "Find", &needle)) {
        buffer_clear(&editor->needle);
        buffer_append(&editor->needle, needle.data, needle.length);
    }
    buffer_free(&needle);
    if (editor->needle.length)
        find_next(editor);
}

static void cut_line(struct editor *editor) {
    struct place start = {editor->cursor.line, 0}, end = {editor->cursor.line + 1, 0};
    if (end.line >= editor->text.count)
        end = (struct place){start.line, line_here(editor)->length};
    if (!editor->cutting)
        buffer_clear(&editor->cut);
    text_copy(&editor->text, start, end, &editor->cut);
    if (end.line == start.line)
        buffer_append_byte(&editor->cut, '\n');
    text_remove(&editor->text, start, end);
    editor->cursor = start;
}

static void insert(struct editor *editor, const char *bytes, size_t length) {
    editor->cursor = text_insert(&editor->text, editor->cursor, bytes, length);
}

// Cut lines come back above the cursor's line.
static void paste(struct editor *editor) {
    struct text *text = &editor->text;
    bool was_empty = text->count == 1 && text->lines[0].length == 0;
    editor->cursor = text_insert(text, (struct place){editor->cursor.line, 0}, editor->cut.data, editor->cut.length);
    if (was_empty && text->count > 1) { // the empty line was not one of the text
        editor->cursor = (struct place){text->count - 2, text->lines[text->count - 2].length};
        text_remove(text, editor->cursor, (struct place){text->count - 1, 0});
    }
}

static void new_line(struct editor *editor) {
    insert(editor, "\n", 1);
}

static void left(struct editor *editor) {
    if (editor->cursor.offset)
        editor->cursor.offset = utf8_previous(line_here(editor)->data, editor->cursor.offset);
    else if (editor->cursor.line)
        editor->cursor = (struct place){editor->cursor.line - 1, editor->text.lines[editor->cursor.line - 1].length};
}

static void right(struct editor *editor) {
    const struct buffer *line = line_here(editor);
    if (editor->cursor.offset < line->length)
        editor->cursor.offset = utf8_next(line->data, line->length, editor->cursor.offset);
    else if (editor->cursor.line + 1 < editor->text.count)
        editor->cursor = (struct place){editor->cursor.line + 1, 0};
}

static void backspace(struct editor *editor) {
    struct place end = editor->cursor;
    left(editor);
    text_remove(&editor->text, editor->cursor, end);
}

static void delete (struct editor *editor) {
    struct place start = editor->cursor;
    right(editor);
    text_remove(&editor->text, start, editor->cursor);
    editor->cursor = start;
}

static bool is_word(const struct editor *editor, struct place at) {
    const struct buffer *line = &editor->text.lines[at.line];
    unsigned char c = at.offset < line->length ? (unsigned char)line->data[at.offset] : ' ';
    return c >= 128 || c == '_' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static void word_left(struct editor *editor) {
    struct place before;
    bool seen = false;
    do {
        before = editor->cursor;
        left(editor);
        if (seen && !is_word(editor, editor->cursor)) {
            editor->cursor = before;
            return;
        }
        seen |= is_word(editor, editor->cursor);
    } while (before.line != editor->cursor.line || before.offset != editor->cursor.offset);
}

static void word_right(struct editor *editor) {
    struct place before;
    bool seen = false;
    do {
        before = editor->cursor;
        if (seen && !is_word(editor, before))
            return;
        seen |= is_word(editor, before);
        right(editor);
    } while (before.line != editor->cursor.line || before.offset != editor->cursor.offset);
}

static void line_start(struct editor *editor) {
    editor->cursor.offset = 0;
}

static void line_end(struct editor *editor) {
    editor->cursor.offset = line_here(editor)->length;
}

static void lines_move(struct editor *editor, long count) {
    long line = (long)editor->cursor.line + count;
    long last = (long)editor->text.count - 1;
    editor->cursor.line = (size_t)(line < 0 ? 0 : line > last ? last : line);
    editor->cursor.offset = view_offset(line_here(editor), editor->wanted_column);
}

static void up(struct editor *editor) {
    lines_move(editor, -1);
}

static void down(struct editor *editor) {
    lines_move(editor, 1);
}

static void page_up(struct editor *editor) {
    size_t height = view_height(&editor->view);
    editor->view.top = editor->view.top > height ? editor->view.top - height : 0;
    lines_move(editor, -(long)height);
}

static void page_down(struct editor *editor) {
    size_t height = view_height(&editor->view);
    if (editor->view.top + height < editor->text.count)
        editor->view.top += height;
    lines_move(editor, (long)height);
}

static void redraw(struct editor *editor) {
    view_forget(&editor->view);
}

static void save_command(struct editor *editor) {
    save(editor);
}

static void undo(struct editor *editor) {
    if (!undo_back(&editor->text, &editor->cursor))
        message_set(editor, "", "nothing to undo");
}

static void redo(struct editor *editor) {
    if (!undo_forth(&editor->text, &editor->cursor))
        message_set(editor, "", "nothing to do again");
}

// A click puts the cursor there; the wheel moves the text.
static void mouse(struct editor *editor) {
    struct view *view = &editor->view;
    const struct terminal_mouse *event = &terminal_mouse;
    if (event->released)
        return;
    if (event->button == MOUSE_WHEEL_UP || event->button == MOUSE_WHEEL_DOWN) {
        lines_move(editor, event->button == MOUSE_WHEEL_UP ? -3 : 3);
        return;
    }
    if (event->button != MOUSE_LEFT && event->button != MOUSE_LEFT + MOUSE_DRAG)
        return;
    size_t line = view->top + (size_t)event->row;
    if (event->row < 0 || event->row >= (int)view_height(view) || line >= editor->text.count)
        return;
    editor->cursor.line = line;
    editor->wanted_column = view->left + (size_t)event->column;
    editor->cursor.offset = view_offset(line_here(editor), editor->wanted_column);
}

static const struct {
    uint32_t key;
    void (*run)(struct editor *editor);
    bool keeps_column; // moves up or down: the wanted column stays
} commands[] = {
    {KEY_CONTROL('S'), save_command, false},
    {KEY_CONTROL('Q'), quit, false},
    {KEY_CONTROL('F'), find, false},
    {KEY_CONTROL('G'), find_next, false},
    {KEY_CONTROL('K'), cut_line, false},
    {KEY_CONTROL('U'), paste, false},
    {KEY_CONTROL('L'), redraw, false},
    {KEY_CONTROL('Z'), undo, false},
    {KEY_CONTROL('Y'), redo, false},
    {KEY_MOUSE, mouse, true},
    {KEY_CONTROL('A'), line_start, false},
    {KEY_CONTROL('E'), line_end, false},
    {KEY_HOME, line_start, false},
    {KEY_END, line_end, false},
    {KEY_LEFT, left, false},
    {KEY_RIGHT, right, false},
    {KEY_UP, up, true},
    {KEY_DOWN, down, true},
    {KEY_PAGE_UP, page_up, true},
    {KEY_PAGE_DOWN, page_down, true},
    {KEY_WORD_LEFT, word_left, false},
    {KEY_WORD_RIGHT, word_right, false},
    {127, backspace, false},
    {KEY_CONTROL('H'), backspace, false},
    {KEY_DELETE, delete, false},
    {KEY_CONTROL('D'), delete, false},
    {'\r', new_line, false},
};

static void handle(struct editor *editor, uint32_t key) {
    bool keeps_column = false, cut = key == KEY_CONTROL('K');
    editor->view.message[0] = 0;
    undo_step(&editor->text, key >= 32 && key < KEY_NONE && key != 127);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (commands[i].key == key) {
            commands[i].run(editor);
            keeps_column = commands[i].keeps_column;
            key = KEY_UNKNOWN;
        }
    }
    if (key == '\t' || (key >= 32 && key < KEY_NONE)) {
        char bytes[4];
        insert(editor, bytes, utf8_encode(key, bytes));
    }
    editor->cutting = cut;
    if (!keeps_column)
        editor->wanted_column = view_column(line_here(editor), editor->cursor.offset);
}

static void size_changed(int signal) {
    (void)signal; // that it ends the waiting for a key is enough: drawing asks for the size
}

static void edit(struct editor *editor) {
    struct termios saved;
    if (!terminal_raw_begin(STDIN_FILENO, &saved, 0))
        program_fail("terminal", "%s", error_text(errno));
#ifdef SIGWINCH
    struct sigaction action = {.sa_handler = size_changed};
    sigemptyset(&action.sa_mask);
    sigaction(SIGWINCH, &action, NULL);
#else
    (void)size_changed;
#endif
    descriptor_write(STDOUT_FILENO, "\033[?1049h", 8);
    terminal_mouse_reports(STDOUT_FILENO, true);
    while (!editor->quit) {
        draw(editor, NULL);
        uint32_t key = terminal_key_read(STDIN_FILENO, -1);
        if (key == KEY_CLOSED)
            break;
        if (key != KEY_NONE)
            handle(editor, key);
    }
    terminal_mouse_reports(STDOUT_FILENO, false);
    descriptor_write(STDOUT_FILENO, "\033[?1049l", 8);
    terminal_raw_end(STDIN_FILENO, &saved);
}

int main(int argc, char **argv) {
    program_start(argc, argv, "[FILE]",
                  "  arrows Home End PgUp PgDn   move            ^S  save\n"
                  "  ^A ^E                       line start, end ^Q  quit\n"
                  "  ^F ^G                       find, next      ^K  cut lines\n"
                  "  ^L                          redraw          ^U  paste them\n"
                  "  ^Z ^Y                       undo, redo      the mouse moves the cursor and the text\n");
    program_option("");
    if (program_operand_count > 1)
        program_usage_error("only one file");
    struct editor editor = {0};
    bool exists = false;
    const char *path = program_operands[0];
    if (!path)
        text_init(&editor.text);
    else if (!text_load(&editor.text, path, &exists))
        program_fail(path, "%s", error_text(errno));
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        program_fail(NULL, "needs a terminal");
    editor.path = path ? string_copy(path) : NULL;
    view_init(&editor.view);
    buffer_init(&editor.cut);
    buffer_init(&editor.needle);
    message_set(&editor, path && !exists ? "new file" : "", HELP_MESSAGE);
    edit(&editor);
    text_free(&editor.text);
    view_free(&editor.view);
    buffer_free(&editor.cut);
    buffer_free(&editor.needle);
    free(editor.path);
    return 0;
}
