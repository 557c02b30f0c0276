# Sourced by image/run and tests/run: a fresh Debian has no Python yet, and everything else is written in it. Same rules as
# for the other packages (image/runner/packages.py): root and CI install without a question, others are asked.
if ! [ -x /usr/bin/python3 ]; then
    echo "This needs the package python3." >&2
    case " $* " in *" --doctor "*) exit 1 ;; esac
    as_root=
    if [ "$(id -u)" != 0 ]; then
        as_root=sudo
        if [ "${CI:-}" != true ]; then
            printf 'Install it with sudo apt-get? [Y/n] ' >&2
            read -r answer || answer=n
            case "$answer" in '' | y | Y | yes) ;; *) exit 1 ;; esac
        fi
    fi
    $as_root apt-get update -q >&2
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3 >&2 </dev/null
fi
