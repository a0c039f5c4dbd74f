FROM busybox
ADD --unpack=false archive.tar.gz /kept/
COPY archive.tar.gz /copied/
RUN test -f /kept/archive.tar.gz && test -f /copied/archive.tar.gz
