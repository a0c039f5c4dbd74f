FROM busybox
RUN echo "someone:x:1234:1234::/home/someone:/bin/sh" >> /etc/passwd && mkdir -p /home/someone && chown 1234:1234 /home/someone
USER someone
WORKDIR /home/someone
RUN test "$(id -u)" = 1234 && test "$PWD" = /home/someone && touch mine
USER root
RUN test "$(stat -c %u /home/someone/mine)" = 1234
#: config {"User": "root", "WorkingDir": "/home/someone"}
