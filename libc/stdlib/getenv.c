// The environment: environ and the functions that read and change it. Strings and the array are the start-up
// block's until they are changed; a string that setenv made is freed when it is replaced or removed.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char **environ;

static char **own_array;    // environ, if it is a block of ours
static size_t own_capacity; // entries, the null pointer included
static char **made;         // strings from setenv
static size_t made_count;

static size_t environment_size(void) {
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL)
        count++;
    return count;
}

// The entry of that name, or null. length: of the name.
static char **environment_find(const char *name, size_t length) {
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return entry;
    return NULL;
}

static void string_forget(char *string) {
    for (size_t i = 0; i < made_count; i++)
        if (made[i] == string) {
            made[i] = made[--made_count];
            free(string);
            return;
        }
}

static int string_remember(char *string) {
    char **larger = reallocarray(made, made_count + 1, sizeof *made);
    if (larger == NULL)
        return -1;
    made = larger;
    made[made_count++] = string;
    return 0;
}

// Puts the assignment in the place of the one with its name, or at the end.
static int environment_put(char *assignment, size_t name_length) {
    char **entry = environment_find(assignment, name_length);
    if (entry != NULL) {
        char *old = *entry;
        *entry = assignment;
        if (old != assignment)
            string_forget(old);
        return 0;
    }
    size_t count = environment_size();
    if (environ != own_array || count + 2 > own_capacity) {
        size_t capacity = count + count / 2 + 8;
        char **array = malloc(capacity * sizeof *array);
        if (array == NULL)
            return -1;
        if (count > 0)
            memcpy(array, environ, count * sizeof *array);
        free(own_array);
        environ = own_array = array;
        own_capacity = capacity;
    }
    environ[count] = assignment;
    environ[count + 1] = NULL;
    return 0;
}

char *getenv(const char *name) {
    size_t length = strlen(name);
    char **entry = environment_find(name, length);
    return entry != NULL ? *entry + length + 1 : NULL;
}

static int name_check(const char *name) {
    if (name != NULL && *name != '\0' && strchr(name, '=') == NULL)
        return 0;
    errno = EINVAL;
    return -1;
}

int setenv(const char *name, const char *value, int overwrite) {
    if (name_check(name) != 0)
        return -1;
    size_t name_length = strlen(name), value_length = strlen(value);
    if (!overwrite && environment_find(name, name_length) != NULL)
        return 0;
    char *assignment = malloc(name_length + value_length + 2);
    if (assignment == NULL)
        return -1;
    memcpy(assignment, name, name_length);
    assignment[name_length] = '=';
    memcpy(assignment + name_length + 1, value, value_length + 1);
    if (string_remember(assignment) != 0) {
        free(assignment);
        return -1;
    }
    if (environment_put(assignment, name_length) != 0) {
        string_forget(assignment);
        return -1;
    }
    return 0;
}

int unsetenv(const char *name) {
    if (name_check(name) != 0)
        return -1;
    size_t length = strlen(name);
    for (char **entry; (entry = environment_find(name, length)) != NULL;) {
        char *old = *entry;
        for (; *entry != NULL; entry++)
            entry[0] = entry[1];
        string_forget(old);
    }
    return 0;
}

int putenv(char *assignment) {
    const char *equals = strchr(assignment, '=');
    if (equals == NULL)
        return unsetenv(assignment);
    return environment_put(assignment, (size_t)(equals - assignment));
}

int clearenv(void) {
    while (environ != NULL && *environ != NULL) {
        string_forget(*environ);
        environ++;
    }
    environ = NULL;
    return 0;
}
