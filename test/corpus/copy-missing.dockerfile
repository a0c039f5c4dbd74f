FROM busybox
COPY nowhere.txt /
#: fails "/nowhere.txt": not found
