FROM busybox
ENV A=1
RUN test "$A" = 1
#: config {"Cmd": ["sh"]}
