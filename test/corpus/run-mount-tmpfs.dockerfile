FROM busybox
RUN --mount=type=tmpfs,target=/scratch,size=1m touch /scratch/x && grep -q " /scratch tmpfs" /proc/mounts
RUN test ! -e /scratch/x
