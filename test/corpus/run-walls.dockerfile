FROM busybox
RUN test "$$" -gt 0 && ! mount -t tmpfs x /mnt 2>/dev/null
RUN ! dmesg -n 1 2>/dev/null && test ! -e /.dockerenv
