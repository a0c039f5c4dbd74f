FROM busybox
LABEL stage=zero
FROM busybox
RUN exit 1
#: build --target 0
#: config {"Labels": {"stage": "zero"}}
