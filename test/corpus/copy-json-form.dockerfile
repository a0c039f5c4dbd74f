FROM busybox
COPY ["dir/with space.txt", "/to here/"]
RUN test -f "/to here/with space.txt"
