FROM busybox
RUN --mount=type=secret,id=absent test ! -e /run/secrets/absent
