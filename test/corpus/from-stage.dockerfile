FROM busybox AS one
ENV A=1
RUN echo "$A" > /a
FROM one
RUN test "$(cat /a)" = 1 && test "$A" = 1
