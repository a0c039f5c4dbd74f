FROM busybox
ARG NAME=world
COPY <<one.txt <<"two.txt" /h/
hello $NAME
one.txt
hello $NAME
two.txt
RUN test "$(cat /h/one.txt)" = "hello world" && test "$(cat /h/two.txt)" = 'hello $NAME'
