FROM busybox
COPY links /k/
COPY links/to-one /followed
RUN test -L /k/to-one && test -L /k/dangling && test -f /followed && test ! -L /followed
