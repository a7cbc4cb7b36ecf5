#!/bin/sh
# Installs the chest film kit on this machine, from this stick, without a network.
# It can be repeated: complete parts are kept, the rest is made again.
set -eu
PATH=$PATH:/usr/sbin:/sbin # useradd is there, but sudo may leave it out

prefix=/opt/cxr-edge
data=/var/lib/cxr-edge
user=cxr-edge
desktop_user=${SUDO_USER:-}
runtime=default
signers=/etc/cxr-edge/allowed_signers
service=yes
action=install
purge=no

usage() {
    cat <<'END'
usage: sudo sh install.sh [OPTIONS]
  --prefix DIR          folder of the program (default /opt/cxr-edge)
  --data-dir DIR        folder of models and records (default /var/lib/cxr-edge)
  --user NAME           the user that the kiosk runs as; created if missing (default cxr-edge)
  --desktop-user NAME   the user whose desktop opens the kiosk at log-in (default: the user who called sudo)
  --runtime NAME        default, or tflite-runtime (the older interpreter)
  --signers FILE        whose signature the stick must have (default /etc/cxr-edge/allowed_signers, if it is there)
  --no-service          do not start the kiosk when the machine starts
  --uninstall           remove the program; keep models and records
  --purge               with --uninstall: also remove models and records
END
}

say() { printf '%s\n' "install: $*"; }
fail() {
    printf '%s\n' "install: $*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --prefix | --data-dir | --user | --desktop-user | --runtime | --signers)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        case $1 in
        --prefix) prefix=$2 ;;
        --data-dir) data=$2 ;;
        --user) user=$2 ;;
        --desktop-user) desktop_user=$2 ;;
        --runtime) runtime=$2 ;;
        --signers) signers=$2 signers_named=yes ;;
        esac
        shift
        ;;
    --no-service) service=no ;;
    --uninstall) action=uninstall ;;
    --purge) purge=yes ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

case $prefix$data in *[!A-Za-z0-9/._-]*) fail "folder names may contain only letters, digits and / . _ - : $prefix $data" ;; esac
case $prefix in /?*) ;; *) fail "--prefix must be an absolute folder, not $prefix" ;; esac
case $data in /?*) ;; *) fail "--data-dir must be an absolute folder, not $data" ;; esac
stick=$(cd "$(dirname "$0")" && pwd)
unit=/etc/systemd/system/cxr-edge.service
autostart=.config/labwc/autostart
launcher=/usr/local/bin/cxr-edge
[ "$prefix" = /opt/cxr-edge ] || launcher=$prefix/bin/cxr-edge # a second copy leaves the first alone
[ "$(id -u)" = 0 ] || [ "$user" = "$(id -un)" ] || fail "this needs root: sudo sh $0"
[ -d /run/systemd/system ] && [ "$(id -u)" = 0 ] && [ "$prefix" = /opt/cxr-edge ] || service=no

# Root neither writes nor changes anything by a path that another user can turn into a link: what lies in a user's
# folder is done as that user, and a data folder that is a link is refused.
[ ! -L "$data" ] || fail "$data is a link: name the folder that it leads to with --data-dir"

as_user() { # run as the kiosk's user, to see only what the kiosk will see
    if [ "$(id -un)" = "$user" ]; then
        CXR_EDGE_HOME=$data "$@"
    else
        runuser -u "$user" -- env HOME="$data" CXR_EDGE_HOME="$data" "$@"
    fi
}

desktop_home() { [ -n "$desktop_user" ] && getent passwd "$desktop_user" | cut -d: -f6; }

as_desktop_user() { # run as the user whose desktop opens the kiosk, in that user's home folder
    if [ "$(id -un)" = "$desktop_user" ]; then
        (cd "$home" && "$@")
    else
        (cd / && runuser -u "$desktop_user" -- sh -c 'cd "$1" && shift && "$@"' sh "$home" "$@")
    fi
}

remove_desktop_entry() {
    home=$(desktop_home) || return 0
    as_desktop_user sh -c '[ ! -f "$1" ] || sed -i "/cxr-edge kiosk/d" "$1"' sh "$autostart"
}

uninstall() {
    if [ "$service" = yes ]; then
        systemctl disable --now cxr-edge.service 2>/dev/null || true
        rm -f "$unit"
        systemctl daemon-reload
        remove_desktop_entry
    fi
    rm -f "$launcher"
    rm -rf "$prefix"
    if [ "$purge" = yes ]; then
        [ ! -d "$data" ] || find "$data" -mindepth 1 -delete
        rmdir "$data" 2>/dev/null || true # a separate partition stays mounted
        [ "$user" != cxr-edge ] || userdel cxr-edge 2>/dev/null || true
        say "removed the program, the models and the records"
    else
        say "removed the program; models and records are still in $data"
    fi
}

