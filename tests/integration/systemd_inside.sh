#!/bin/bash
# What systemd_test.sh does inside the container, where enrichd is installed and systemd is process 1.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

socket=/run/enrichd/enrichd.sock
port=8123

step() { echo "-- $*"; }
fail() {
    echo "FAILED: $*" >&2
    systemctl status enrichd sandbox --no-pager >&2 || true
    journalctl -u enrichd -u sandbox --no-pager -n 60 >&2 || true
    exit 1
}

# eventually WHAT COMMAND...: the command succeeds within a minute, or the test fails.
eventually() {
    local what=$1
    shift
    for _ in $(seq 600); do
        "$@" > /dev/null 2>&1 && return 0
        sleep 0.1
    done
    fail "not within a minute: $what"
}

property() { systemctl show --value -p "$1" enrichd.service; }
ctl() { enrichctl --socket $socket "$@"; }
# job_states: the states of all jobs, one a line.
job_states() { ctl jobs --all --json | grep -o '"state": *"[a-z_]*"' | cut -d'"' -f4; }
is_restarted() { [ "$(property NRestarts)" = "$1" ] && [ "$(property ActiveState)" = active ]; }
some_job_is() { job_states | grep -x -- "$1"; }
all_jobs_are() { [ "$(job_states | sort -u)" = "$1" ]; }
# No `grep -q` here: it would end before journalctl does, and with pipefail that is a failure.
journal_has() { journalctl "$1" -o cat --no-pager | grep -- "$2"; }

step "the units are well-formed and confined"
units=$(dirname "$(systemctl show --value -p FragmentPath enrichd.service)")
systemd-analyze verify "$units"/enrichd{.service,-run.service,-run.timer} || fail "systemd-analyze verify"
for unit in enrichd.service enrichd-run.service; do
    systemd-analyze security --offline=true --threshold=15 "$units/$unit" > /tmp/score ||
        { cat /tmp/score >&2; fail "$unit is exposed to more than 1.5"; }
    tail -n 1 /tmp/score
done

step "what was installed is where the unit says, and the example is a good configuration"
documents=$(systemctl show --value -p Documentation enrichd.service)
[ -e "${documents#file:}" ] || fail "$documents is not there"
enrichd --check-config --config "$(dirname "${documents#file:}")/enrichd.toml.example" || fail "the example configuration"

step "users and folders are made, nothing is enabled"
systemd-sysusers
systemd-tmpfiles --create enrichd.conf
[ "$(stat -c '%U:%G %a' /etc/enrichd)" = "root:enrichd 750" ] || fail "/etc/enrichd: $(stat -c '%U:%G %a' /etc/enrichd)"
for unit in enrichd.service enrichd-run.timer; do
    [ "$(systemctl is-enabled $unit)" = disabled ] || fail "$unit is $(systemctl is-enabled $unit)"
done

step "a configuration, and rows"
cat > /etc/enrichd/enrichd.toml <<TOML
[database]
url = "sqlite:/var/lib/enrichd/news.db"
[provider]
base_url = "http://127.0.0.1:$port/v1"
[poll]
first_seconds = 0.1
max_seconds = 0.2
TOML
chown root:enrichd /etc/enrichd/enrichd.toml
chmod 640 /etc/enrichd/enrichd.toml
install -d -o enrichd -g enrichd -m 750 /var/lib/enrichd
install -o enrichd -g enrichd -m 640 /given/news.db /var/lib/enrichd/news.db

step "the unit starts without a credential, and stops"
systemctl start enrichd || fail "the unit does not start without /etc/credstore/openai-api-key"
[ "$(property StatusText)" != "" ] || fail "no status text was sent"
systemctl stop enrichd
[ "$(property Result)" = success ] || fail "stopping gave $(property Result)"

step "the unit starts with a credential"
install -m 600 /dev/stdin /etc/credstore/openai-api-key <<< "sk-systemd-test"
systemd-run --quiet --unit=sandbox enrich-sandbox --listen 127.0.0.1:$port --batch-seconds 3 --api-key sk-systemd-test
systemctl start enrichd || fail "the unit does not start"
ctl migrate || fail "enrichctl migrate"

step "the main job, begun by enrichd-run.service, is under way when the daemon is killed"
systemctl start enrichd-run.service || fail "enrichd-run.service"
eventually "a job is polling" some_job_is polling
before=$(property MainPID)
systemctl kill --kill-whom=main --signal=SIGKILL enrichd
eventually "systemd restarts the daemon" is_restarted 1
[ "$(property MainPID)" != "$before" ] || fail "the pid is the same"

step "the run goes on to the end"
eventually "all jobs are merged" all_jobs_are merged
ctl run --auto --wait > /tmp/again || fail "a second run: $(cat /tmp/again)"
cat /tmp/again
job_count=$(job_states | wc -l)
[ "$job_count" = 2 ] || fail "$job_count jobs, and not one of each kind"

step "the journal has the job's whole life, before and after the kill"
for job in 1 2; do
    for state in built submitted polling fetched merged; do
        journal_has "ENRICHD_JOB=$job" "$state" > /dev/null || fail "job $job: no $state in the journal"
        [ -n "$(journalctl "ENRICHD_JOB=$job" "ENRICHD_STATE=$state" -o cat --no-pager)" ] ||
            fail "job $job: no entry has ENRICHD_STATE=$state"
    done
    pids=$(journalctl "ENRICHD_JOB=$job" -o json --no-pager | grep -o '"_PID":"[0-9]*"' | sort -u | wc -l)
    [ "$pids" = 2 ] || fail "job $job was seen by $pids processes, and not by two"
    batch=$(journalctl "ENRICHD_JOB=$job" -o json --no-pager | grep -o '"ENRICHD_BATCH_ID":"[^"]*"' | tail -n 1 | cut -d'"' -f4)
    [ -n "$batch" ] || fail "job $job: no ENRICHD_BATCH_ID"
    journal_has "ENRICHD_BATCH_ID=$batch" merged > /dev/null || fail "$batch: not found by its id"
done
[ -z "$(journalctl -u enrichd --no-pager | grep sk-systemd-test)" ] || fail "the key is in the journal"

step "a stuck daemon is restarted by the watchdog"
mkdir -p /etc/systemd/system/enrichd.service.d
printf '[Service]\nWatchdogSec=2s\n' > /etc/systemd/system/enrichd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart enrichd
systemctl kill --kill-whom=main --signal=SIGSTOP enrichd
eventually "the watchdog restarts the daemon" is_restarted 1

step "a reload keeps the process, a bad configuration keeps the old one"
before=$(property MainPID)
echo 'no_such_key = 1' >> /etc/enrichd/enrichd.toml
systemctl reload enrichd || fail "reload"
eventually "the bad configuration is reported" journal_has _SYSTEMD_UNIT=enrichd.service no_such_key
[ "$(property MainPID)" = "$before" ] || fail "the reload restarted the daemon"
ctl status > /dev/null || fail "the daemon does not answer after a bad reload"

step "with a bad configuration a restart fails, and is not tried for ever"
systemctl restart enrichd && fail "it started with a bad configuration"
[ "$(property ActiveState)" = failed ] || fail "it is $(property ActiveState)"
[ "$(property ExecMainStatus)" = 78 ] || fail "its status is $(property ExecMainStatus), and not 78"
echo "all of it passed"
