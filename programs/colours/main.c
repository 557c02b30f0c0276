// colours: a test card for terminals: attributes, colours, line drawing, scripts.
#include <stdio.h>

#include "programs/common/program.h"

static void title(const char *text) {
    printf("\033[1m%s\033[m\n", text);
}

static void attributes(void) {
    static const struct {
        const char *code, *name;
    } all[] = {{"1", "bold"},    {"2", "faint"},   {"3", "italic"}, {"4", "underlined"}, {"4:3", "curly"},
               {"21", "doubly"}, {"7", "inverse"}, {"9", "struck"}, {"53", "overlined"}, {"1;3;4;35", "several"}};
    title("Attributes");
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        printf(" \033[%sm%s\033[m ", all[i].code, all[i].name);
    printf("\n\n");
}

static void sixteen(void) {
    title("Sixteen colours");
    for (int row = 0; row < 2; row++) {
        for (int i = 0; i < 8; i++)
            printf("\033[%d;%dm %3d \033[m", row ? 97 : 30 + (i < 2 ? 7 : 0), (row ? 100 : 40) + i, i + 8 * row);
        printf("   ");
        for (int i = 0; i < 8; i++)
            printf("\033[%dm colour \033[m", (row ? 90 : 30) + i);
        printf("\n");
    }
    printf("\n");
}

// Six planes of the cube of six levels, side by side, then the greys.
static void palette(void) {
    title("256 colours");
    for (int green = 0; green < 6; green++) {
        for (int red = 0; red < 6; red++) {
            for (int blue = 0; blue < 6; blue++)
                printf("\033[48;5;%dm  ", 16 + 36 * red + 6 * green + blue);
            printf("\033[m ");
        }
        printf("\n");
    }
    for (int i = 232; i < 256; i++)
        printf("\033[48;5;%dm   ", i);
    printf("\033[m\n\n");
}

static void true_colour(void) {
    enum { STEPS = 76 };
    title("True colour");
    for (int row = 0; row < 3; row++) {
        for (int i = 0; i < STEPS; i++) {
            int up = 255 * i / (STEPS - 1), down = 255 - up;
            printf("\033[48;2;%d;%d;%dm ", row == 0 ? up : down,
                   row == 1   ? up
                   : row == 0 ? 0
                              : down / 2,
                   row == 2 ? up : down / 3);
        }
        printf("\033[m\n");
    }
    printf("\n");
}

static void drawing(void) {
    title("Line drawing and blocks");
    printf("┌──┬──┐ ╔══╦══╗ ╭──┬──╮ ┏━━┳━━┓  \033(0lqqwqqk\033(B  ░▒▓█▓▒░  ▁▂▃▄▅▆▇█  ◆ ● ■ ▲ ◀ ▶ ★\n"
           "│  │  │ ║  ║  ║ │  │  │ ┃  ┃  ┃  \033(0x  x  x\033(B  ▖▗▘▙▚▛▜▝▞▟  ← ↑ → ↓ ↔ ⇒ ⇔\n"
           "├──┼──┤ ╠══╬══╣ ├──┼──┤ ┣━━╋━━┫  \033(0tqqnqqu\033(B  ▏▎▍▌▋▊▉█  ∀ ∃ ∈ ∑ ∫ √ ∞ ≠ ≤ ≥ ±\n"
           "└──┴──┘ ╚══╩══╝ ╰──┴──╯ ┗━━┻━━┛  \033(0mqqvqqj\033(B  ⠁⠃⠇⡇⣇⣧⣷⣿  ☺ ♠ ♣ ♥ ♦ ♪ ✓ ✗\n\n");
}

static void scripts(void) {
    title("Scripts");
    printf("Latin: Grüße, façade, Żółć, İstanbul  Greek: Καλημέρα  Cyrillic: Привет, Ђурђевак\n"
           "Combining: e\u0301 a\u0308 n\u0303 o\u0302\u0323 x\u0305  Hebrew: שלום  Arabic: سلام  Thai: สวัสดี\n"
           "Wide: 你好，世界  こんにちは  안녕하세요  ＡＢＣ\n");
}

int main(int argc, char **argv) {
    program_start(argc, argv, "", "Shows what the terminal can show.\n");
    program_option("");
    attributes();
    sixteen();
    palette();
    true_colour();
    drawing();
    scripts();
    return program_end(0);
}