find_wheels() { # the folder of wheels for this machine and its Python
    python= tag=
    for candidate in python3 python3.11 python3.13; do
        command -v "$candidate" >/dev/null || continue
        # A 32-bit system may run on a 64-bit kernel, so ask Python and not uname.
        tag=$("$candidate" -c 'import platform, struct, sys
machine = platform.machine() if struct.calcsize("P") == 8 else "armv7l"
print(f"{machine}-{sys.version_info[0]}.{sys.version_info[1]}")' 2>/dev/null) || continue
        if [ -d "$stick/wheels/$tag" ]; then
            python=$(command -v "$candidate")
            wheels=$stick/wheels/$tag
            return
        fi
    done
    fail "this stick has no wheels for ${tag:-a machine without Python 3}; it has: $(ls "$stick/wheels" | tr '\n' ' ')"
}

check_stick() {
    say "checking the stick"
    check_signature
    (cd "$stick" && sha256sum --check --quiet --strict SHA256SUMS) || fail "the stick is damaged: copy it again"
    # What is installed from these folders must be listed; other folders may hold back-ups and what systems leave behind.
    listed=$(grep -cE '^[0-9a-f]{64}  (wheels|models)/' "$stick/SHA256SUMS") || true
    found=$(cd "$stick" && find wheels models ! -type d 2>/dev/null | wc -l)
    [ "$listed" -eq "$found" ] ||
        fail "the stick has $found files in wheels and models, its SHA256SUMS lists $listed: make the stick again"
}

check_signature() { # a link that leads nowhere also asks for a signature
    if [ ! -e "$signers" ] && [ ! -L "$signers" ] && [ "${signers_named:-}" != yes ]; then
        signed=unsigned
        [ ! -f "$stick/SHA256SUMS.sig" ] || signed="signed, but this machine trusts no signer"
        say "the stick is $signed: damage is found, a forged stick is not ($signers is missing)"
        return 0
    fi
    [ -f "$stick/SHA256SUMS.sig" ] || fail "the stick is not signed, and this machine requires a signature: $signers"
    command -v ssh-keygen >/dev/null || fail "no signature can be checked: install openssh-client"
    ssh-keygen -Y verify -q -f "$signers" -I cxr-edge-kit -n cxr-edge-stick -s "$stick/SHA256SUMS.sig" \
        <"$stick/SHA256SUMS" >/dev/null 2>&1 || fail "the stick is not signed by a key in $signers: do not use it"
    say "the stick is signed by a key in $signers"
}

check_system_packages() { # 32-bit ARM: numpy and Pillow are those of the system
    [ -f "$wheels/system-packages.txt" ] || return 0
    missing=
    while read -r package; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
    done <"$wheels/system-packages.txt"
    [ -z "$missing" ] || fail "this machine (${wheels##*/}) needs these packages from its own system, since they have no wheels:$missing.
  Connect it to a network once: sudo apt-get install$missing"
}

make_program() { # in a folder named by the stick's content, then put into use by renaming one link
    requirements=$wheels/requirements.txt
    [ "$runtime" = default ] || requirements=$wheels/requirements-$runtime.txt
    [ -f "$requirements" ] || fail "this stick has no runtime $runtime for ${wheels##*/}"
    id=$(cat "$stick/SHA256SUMS" "$requirements" | sha256sum | cut -c1-12)
    program=$prefix/kit-$id
    if [ -f "$program/complete" ]; then
        say "the program is there already: $program"
    else
        say "installing the program into $program"
        rm -rf "$program"
        mkdir -p "$prefix"
        system= dependencies=
        if [ -f "$wheels/system-packages.txt" ]; then # the venv sees the system's packages; pip must not look for them
            system=--system-site-packages dependencies=--no-deps
        fi
        "$python" -m venv --without-pip $system "$program"
        pip=$(echo "$wheels"/pip-*.whl)
        "$program/bin/python" "$pip/pip" install --quiet --no-index --no-cache-dir --disable-pip-version-check \
            --root-user-action=ignore --require-hashes --only-binary=:all: $dependencies \
            --find-links "$wheels" -r "$requirements"
        "$program/bin/python" -m compileall -q -j 0 "$program/lib" >/dev/null || true
        sync
        : >"$program/complete"
    fi
    ln -sfn "kit-$id" "$prefix/current.new"
    mv -T "$prefix/current.new" "$prefix/current"
    for old in "$prefix"/kit-*; do # the previous one is kept: `ln -sfn kit-OLD PREFIX/current` goes back to it
        [ "$old" = "$program" ] || [ "$old" = "$(ls -dt "$prefix"/kit-* | sed -n 2p)" ] || rm -rf "$old"
    done
}

make_user() {
    if ! id "$user" >/dev/null 2>&1; then
        say "creating the user $user"
        useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
    fi
    mkdir -p "$data"
    if [ "$(id -u)" = 0 ]; then
        chown -h "$user:" "$data"
    fi
    # Other users can reach the models; only the kiosk's user can read its records.
    as_user chmod 0711 "$data"
    as_user mkdir -p "$data/models"
    as_user chmod 0755 "$data/models"
}

make_launcher() {
    mkdir -p "$(dirname "$launcher")"
    cat >"$launcher.new" <<END
#!/bin/sh
# Root becomes the kiosk's user; others may read films and models, but not the records.
PATH=\$PATH:/usr/sbin:/sbin
export CXR_EDGE_HOME="\${CXR_EDGE_HOME:-$data}"
python=$prefix/current/bin/python
if [ "\$(id -u)" != 0 ] || [ "$user" = root ]; then
    exec "\$python" -I -m edge_app "\$@"
fi
if [ "\${1:-}" = models ] && [ "\${2:-}" = install ] && [ -f "\${3:-}" ]; then
    # Only the desktop's user and root can read a USB stick: hand over a copy. A link on the stick is copied as a link,
    # so that it shows the kiosk's user nothing that only root may read.
    copy=\$(mktemp -d)
    trap 'rm -rf "\$copy"' EXIT
    name=\${3##*/}
    for file in "\$name" "\$name.sha256" "\$name.sig"; do
        source=\${3%"\$name"}\$file
        [ -e "\$source" ] || [ -L "\$source" ] || continue
        cp -P -- "\$source" "\$copy/"
        if [ -L "\$copy/\$file" ]; then
            echo "cxr-edge: \$source is a link: copy the file itself to the stick" >&2
            exit 1
        fi
    done
    chmod -R a+rX "\$copy"
    shift 3
    set -- models install "\$copy/\$name" "\$@"
fi
runuser -u "$user" -- env HOME="$data" CXR_EDGE_HOME="\$CXR_EDGE_HOME" "\$python" -I -m edge_app "\$@"
END
    chmod 0755 "$launcher.new"
    mv "$launcher.new" "$launcher"
}

install_models() {
    for model in "$stick"/models/*.tflite; do
        [ -f "$model" ] || continue
        say "installing the model ${model##*/}"
        "$launcher" models install "$model"
    done
}

make_service() {
    if ! grep -q '^gradio==' "$requirements"; then
        say "this machine (${wheels##*/}) has no kiosk page; score films with: $launcher predict FILE"
        return
    fi
    [ "$service" = yes ] || { say "no service was set up; start the kiosk with: $launcher serve"; return; }
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@DATA@|$data|g" -e "s|@USER@|$user|g" "$stick/cxr-edge.service" >"$unit.new"
    mv "$unit.new" "$unit"
    systemctl daemon-reload
    systemctl enable --quiet cxr-edge.service
    say "starting the kiosk"
    systemctl restart cxr-edge.service || say "the kiosk did not start: sudo journalctl -u cxr-edge"
    make_desktop_entry
}

make_desktop_entry() { # Raspberry Pi OS Bookworm and Trixie: labwc runs this file at log-in
    home=$(desktop_home) || return 0
    cp "$stick/kiosk-browser.sh" "$prefix/kiosk-browser.sh"
    remove_desktop_entry
    as_desktop_user sh -c 'mkdir -p "${1%/*}" && printf "%s\n" "$2" >>"$1"' sh "$autostart" \
        "sh $prefix/kiosk-browser.sh & # cxr-edge kiosk"
    say "the desktop of $desktop_user opens the kiosk at log-in"
}

if [ "$action" = uninstall ]; then
    uninstall
    exit 0
fi
check_stick
find_wheels
check_system_packages
make_program
make_user
make_launcher
install_models
make_service
say "checking this machine"
as_user "$prefix/current/bin/python" -I -m edge_app doctor || say "doctor found something to fix, see above"
say "self-test"
as_user "$prefix/current/bin/python" -I -m edge_app selftest || fail "the self-test failed: do not use this device"
say "done: $launcher"
