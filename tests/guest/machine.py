"""A guest of build_guest.sh in QEMU, with a seed, and what it prints for us on its console."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

REPORT = "@@"  # begins each line that the guest prints for us
BOOT_SECONDS = 900


def user_data(report: str, *, errors: bool = False, at_each_boot: bool = False, then_off: bool = False) -> str:
    """A user's own part of the user-data: when all else is done the guest runs these lines, and prints on its console.

    errors: also what they print as an error. at_each_boot: the service is there without cloud-init, too.
    """
    off = "ExecStart=/bin/systemctl --no-block poweroff\n" if then_off else ""
    enabled = "systemctl enable --no-reload report.service\n" if at_each_boot else ""
    return f"""#cloud-boothook
#!/bin/sh
cat >/usr/local/bin/report <<'END'
#!/bin/sh
{{
{report}    echo "{REPORT} end"
}} >/dev/ttyS0{" 2>&1" if errors else ""}
END
chmod +x /usr/local/bin/report
cat >/etc/systemd/system/report.service <<'END'
[Unit]
After=cloud-final.service
[Service]
Type=oneshot
ExecStart=/usr/local/bin/report
{off}[Install]
WantedBy=cloud-init.target
END
systemctl daemon-reload
{enabled}systemctl --no-block start report.service
"""


class Machine:
    """A guest with one disk, which stays over its boots. network: QEMU's -netdev without its id; by default none."""

    def __init__(
        self, guest: Path, folder: Path, mac: str, *, network: str = "user,restrict=on", processors: int = 2
    ) -> None:
        folder.mkdir(exist_ok=True)
        self._guest, self._mac, self._network, self._processors = guest, mac, network, processors
        self.disk = folder / "disk.raw"
        subprocess.run(["cp", "--sparse=always", str(guest / "disk.raw"), str(self.disk)], check=True)

    def start(self, seed: Path, log: Path) -> subprocess.Popen[bytes]:
        """Starts with a seed; its console goes to `log`."""
        command = [
            "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", str(self._processors),
            "-m", "1024", "-nographic", "-no-reboot",
            "-kernel", str(self._guest / "vmlinuz"), "-initrd", str(self._guest / "initrd"),
            "-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 quiet",
            "-drive", f"file={self.disk},if=virtio,format=raw",
            "-drive", f"file={seed},media=cdrom,readonly=on,format=raw,if=ide",
            "-netdev", f"{self._network},id=n0", "-device", f"virtio-net-pci,netdev=n0,mac={self._mac}",
        ]  # fmt: skip
        with log.open("wb") as console:
            return subprocess.Popen(command, stdout=console, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def boot(self, seed: Path, log: Path) -> dict[str, str]:
        """Boots with a seed until the guest has reported and is off; what it said, by the first word."""
        start = time.monotonic()
        process = self.start(seed, log)
        try:
            process.wait(BOOT_SECONDS)
        finally:
            process.kill()
        print(f"  booted in {time.monotonic() - start:.0f} s; its console says:")
        return told(log)


def reported(log: Path) -> dict[str, str]:
    """What a guest has reported so far, by the first word."""
    text = log.read_text(errors="replace")
    return {name: value.strip() for name, value in re.findall(rf"{REPORT} (\w+) ?([^\r\n]*)", text)}


def told(log: Path) -> dict[str, str]:
    """What a guest has reported, which is printed; ends the run if it has not come to the end."""
    found = reported(log)
    if "end" not in found:
        raise SystemExit(f"the machine reported no end; its console is {log}")
    for name, value in found.items():
        print(f"    {REPORT} {name} {value}".rstrip())
    return found


def expect(found: Mapping[str, str], **wanted: str) -> None:
    """Ends the run with what differs."""
    wrong = {name: found.get(name) for name, value in wanted.items() if found.get(name) != value}
    if wrong:
        raise SystemExit(f"not as it should be: {wrong}; wanted {wanted}")
