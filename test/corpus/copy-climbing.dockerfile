FROM busybox
COPY ../../../../../../etc/hostname /x
#: fails "/etc/hostname": not found
