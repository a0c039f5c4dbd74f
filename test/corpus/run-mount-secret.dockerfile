FROM busybox
RUN --mount=type=secret,id=token test "$(cat /run/secrets/token)" = s3cret
RUN --mount=type=secret,id=token,target=/etc/token,mode=0444 test "$(cat /etc/token)" = s3cret
RUN --mount=type=secret,id=token,env=TOKEN test "$TOKEN" = s3cret
RUN test ! -s /etc/token && ! grep -r s3cret /etc /run
#: build --secret id=token,env=CORPUS_SECRET
