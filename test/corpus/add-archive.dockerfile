FROM busybox
ADD archive.tar.gz /un/
ADD archive.tar /un2/
ADD dir/one.txt /plain/
RUN test -f /un/inside/file && test -f /un2/inside/file && test -f /plain/one.txt && test "$(stat -c %u /un/inside/file)" = 123
