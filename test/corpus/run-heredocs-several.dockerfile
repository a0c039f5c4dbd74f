FROM busybox
RUN cat <<A > /a && cat <<"B" > /b
one $HOME
A
two $HOME
B
RUN test "$(cat /a)" = "one /root" && test "$(cat /b)" = 'two $HOME'
