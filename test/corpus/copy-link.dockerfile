FROM busybox
COPY --link dir/one.txt /l/one.txt
RUN test -f /l/one.txt
