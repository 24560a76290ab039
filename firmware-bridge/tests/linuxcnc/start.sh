#!/usr/bin/env bash
# Runs LinuxCNC without a screen on the mill.ini in FOLDER:   start.sh FOLDER
#
# It refuses to run as root, so root hands it to nobody; where namespaces are to be had, it gets its own for network,
# shared memory and /tmp, since its ports, its memory keys and its lock are one a machine. The folder is then seen at
# /mnt, because it may lie in the /tmp that is hidden.
set -euo pipefail
folder=$(cd "$1" && pwd)
cd "$folder"
clean=(env -i "USER=nobody" "PATH=/usr/bin:/bin" "LANG=C.UTF-8")
if [ "$(id -u)" -ne 0 ]; then
    exec "${clean[@]}" "HOME=$folder" linuxcnc -r "$folder/mill.ini"
fi
chown -R 65534:65534 "$folder"
chmod 755 "$folder"
drop=(setpriv --reuid=65534 --regid=65534 --clear-groups)
# With processes of its own nothing outlives the run, whatever was killed or stopped in it.
spaces=(-i -m -p -f --kill-child --mount-proc)
command -v ip >/dev/null && spaces+=(-n)
if unshare "${spaces[@]}" true 2>/dev/null; then
    own='[ -z "$(command -v ip)" ] || ip link set lo up
        mkdir -p .tmp && chmod 1777 .tmp && mount --bind . /mnt && mount --bind .tmp /tmp && cd /mnt && "$@"'
    exec unshare "${spaces[@]}" bash -c "$own" own "${drop[@]}" "${clean[@]}" HOME=/mnt linuxcnc -r /mnt/mill.ini
fi
exec "${drop[@]}" "${clean[@]}" "HOME=$folder" linuxcnc -r "$folder/mill.ini"
