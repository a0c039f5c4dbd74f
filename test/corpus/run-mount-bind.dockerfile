FROM busybox
RUN --mount=target=/ctx test -f /ctx/dir/one.txt && ! touch /ctx/x
RUN --mount=type=bind,source=dir,target=/d,rw touch /d/new && test -f /d/one.txt
RUN test ! -e /d/one.txt
