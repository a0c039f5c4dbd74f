FROM busybox
COPY links/out /x
#: fails not found
