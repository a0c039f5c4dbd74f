FROM busybox
ENV A=1
RUN ["/bin/sh", "-c", "echo $A > /a"]
RUN ["/bin/touch", "/b c"]
RUN test "$(cat /a)" = 1 && test -f "/b c"
