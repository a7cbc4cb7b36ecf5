#!/bin/sh
# Boots a Debian tree with a systemd of its own, installs the stick in it without a network, and breaks the
# service: killed, hung, started with a model that is not there, started again by the next boot, and by
# boots that keep nothing but the data folder.
#
#   sudo sh test-boot.sh STICK OUT        BOOT_ROOT=DIR keeps the tree for the next run
set -eu

stick=$1
out=$2
root=${BOOT_ROOT:-/var/tmp/cxr-edge-boot}
drive=$root-drive # bound to /drive: what the boots are told, and what they say
data=$root-data   # bound to the data folder of the boots that keep nothing else
limit_s=900 # a boot with all that is tried in it takes two minutes on a quiet machine

fail() {
    printf '%s\n' "test-boot: $*" >&2
    exit 1
}
say() { printf '\n== %s\n' "$*"; }

[ "$(id -u)" = 0 ] || fail "this needs root: it builds and boots a file tree of its own in $root"
for tool in mmdebstrap systemd-nspawn unshare; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install mmdebstrap systemd-container util-linux"
done
[ -d "$stick/wheels/$(uname -m)-3.11" ] || fail "$stick has no wheels for $(uname -m)-3.11"
if [ ! -x "$root/usr/bin/python3" ]; then
    say "building the Debian 12 tree in $root"
    mmdebstrap --variant=minbase --include=systemd,systemd-sysv,dbus,python3,python3-venv bookworm "$root"
fi
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -rf "$root/stick" "$root/opt/cxr-edge" "$root/var/lib/cxr-edge" "$root/etc/systemd/system/cxr-edge.service"* "$drive" "$data" \
    "$root/etc/systemd/journald.conf.d" "$root/etc/systemd/system.conf.d"
mkdir "$drive"
cp -r "$stick" "$root/stick"
chroot "$root" id nurse >/dev/null 2>&1 || chroot "$root" useradd --create-home nurse

cat >"$drive/ask.py" <<'END'
"""ask.py health | film: what the kiosk answers, as soon as it does."""
import pathlib, sys, time, urllib.request

patience = time.monotonic() + 300
while True:
    try:
        film = pathlib.Path("/drive/film.png").read_bytes() if sys.argv[1] == "film" else None
        address = "http://127.0.0.1:7860/" + ("films" if film else "health")
        headers = {"Content-Type": "application/octet-stream"} if film else {}
        print(urllib.request.urlopen(urllib.request.Request(address, film, headers), timeout=60).read().decode())
        break
    except OSError as error:
        if time.monotonic() > patience:
            raise SystemExit(f"no answer in five minutes: {error}")
        time.sleep(0.5)
END
cat >"$drive/not" <<'END'
# `! command` does not stop a script under set -e; this does.
if "$@"; then
    echo "this should have failed: $*"
    exit 1
