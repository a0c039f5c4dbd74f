FROM busybox AS broken
RUN exit 7
FROM busybox
RUN true
