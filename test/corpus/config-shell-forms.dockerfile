FROM busybox
CMD echo $HOME
ENTRYPOINT exec top
#: config {"Entrypoint": ["/bin/sh", "-c", "exec top"], "Cmd": ["/bin/sh", "-c", "echo $HOME"]}
