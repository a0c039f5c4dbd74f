FROM busybox
ADD --chown=5:6 dir/one.txt archive.tar /o/
RUN test "$(stat -c %u:%g /o/one.txt)" = 5:6 && test "$(stat -c %u:%g /o/inside/file)" = 5:6
