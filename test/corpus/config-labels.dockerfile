FROM busybox
LABEL a=1 "b c"="d e" multi="one \
two"
LABEL com.example.x=$HOSTTYPE-y
#: build --label given=yes
#: config {"Labels": {"a": "1", "b c": "d e", "multi": "one two", "com.example.x": "-y", "given": "yes"}}
