FROM busybox
SHELL ["/bin/sh", "-ec"]
RUN false; true
#: fails process "/bin/sh -ec false; true" did not complete successfully: exit code: 1
