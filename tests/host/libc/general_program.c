// A program on libc_general: as a server uses it, with general registers only.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char text[64], *copy;
    int number = 0;
    snprintf(text, sizeof text, "%s %d %#x", "general", -7, 255);
    copy = strdup(text);
    if (copy == NULL || strcmp(copy, "general -7 0xff") != 0)
        return 1;
    free(copy);
    if (sscanf("17 x", "%d", &number) != 1 || number != 17)
        return 2;
    return 0;
}
