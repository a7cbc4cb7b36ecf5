#!/bin/sh
# Installs the stick in an emulated 64-bit Raspberry Pi OS base (Debian 12 arm64), without a network, and
# uses it there: doctor, selftest, predict, the kiosk's health, and every output compared with this machine's.
# It tests function and bits; its times say nothing about a Pi.
#
#   sudo sh test-arm64.sh STICK OUT        ARM64_ROOT=DIR keeps the tree for the next run
set -eu

stick=$1
out=$2
root=${ARM64_ROOT:-/var/tmp/cxr-edge-arm64}
python=${PYTHON:-python3}
here=$(dirname "$0")
films=12
kiosk_start_s=1800 # seen: 17 s on two idle cores; a limit for a kiosk that hangs, generous for a busy machine
# The processors of a Raspberry Pi 3, 4 and 5. Not qemu's "max": it claims instructions that no Pi has, and
# with those LiteRT 2.1.6 answers wrongly under qemu 7.2 (its golden films catch it).
processors="cortex-a53 cortex-a72 cortex-a76"
QEMU_CPU=cortex-a72
export QEMU_CPU

fail() {
    printf '%s\n' "test-arm64: $*" >&2
    exit 1
}
say() { printf '\n== %s\n' "$*"; }

[ "$(id -u)" = 0 ] || fail "this needs root: it builds and enters a file tree of its own in $root"
for tool in mmdebstrap qemu-aarch64-static unshare; do
    command -v "$tool" >/dev/null ||
        fail "$tool is missing: apt-get install qemu-user-static mmdebstrap binfmt-support util-linux"
done
[ -d "$stick/wheels/aarch64-3.11" ] || fail "$stick has no wheels for aarch64-3.11: make wheelhouse"
mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64 ||
    fail "this kernel does not run arm64 programs: apt-get install binfmt-support"

if [ ! -x "$root/usr/bin/python3" ]; then
    say "building the Debian 12 arm64 tree in $root (some five minutes)"
    dpkg --print-foreign-architectures | grep -qx arm64 || { dpkg --add-architecture arm64 && apt-get update -q; }
    mmdebstrap --arch=arm64 --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$root"
fi
mkdir -p "$out"
rm -rf "$root/stick" "$root/opt/cxr-edge" "$root/opt/predecessor" "$root/var/lib/cxr-edge" "$root/var/lib/predecessor"
cp -r "$stick" "$root/stick"
cp "$here/outputs.py" "$root/tmp/outputs.py"
rm -f "$root/tmp/kiosk-ended"

