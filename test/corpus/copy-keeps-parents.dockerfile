FROM busybox
RUN mkdir -p /home/user/sub && chmod 750 /home/user && chown 1000:1001 /home/user /home/user/sub && chmod 2770 /home/user/sub
COPY dir/one.txt /home/user/
COPY dir /home/user/
RUN test "$(stat -c %u:%g:%a /home/user)" = 1000:1001:750 && test "$(stat -c %u:%g:%a /home/user/sub)" = 1000:1001:2770
USER 1000:1001
WORKDIR /home/user/work
WORKDIR deeper
RUN test "$(stat -c %u:%a /home/user)" = 1000:750 && test "$(stat -c %u /home/user/work)" = 1000 && touch mine
