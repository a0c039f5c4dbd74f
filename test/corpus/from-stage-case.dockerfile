from busybox as One
run echo 1 > /1
from ONE
run test -f /1
