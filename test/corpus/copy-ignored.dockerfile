FROM busybox
COPY . /all/
RUN test ! -e /all/secret.env && test -f /all/notes/keep.log && test ! -e /all/notes/drop.log
