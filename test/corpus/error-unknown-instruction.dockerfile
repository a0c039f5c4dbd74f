FROM busybox
RUNN echo
#: fails unknown instruction: RUNN
