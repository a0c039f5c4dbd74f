FROM busybox
RUN echo 0 > /zero
FROM busybox
COPY --from=0 /zero /0
RUN test -f /0
