FROM busybox
RUN echo "u7:x:77:77::/home/u7:/bin/sh" >> /etc/passwd && mkdir -p /home/u7 && chown 77:77 /home/u7
COPY --chown=u7 dir/one.txt /1
COPY --chown=12:34 --chmod=600 dir/one.txt /2
COPY --chmod=u=rwx,go=rX dir /3
RUN test "$(stat -c %u /1)" = 77 && test "$(stat -c %u:%g:%a /2)" = 12:34:600 && test "$(stat -c %a /3/one.txt)" = 755
