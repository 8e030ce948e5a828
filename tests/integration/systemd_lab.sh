#!/bin/bash
# Boots a real systemd in a container, runs one command in it as root, and takes it down again.
# SPDX-License-Identifier: Apache-2.0
#
#   systemd_lab.sh create ROOT PACKAGE...     a minimal Debian of this machine's release; kept if it is there
#   systemd_lab.sh run ROOT [--install BUILD] [--bind-ro SOURCE:PLACE]... -- COMMAND...
#
# Needs root, systemd-container and mmdebstrap; PID 1 of this machine need not be systemd. The container has
# the loopback for its only network. Its changes go to memory: ROOT stays as it was made. With --install,
# `cmake --install BUILD` goes into it first. The exit status is the command's, or 125 if nothing booted.
#
# Everything happens in a mount namespace of this script's own, where /sys/fs/cgroup is one plain cgroup v2
# tree (machines with a mix of v1 and v2 have none that a systemd could use) and the container has a branch of
# it to itself: that is how whatever is left of it is found and ended, and nothing else is.
set -euo pipefail

die() { echo "systemd_lab: $*" >&2; exit 125; }
[ "$(id -u)" = 0 ] || die "needs root"

create() {
    local root=$1 packages
    shift
    packages=$(printf '%s\n' systemd systemd-sysv dbus procps "$@" | sort -u | paste -sd,)
    [ "$(cat "$root/.lab-packages" 2>/dev/null)" != "$packages" ] || return 0
    rm -rf --one-file-system "$root"
    mkdir -p "$(dirname "$root")"
    local here codename log
    here=$(dirname "$(realpath "$0")")
    codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
    log=$(mktemp)
    mmdebstrap --quiet --variant=minbase --include="$packages" "$codename" "$root" \
        "$("$here/../../scripts/apt-mirror.sh")" > "$log" 2>&1 || { cat "$log" >&2; die "mmdebstrap failed"; }
    rm -f "$log"
    : > "$root/etc/machine-id" # a fresh one on every boot
    ln -sf /dev/null "$root/etc/systemd/system/apt-daily.timer"
    ln -sf /dev/null "$root/etc/systemd/system/apt-daily-upgrade.timer"
    echo "$packages" > "$root/.lab-packages"
}

# The rest runs inside the mount namespace.

cgroups=/sys/fs/cgroup
container= # pid of systemd-nspawn
init=      # pid of the container's systemd, seen from outside
command=   # pid of what runs in it

end_cgroup() {
    [ -d "$1" ] || return 0
    echo 1 > "$1/cgroup.kill"
    for _ in $(seq 100); do
        find "$1" -depth -type d -exec rmdir {} \; 2> /dev/null || true
        [ -d "$1" ] || return 0
        sleep 0.05
    done
}

take_down() {
    trap - EXIT INT TERM
    [ -z "$command" ] || kill "$command" 2> /dev/null || true
    [ -z "$init" ] || kill -s RTMIN+4 "$init" 2> /dev/null || true # power off
    for _ in $(seq 100); do
        kill -0 "$container" 2> /dev/null || break
        sleep 0.05
    done
    end_cgroup "$cgroup"
    wait "$container" 2> /dev/null || true
    umount -l "$work" 2> /dev/null || true
    rmdir "$work" 2> /dev/null || true
}

inside() { nsenter -t "$init" -a env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/root LANG=C.UTF-8 TERM=dumb "$@"; }

# Waits for what a command prints to match; the container's console explains a failure.
wait_until() {
    local what=$1 pattern=$2
    shift 2
    for _ in $(seq 600); do
        [[ "$("$@" 2> /dev/null)" =~ $pattern ]] && return 0
        kill -0 "$container" 2> /dev/null || break
        sleep 0.05
    done
    cat "$work/console" >&2
    die "$what"
}

child_of_container() { cat "/proc/$container/task/$container/children"; }
name_of_init() { init=$(child_of_container); init=${init%% *}; [ -z "$init" ] || cat "/proc/$init/comm"; }

boot() {
    umount -R $cgroups 2> /dev/null || umount -l $cgroups 2> /dev/null || true
    mount -t cgroup2 none $cgroups
    for left in $cgroups/enrichd-lab-*; do # by a lab that was killed
        [ -d "/proc/${left##*-}" ] || end_cgroup "$left"
    done
    cgroup=$cgroups/enrichd-lab-$$
    mkdir "$cgroup"
    mkdir -p /run/systemd/nspawn
    mount -t tmpfs none /run/systemd/nspawn

    work=$(mktemp -d)
    mount -t tmpfs none "$work"
    trap take_down EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir "$work"/{upper,scratch,root}
    mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/scratch" "$work/root"
    if [ -n "$install" ]; then
        DESTDIR="$work/root" cmake --install "$install" > "$work/install" 2>&1 ||
            { cat "$work/install" >&2; die "cmake --install failed"; }
    fi

    (
        echo "$BASHPID" > "$cgroup/cgroup.procs"
        exec setpriv --pdeathsig TERM systemd-nspawn --quiet --boot --directory="$work/root" \
            --machine="enrichd-lab-$$" --register=no --keep-unit --private-network --link-journal=no \
            --resolv-conf=off --timezone=off --console=pipe "${binds[@]}"
    ) < /dev/null > "$work/console" 2>&1 &
    container=$!
    wait_until "the container has no systemd" '^systemd$' name_of_init
    name_of_init > /dev/null
    wait_until "systemd did not come up" '^(running|degraded)' inside systemctl is-system-running
}

case ${1:-} in
create)
    shift
    create "$@"
    ;;
run)
    exec unshare --mount --propagation private "$0" run-unshared "${@:2}"
    ;;
run-unshared)
    root=$(realpath "$2")
    shift 2
    install=
    binds=()
    while [ "${1:-}" != -- ]; do
        case ${1:-} in
        --install) install=$2 ;;
        --bind-ro) binds+=("--bind-ro=$2") ;;
        *) die "unknown argument '${1:-}'" ;;
        esac
        shift 2
    done
    shift
    boot
    # As a background job, so that a signal to this script is acted on at once.
    inside "$@" <&0 &
    command=$!
    status=0
    wait $command || status=$?
    exit $status
    ;;
*)
    sed -n '5,6s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