# A network with nothing but the loopback, its own /proc, an empty /dev/shm; gone when this script ends. Without /sys
# LiteRT cannot tell the processor and leaves XNNPACK out.
inside() {
    unshare --net --mount --pid --fork --kill-child sh -eu -c '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount --rbind --make-rslave /sys "$root/sys"
        mkdir -p "$root/dev/shm"
        mount -t tmpfs tmpfs "$root/dev/shm"
        '"$python"' -c "
import fcntl, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(s, 0x8914, struct.pack(\"16sh\", b\"lo\", 0x1 | 0x40))  # SIOCSIFFLAGS: up, running
"
        exec chroot "$root" env -i QEMU_CPU="$QEMU_CPU" PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LC_ALL=C.UTF-8 "$@"
    ' inside "$root" "$@"
}

say "no network in there"
inside python3 -c 'import socket
try:
    socket.create_connection(("192.0.2.1", 80), 3)
except OSError as error:
    print("good:", error)
else:
    raise SystemExit("there is a network")'

say "installing with LiteRT, twice: the second time must find it done"
inside sh /stick/install.sh
inside sh /stick/install.sh | grep "is there already"
say "installing with the predecessor beside it"
inside sh /stick/install.sh --prefix /opt/predecessor --data-dir /var/lib/predecessor --runtime tflite-runtime

cat >"$root/tmp/ask_health.py" <<'END'
import pathlib, sys, time, urllib.request

began, limit_s = time.monotonic(), float(sys.argv[1])
while True:
    try:
        print(urllib.request.urlopen("http://127.0.0.1:7861/health", timeout=300).read().decode())
        break
    except OSError as error:
        if pathlib.Path("/tmp/kiosk-ended").exists() or time.monotonic() - began > limit_s:
            raise SystemExit(f"the kiosk gave no answer in {time.monotonic() - began:.0f} s: {error}")
        time.sleep(1)
print(f"after {time.monotonic() - began:.0f} s of emulation")
END
for prefix in /opt/cxr-edge /opt/predecessor; do
    say "$prefix: predict on phantoms"
    inside sh -eu -c 'cd /tmp && '"$prefix"'/current/bin/python -c "
from pathlib import Path
from edge_app.imaging.phantom import LABELS, phantom_png
for seed in range(6):
    Path(f\"phantom-{seed}.png\").write_bytes(phantom_png(LABELS[seed % 3], seed))
" && '"$prefix"'/current/bin/python -m edge_app predict --json /tmp/phantom-*.png' | tee "$out/predict.jsonl"
    grep -c '"status": "ok"' "$out/predict.jsonl" | grep -qx 6 || fail "not every phantom got a score"

    say "$prefix: the kiosk's health"
    inside sh -eu -c '
        (runuser -u cxr-edge -- env HOME=/tmp CXR_EDGE_HOME=/var/lib/cxr-edge "$1"/current/bin/python \
            -m edge_app serve --port 7861; echo >/tmp/kiosk-ended) &
        exec python3 /tmp/ask_health.py "$2"
    ' kiosk "$prefix" "$kiosk_start_s" | tee "$out/health.txt"
    grep -q '"status":"ok"' "$out/health.txt" || fail "the kiosk is not well"
done

compare() { # compare NAME HERE THERE STEPS
    name=$1
    shift
    right=yes
    "$python" "$here/outputs.py" --compare "$out/$1.json" "$out/$2.json" --within "$3" >"$out/$name.json" ||
        right=no
    cat "$out/$name.json"
    [ $right = yes ] || fail "$name: the outputs differ by more than they may"
}
outputs() { # outputs PREFIX RUNTIME STEPS: of each processor there, then of this machine; again by reference kernels
    for kernels in "" --reference; do
        for QEMU_CPU in $processors; do
            inside "$1/current/bin/python" /tmp/outputs.py $films $kernels >"$out/$2-$QEMU_CPU$kernels.json"
        done
        CXR_EDGE_RUNTIME=$2 CXR_EDGE_HOME=$out "$python" "$here/outputs.py" $films $kernels \
            >"$out/$2-here$kernels.json"
    done
    for cpu in $processors; do
        compare "compare-$2-$cpu" "$2-here" "$2-$cpu" "$3"
        compare "compare-$2-$cpu-reference" "$2-here--reference" "$2-$cpu--reference" 0
    done
}
say "LiteRT: every output there and here"
outputs /opt/cxr-edge ai-edge-litert 2
say "the predecessor: every output there and here"
outputs /opt/predecessor tflite-runtime 8 # x86-64 rounds ties of CONV_2D otherwise; arm64 is held to the bit below
QEMU_CPU=cortex-a72
say "the built-in kernels of arm64 give the bits of the reference kernels here"
for cpu in $processors; do
    compare "compare-builtin-$cpu-to-the-bit" tflite-runtime-here--reference "tflite-runtime-$cpu" 0
done

say "a film that is none, a model that is none, and the way out"
inside sh -c 'echo x > /tmp/x.png; ! cxr-edge predict /tmp/x.png && ! cxr-edge models install /tmp/x.png'
inside sh /stick/install.sh --uninstall
[ ! -e "$root/opt/cxr-edge" ] && [ -d "$root/var/lib/cxr-edge" ] || fail "uninstall removed the wrong things"
say "the arm64 test passed; what was measured is in $out"
