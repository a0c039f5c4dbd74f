ARG BASE=nothing-like-this
FROM ${BASE} AS x
RUN test -x /bin/busybox
#: build --build-arg BASE=busybox
