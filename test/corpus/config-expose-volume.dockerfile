FROM busybox
ARG P=9000
EXPOSE 80 443/tcp 53/udp $P
VOLUME /data
VOLUME ["/one", "/two three"]
#: config {"ExposedPorts": {"80/tcp": {}, "443/tcp": {}, "53/udp": {}, "9000/tcp": {}}, "Volumes": {"/data": {}, "/one": {}, "/two three": {}}}
