FROM busybox
RUN echo said && exit 3
#: fails process "/bin/sh -c echo said && exit 3" did not complete successfully: exit code: 3
