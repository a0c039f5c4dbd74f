FROM busybox
RUN <<EOF
#!/bin/busybox sh
echo "run by $0" > /said
EOF
RUN grep -q "run by /dev/pipes/EOF" /said && test ! -e /dev/pipes
