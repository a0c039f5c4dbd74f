FROM busybox
ENTRYPOINT ["/bin/echo", "x"]
CMD ["a", "b"]
#: config {"Entrypoint": ["/bin/echo", "x"], "Cmd": ["a", "b"]}
