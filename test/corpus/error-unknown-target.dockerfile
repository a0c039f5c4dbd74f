FROM busybox AS release
#: build --target relaese
#: fails target stage "relaese" could not be found (did you mean release?)
