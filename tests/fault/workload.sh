# What runs while a server ends: files, a file without a name, pipes, jobs, a terminal, and the small file systems. Its output
# is the same each time it runs. The fault suite puts it in front of the list of points (points.sh).
work() {
    cd /root
    mkdir d && echo one > d/a && cp /bin/true d/b && cmp /bin/true d/b && echo same
    exec 5> d/u 6< d/u
    rm d/u
    echo nameless >&5
    mv d/a d/c
    ln d/c d/e
    echo two >> d/e
    cat d/c
    read line <&6
    echo "$line"
    exec 5>&- 6<&-
    (sleep 0; exit 5)
    echo $?
    echo $(ls d | sort)
    rm d/b d/c d/e
    rmdir d
    echo piped | cat | cat > /tmp/t
    cat /tmp/t
    rm /tmp/t
    [ -c /dev/null ] && [ -r /proc/uptime ] && echo hidden > /dev/console && echo devices
    cat /proc/uptime > /dev/null && dmesg > /dev/null && ls -l /dev > /dev/null && echo told
    ls -A /root
}
want=$(work 2>&1)
failed=0

# point SERVER EVENT NUMBER: the server ends at that event of the workload, counted from its beginning; `kill`: once while it
# runs, NUMBER hundredths of a second after its beginning.
point() {
    if [ $2 = kill ]; then
        (sleep 0.0$3; service kill $1) &
    else
        service point $1 $2 $3 || return
    fi
    got=$(work 2>&1)
    if [ "$got" != "$want" ]; then
        failed=$((failed + 1))
        echo "FAILED $1:$2:$3"
        echo "$got" | sed 's/^/    /'
    fi
    wait
}
