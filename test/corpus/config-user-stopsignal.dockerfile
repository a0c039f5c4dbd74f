FROM busybox
USER 1000:1000
STOPSIGNAL SIGQUIT
WORKDIR /one
WORKDIR two
WORKDIR ../three
#: config {"User": "1000:1000", "StopSignal": "SIGQUIT", "WorkingDir": "/one/three"}