fi
END
cat >"$drive/first" <<'END'
set -eu
main() { systemctl show -P MainPID cxr-edge; }
restarts() { systemctl show -P NRestarts cxr-edge; }
records() { cxr-edge reviews list | wc -l; }
grown() { # grown NUMBER: has the service been started again more often than that?
    for second in $(seq 180); do
        [ "$(restarts)" -le "$1" ] || return 0
        sleep 1
    done
    echo "it was not started again" && exit 1
}
echo "== install"
sh /stick/install.sh --desktop-user nurse
sh /drive/not systemctl is-failed cxr-edge
grep -q "cxr-edge kiosk" /home/nurse/.config/labwc/autostart
systemctl is-enabled cxr-edge
systemctl is-active cxr-edge
echo "== health, and a film"
python3 /drive/ask.py health
cd /tmp && /opt/cxr-edge/current/bin/python -c "
from edge_app.imaging.phantom import phantom_png
open('/drive/film.png', 'wb').write(phantom_png('viral', 1))"
python3 /drive/ask.py film
[ "$(records)" = 1 ]
echo "== what it is: user, temporary files in memory, limits"
[ "$(ps -o user= -p "$(main)" 2>/dev/null || stat -c %U "/proc/$(main)")" = cxr-edge ]
grep " /tmp .* tmpfs " "/proc/$(main)/mountinfo"
systemctl show cxr-edge -p MemoryMax -p MemoryHigh -p TasksMax -p WatchdogUSec -p IPAddressDeny -p IPAddressAllow
systemd-analyze verify /etc/systemd/system/cxr-edge.service
systemd-analyze security --no-pager cxr-edge >/drive/security.txt
tail -1 /drive/security.txt
echo "== killed: it comes back and the record is there"
before=$(restarts)
kill -9 "$(main)"
grown "$before"
python3 /drive/ask.py health
[ "$(records)" = 1 ]
echo "== hung: the watchdog, set to 15 s here, starts it again"
mkdir -p /run/systemd/system/cxr-edge.service.d
printf '[Service]\nWatchdogSec=15\n' >/run/systemd/system/cxr-edge.service.d/fast.conf
systemctl daemon-reload
systemctl restart cxr-edge
before=$(restarts)
kill -STOP "$(main)"
grown "$before"
python3 /drive/ask.py health
journalctl -b -u cxr-edge --no-pager | grep -i "watchdog timeout"
echo "== a new model, the one before it, the shipped one (docs/guide/raspberry-pi.md, step 5)"
/opt/cxr-edge/current/bin/python -c "
import dataclasses, pathlib
from edge_app.model.bundle import read_bundle, shipped_bundle_path, write_bundle
old = read_bundle(shipped_bundle_path())
card = dataclasses.replace(old.card, version='9.9')
write_bundle(pathlib.Path('/drive/new.tflite'), old.model, card, old.golden, old.card_text, old.locator)"
cxr-edge models list
cxr-edge models install /drive/new.tflite
systemctl restart cxr-edge
python3 /drive/ask.py health | grep '"version":"9.9"'
cxr-edge models rollback
systemctl restart cxr-edge
python3 /drive/ask.py health | tee /drive/health
sh /drive/not grep '"version":"9.9"' /drive/health
cxr-edge models use shipped
echo "== a model that is not there gives way to the shipped one"
printf '0123456789abcdef\nshipped\n' >/var/lib/cxr-edge/models/current
systemctl restart cxr-edge
python3 /drive/ask.py health
journalctl -b -u cxr-edge --no-pager | grep "continuing with model shipped"
END
cat >"$drive/second" <<'END'
set -eu
echo "== the next boot: it is there by itself, with its record"
python3 /drive/ask.py health
[ "$(cxr-edge reviews list | wc -l)" = 1 ]
cxr-edge reviews export | tee /drive/records.csv | cut -d, -f1,2
tail -1 /drive/records.csv | grep -E ",[0-9a-f-]{36},[0-9.]+$" # the start of the machine and the time since it
echo "== back up, lose everything, restore (step 6)"
cxr-edge reviews backup /var/lib/cxr-edge/backup.sqlite3
cp /var/lib/cxr-edge/backup.sqlite3 /drive/
before=$(cxr-edge reviews list)
systemctl stop cxr-edge
rm -f /var/lib/cxr-edge/records.sqlite3
rm -f /var/lib/cxr-edge/records.sqlite3-wal /var/lib/cxr-edge/records.sqlite3-shm
cp /drive/backup.sqlite3 /var/lib/cxr-edge/records.sqlite3
chown cxr-edge: /var/lib/cxr-edge/records.sqlite3
chmod 600 /var/lib/cxr-edge/records.sqlite3
systemctl start cxr-edge
python3 /drive/ask.py health
[ "$(cxr-edge reviews list)" = "$before" ]
cxr-edge reviews audit
echo 2468 | cxr-edge reviews add-reader RD
cxr-edge doctor
echo "== what docs/guide/raspberry-pi.md says to make it last"
mkdir -p /etc/systemd/journald.conf.d /etc/systemd/system.conf.d
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=20M\n' | tee /etc/systemd/journald.conf.d/cxr-edge.conf
printf '[Manager]\nRuntimeWatchdogSec=14\n' | tee /etc/systemd/system.conf.d/cxr-edge.conf
END
cat >"$drive/sealed" <<'END'
set -eu
echo "== a system that keeps nothing but the data folder"
grep " / .* overlay " /proc/self/mountinfo
[ "$(systemctl show -P RuntimeWatchdogUSec)" = 14s ]
[ ! -e /var/log/journal ] && journalctl -b -u cxr-edge --no-pager | grep -q Started
python3 /drive/ask.py health
touch /etc/written-while-sealed
python3 /drive/ask.py film
cxr-edge models install /drive/new.tflite
END
cat >"$drive/sealed-again" <<'END'
set -eu
echo "== the boot after it: what was written is gone, what was recorded is there"
grep " / .* overlay " /proc/self/mountinfo
[ ! -e /etc/written-while-sealed ]
python3 /drive/ask.py health | grep '"version":"9.9"'
[ "$(cxr-edge reviews list | wc -l)" = 2 ]
cxr-edge doctor
END
cat >"$drive/out" <<'END'
set -eu
echo "== the way out"
sh /stick/install.sh --desktop-user nurse --uninstall
sh /drive/not systemctl cat cxr-edge
sh /drive/not grep -q "cxr-edge kiosk" /home/nurse/.config/labwc/autostart
[ ! -e /opt/cxr-edge ] && [ -f /var/lib/cxr-edge/records.sqlite3 ]
END
cat >"$root/etc/systemd/system/drive.service" <<'END'
[Unit]
After=cxr-edge.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh /drive/now >/drive/now.log 2>&1; echo $? >/drive/now.rc; journalctl -b --no-pager >/drive/now.journal; systemctl poweroff --no-block'
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
END
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../drive.service "$root/etc/systemd/system/multi-user.target.wants/drive.service"

boot() { # boot NAME [OPTIONS of nspawn]: start the tree, let it do drive/NAME and go down again
    name=$1
    shift
    say "boot: $name"
    cp "$drive/$name" "$drive/now"
    rm -f "$drive/now.rc"
    # A /run of its own: nspawn keeps its sockets there. No network but the loopback.
    unshare --mount sh -c '
        mount -t tmpfs tmpfs /run
        exec timeout --signal=KILL "$@" --quiet --boot --private-network --register=no --keep-unit --console=pipe
    ' nspawn "$limit_s" systemd-nspawn --directory="$root" --bind="$drive:/drive" "$@" >"$out/$name.console" 2>&1 || true
    for kind in log journal; do
        [ ! -f "$drive/now.$kind" ] || cp "$drive/now.$kind" "$out/$name.$kind"
    done
    cat "$out/$name.log"
    [ "$(cat "$drive/now.rc" 2>/dev/null)" = 0 ] || fail "the $name boot went wrong: see $out/$name.log and .journal"
}
# As with the Pi's Overlay File System: the root is read, writes go to memory; the data folder lies elsewhere.
sealed() { boot "$1" --volatile=overlay --bind="$data:/var/lib/cxr-edge"; }

boot first
cp "$drive/security.txt" "$out/security.txt"
boot second
rm -rf "$data" && mv "$root/var/lib/cxr-edge" "$data" && mkdir "$root/var/lib/cxr-edge"
sealed sealed
sealed sealed-again
rm -rf "$root/var/lib/cxr-edge" && mv "$data" "$root/var/lib/cxr-edge"
boot out
say "the boot test passed; what was seen is in $out"
