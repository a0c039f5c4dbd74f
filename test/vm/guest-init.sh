#!/bin/busybox sh
# PID 1 of a test machine. Mounts what a system has, and then runs the scripts that test/vm/machine.ts sends over the second
# serial line: a line of base64 each, answered by one line: exit status, standard output and standard error, both in base64.
# The kernel's command line says which root (vm.root=initramfs|tmpfs) and which cgroups (vm.cgroup=v2|v1|hybrid|none).
export PATH=/bin:/sbin HOME=/root TERM=dumb
mount -t proc proc /proc
root=initramfs cgroup=v2
read -r words </proc/cmdline
for word in $words; do
  case $word in
    vm.root=*) root=${word#*=} ;;
    vm.cgroup=*) cgroup=${word#*=} ;;
  esac
done

# A file system that can be pivoted away from, as every installed system has one.
if [ "$root" = tmpfs ] && [ ! -e /switched ]; then
  mkdir /newroot
  mount -t tmpfs -o mode=755,size=90% root /newroot
  cp /init /newroot/
  mkdir -p /newroot/proc /newroot/sys /newroot/dev /newroot/run /newroot/tmp /newroot/var/lib
  touch /newroot/switched
  umount /proc
  # Nothing is loaded from here once its libraries have moved.
  for name in lib lib64 etc root sbin bin; do /bin/busybox mv "/$name" /newroot/; done
  exec /newroot/bin/busybox switch_root /newroot /init
fi

mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue
ln -s /proc/self/fd /dev/fd
chmod 1777 /tmp

mount_v1() {
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for name in cpuset cpu,cpuacct blkio memory devices freezer net_cls,net_prio perf_event hugetlb pids; do
    mkdir "/sys/fs/cgroup/$name"
    mount -t cgroup -o "$name" cgroup "/sys/fs/cgroup/$name" || rmdir "/sys/fs/cgroup/$name"
  done
}
case $cgroup in
  v2) mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup ;;
  v1) mount_v1 ;;
  hybrid)
    mount_v1
    mkdir /sys/fs/cgroup/unified
    mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
    ;;
esac
ifconfig lo 127.0.0.1 up
hostname vm
cd /root || exit 1

exec 3<>/dev/ttyS1
stty raw -echo <&3
echo ready >&3
while read -r script <&3; do
  echo "$script" | base64 -d >/tmp/script
  setsid sh /tmp/script </dev/null >/tmp/stdout 2>/tmp/stderr 3>&-
  status=$?
  echo "$status $(base64 -w 0 /tmp/stdout) $(base64 -w 0 /tmp/stderr)" >&3
done
poweroff -f
