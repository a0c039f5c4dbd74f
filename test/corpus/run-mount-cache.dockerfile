FROM busybox AS fill
RUN --mount=type=cache,target=/cache,id=corpus echo kept > /cache/x
FROM busybox
COPY --from=fill /etc/passwd /passwd
RUN --mount=type=cache,target=/cache,id=corpus test "$(cat /cache/x)" = kept
RUN test ! -e /cache/x
