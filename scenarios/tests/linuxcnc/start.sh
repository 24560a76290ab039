#!/usr/bin/env bash
# Runs programs on a real LinuxCNC without a screen and records every servo tick.
#
#   start.sh FOLDER LIMIT_S PROGRAM...
#
# FOLDER gets the records 0.ticks, 1.ticks, ... (see drive.py). LinuxCNC comes from Debian's package linuxcnc-uspace.
# It refuses to run as root, so root hands it to nobody; where namespaces are to be had, it gets its own for network,
# shared memory and /tmp, since its ports, its memory keys and its lock are one a machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
limit_s=$2
shift 2
cp "$here"/mill.ini "$here"/mill.hal "$here"/tool.tbl "$here"/drive.py "$folder"/
chmod 755 "$folder" "$folder/drive.py"
: > "$folder/mill.var"
: > "$folder/jobs"
number=0
for program in "$@"; do
    # A copy: the one who runs it may not be allowed to read the folder it comes from.
    cp "$program" "$folder/$number.ngc"
    printf '%s\t%s\n' "$limit_s" "$folder/$number.ngc" >> "$folder/jobs"
    number=$((number + 1))
done
cd "$folder"
clean=(env -i "HOME=$folder" "USER=nobody" "PATH=/usr/bin:/bin" "LANG=C.UTF-8")
if [ "$(id -u)" -ne 0 ]; then
    exec "${clean[@]}" linuxcnc -r "$folder/mill.ini"
fi
chown -R 65534:65534 "$folder"
drop=(setpriv --reuid=65534 --regid=65534 --clear-groups)
spaces=(-i -m)
command -v ip >/dev/null && spaces+=(-n)
if unshare "${spaces[@]}" true 2>/dev/null; then
    own='[ -z "$(command -v ip)" ] || ip link set lo up; mkdir -p .tmp; chmod 1777 .tmp; mount --bind .tmp /tmp'
    exec unshare "${spaces[@]}" bash -c "$own"' && cd "$0" && exec "$@"' "$folder" "${drop[@]}" "${clean[@]}" \
        linuxcnc -r "$folder/mill.ini"
fi
exec "${drop[@]}" "${clean[@]}" linuxcnc -r "$folder/mill.ini"
