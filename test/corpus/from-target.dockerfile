FROM busybox AS wanted
LABEL stage=wanted
FROM busybox
RUN exit 1
#: build --target wanted
#: config {"Labels": {"stage": "wanted"}}
