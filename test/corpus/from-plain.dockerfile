FROM busybox
#: config {"Cmd": ["sh"]}
