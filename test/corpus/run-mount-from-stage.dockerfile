FROM busybox AS make
RUN echo made > /made
FROM busybox
RUN --mount=from=make,source=/made,target=/in cp /in /out
RUN test "$(cat /out)" = made
