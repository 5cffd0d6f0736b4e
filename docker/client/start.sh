#!/usr/bin/env bash
# Signs in and runs the tutorial. Without Docker: the same, with i-commands on the PATH and these variables set.
#   IRODS_HOST, IRODS_PASSWORD; GUIDE (the document), SAMPLE (an OVA, put into the folder as base.ova), FOLDER
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
: "${IRODS_HOST:?}" "${IRODS_PASSWORD:?}"
guide="${GUIDE:-$here/../../docs/tutorial.md}"
folder="${FOLDER:-$(mktemp -d)}"
python3 "$here/environment.py"
printf '%s\n' "$IRODS_PASSWORD" | iinit >/dev/null
cp "${SAMPLE:-$here/../../demo/sample.ova}" "$folder/base.ova"
exec python3 "$here/guide.py" "$guide" --folder "$folder"
