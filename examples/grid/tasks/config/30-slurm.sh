#!/bin/sh
# The batch system: the controller on CE_HOST, a node on each of WN_LIST.
set -eu
mkdir -p /etc/slurm
cat >/etc/slurm/slurm.conf <<END
ClusterName=grid
SlurmctldHost=$OVA_CE_HOST
SlurmUser=root
StateSaveLocation=/var/spool/slurmctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/var/log/slurmctld.log
SlurmdLogFile=/var/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SlurmdTimeout=60
NodeName=$(echo "$OVA_WN_LIST" | tr ' ' ',') CPUs=$OVA_WN_SMPSIZE State=UNKNOWN
PartitionName=$OVA_QUEUES Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
echo IgnoreSystemd=yes >/etc/slurm/cgroup.conf  # the image has no D-Bus
name=$(hostname -s)
service=
[ "$name" = "$OVA_CE_HOST" ] && service=slurmctld
case " $OVA_WN_LIST " in *" $name "*) service=slurmd ;; esac
[ -n "$service" ] || exit 0
mkdir -p /var/spool/slurmctld /var/spool/slurmd
systemctl enable "$service"
systemctl restart "$service"
