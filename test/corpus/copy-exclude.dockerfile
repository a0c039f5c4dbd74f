FROM busybox
COPY --exclude=*.md --exclude=sub dir /e/
RUN test -f /e/one.txt && test ! -e /e/x.md && test ! -e /e/sub
