FROM busybox
COPY dir/one.txt /a/
COPY dir/one.txt /b
COPY dir /c
COPY dir/ /d/
RUN test -f /a/one.txt && test -f /b && test -f /c/one.txt && test -f /c/sub/two.txt && test -f /d/one.txt
RUN test "$(stat -c %u:%g:%a /a/one.txt)" = 0:0:644 && test "$(stat -c %a /a)" = 755
