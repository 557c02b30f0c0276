#!/usr/bin/python3 -B
"""Checks, when the image is built, that who may call whom is a partial order: the sessions of the manifest never lead in a
circle, and a role that is called has a priority at least as high as its callers; that only programs that note their stores keep their memory;
and that init can hold it. Prints file:line: reason and fails otherwise."""

import sys

ARGUMENTS_MOST, SESSIONS_MOST, ROLES_MOST = 16, 16, 40  # as in servers/init/manifest.h


def limit_errors(path):
    """What init would refuse at boot."""
    errors, roles, sessions = [], 0, 0
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        words = line.split("#")[0].split()
        if words[:1] == ["role"]:
            roles, sessions = roles + 1, 0
        sessions += words[:1] == ["session"]
        if words[:1] == ["program"] and len(words) - 1 > ARGUMENTS_MOST:
            errors.append(f"{path}:{number}: more than {ARGUMENTS_MOST} words for a program")
        if sessions > SESSIONS_MOST or roles > ROLES_MOST:
            errors.append(f"{path}:{number}: more than {SESSIONS_MOST} sessions of a role, or {ROLES_MOST} roles")
    return errors


def read_roles(path):
    roles, role = {}, None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "role":
            role = roles[words[1]] = {"line": number, "calls": [], "priority": 0, "keeps": 0, "program": ""}
        elif words[0] == "session":
            role["calls"].append((words[2], number))
        elif words[0] == "priority":
            role["priority"] = int(words[1])
        elif words[0] == "program":
            role["program"] = words[1]
        elif words[0] == "keep":
            role["keeps"] = number
    return roles


def find_circle(roles, name, path, done):
    if name in done:
        return None
    if name in path:
        return path[path.index(name):] + [name]
    for called, _ in roles[name]["calls"]:
        circle = find_circle(roles, called, path + [name], done) if called in roles else None
        if circle:
            return circle
    done.add(name)
    return None


def main(path, stamp=None, *plain):
    """plain: programs whose stores are not noted (drivers/meson.build)."""
    roles = read_roles(path)
    errors = limit_errors(path)
    for name, role in roles.items():
        for called, line in role["calls"]:
            if called != "init" and called not in roles:
                errors.append(f"{path}:{line}: there is no role {called}")
            elif called != "init" and roles[called]["priority"] < role["priority"]:
                errors.append(f"{path}:{line}: {name} has a higher priority than {called}, which it calls")
        if role["keeps"] and role["program"].split("/")[-1] in plain:
            errors.append(f"{path}:{role['keeps']}: {role['program']} does not note its stores, so nothing would be undone")
    for name, role in roles.items():
        circle = None if errors else find_circle(roles, name, [], set())
        if circle:
            errors.append(f"{path}:{role['line']}: these call each other in a circle: {' -> '.join(circle)}")
            break
    for error in errors:
        print(error, file=sys.stderr)
    if stamp and not errors:
        open(stamp, "w", encoding="utf-8").close()
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
