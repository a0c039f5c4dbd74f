FROM busybox
COPY --from=extra sub/two.txt /two
RUN test -f /two
#: build --build-context extra=CONTEXT/dir
