// getsubopt: the comma-separated options behind an option, as `mount -o` takes them.
#include <stdlib.h>
#include <string.h>

int getsubopt(char **options, char *const *keys, char **value) {
    char *option = *options;
    char *end = option + strcspn(option, ",");
    *options = *end != '\0' ? end + 1 : end;
    *end = '\0';
    char *equals = strchr(option, '=');
    size_t length = equals != NULL ? (size_t)(equals - option) : strlen(option);
    for (int i = 0; keys[i] != NULL; i++)
        if (strncmp(keys[i], option, length) == 0 && keys[i][length] == '\0') {
            *value = equals != NULL ? equals + 1 : NULL;
            return i;
        }
    *value = option;
    return -1;
}
