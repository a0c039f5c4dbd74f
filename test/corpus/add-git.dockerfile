FROM busybox
ADD GIT#main /repo
ADD --keep-git-dir=true GIT#main:folder /folder
RUN test -f /repo/readme && test ! -e /repo/.git && test -f /folder/inner
