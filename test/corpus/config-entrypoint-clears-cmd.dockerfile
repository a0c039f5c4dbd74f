FROM busybox
ENTRYPOINT ["/bin/true"]
#: config {"Entrypoint": ["/bin/true"], "Cmd": null}
