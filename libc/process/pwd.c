// Users and groups, from /etc/passwd and /etc/group. A line that lacks a field is skipped.
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *users;
static char *user_line, *group_line;
static size_t user_capacity, group_capacity;

// Cuts a line at its colons. The number of fields found.
static int split(char *line, char **fields, int count) {
    int found = 0;
    line[strcspn(line, "\n")] = '\0';
    while (found < count && line != NULL)
        fields[found++] = strsep(&line, ":");
    return found;
}

static struct passwd *next_user(FILE *file) {
    static struct passwd user;
    char *fields[7];
    while (getline(&user_line, &user_capacity, file) > 0) {
        if (split(user_line, fields, 7) != 7)
            continue;
        user = (struct passwd){
            fields[0], fields[1], (uid_t)strtoul(fields[2], NULL, 10), (gid_t)strtoul(fields[3], NULL, 10), fields[4],
            fields[5], fields[6]};
        return &user;
    }
    return NULL;
}

static struct passwd *find_user(const char *name, uid_t uid) {
    FILE *file = fopen("/etc/passwd", "re");
    if (file == NULL)
        return NULL;
    struct passwd *user;
    while ((user = next_user(file)) != NULL)
        if (name != NULL ? strcmp(user->pw_name, name) == 0 : user->pw_uid == uid)
            break;
    fclose(file);
    return user;
}

struct passwd *getpwnam(const char *name) {
    return find_user(name, 0);
}

struct passwd *getpwuid(uid_t uid) {
    return find_user(NULL, uid);
}

struct passwd *getpwent(void) {
    if (users == NULL)
        users = fopen("/etc/passwd", "re");
    return users != NULL ? next_user(users) : NULL;
}

void endpwent(void) {
    if (users != NULL)
        fclose(users);
    users = NULL;
}

void setpwent(void) {
    endpwent();
}

static struct group *find_group(const char *name, gid_t gid) {
    static struct group group;
    static char *members[64];
    char *fields[4];
    FILE *file = fopen("/etc/group", "re");
    if (file == NULL)
        return NULL;
    struct group *found = NULL;
    while (found == NULL && getline(&group_line, &group_capacity, file) > 0) {
        if (split(group_line, fields, 4) != 4)
            continue;
        gid_t id = (gid_t)strtoul(fields[2], NULL, 10);
        if (name != NULL ? strcmp(fields[0], name) != 0 : id != gid)
            continue;
        size_t count = 0;
        for (char *state, *member = strtok_r(fields[3], ",", &state); member != NULL && count < 63;
             member = strtok_r(NULL, ",", &state))
            members[count++] = member;
        members[count] = NULL;
        group = (struct group){fields[0], fields[1], id, members};
        found = &group;
    }
    fclose(file);
    return found;
}

struct group *getgrnam(const char *name) {
    return find_group(name, 0);
}

struct group *getgrgid(gid_t gid) {
    return find_group(NULL, gid);
}
