FROM busybox
SHELL ["/bin/sh", "-xc"]
CMD echo hi
#: config {"Shell": ["/bin/sh", "-xc"], "Cmd": ["/bin/sh", "-xc", "echo hi"]}
